"""An SD-JWT in its parts, changed in its parts, and put together again: as it is or signed anew."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from fuzzing import trees
from fuzzing.aims import HEADER, TOKEN, Aims, aim
from fuzzing.draws import Draws
from fuzzing.trees import Members, Raw, Tree
from fuzzing.world import (
    HOLDER,
    ISSUER,
    ISSUER_TOO,
    P256_ORDER,
    SIGNERS,
    STATUS,
    STRANGER,
    Signer,
    b64u,
    unb64u,
)

# Nested disclosures of our tokens are two levels deep; one round more shows that nothing moved.
_ROUNDS = 4
_SALT = "c2FsdHNhbHRzYWx0c2FsdA"


@dataclass(frozen=True)
class Jws:
    """A compact JWS, decoded."""

    header: bytes
    payload: bytes
    signature: bytes

    @classmethod
    def of(cls, text: str) -> "Jws":
        header, payload, signature = [*text.split("."), "", ""][:3]
        return cls(unb64u(header), unb64u(payload), unb64u(signature))

    @property
    def signing_input(self) -> bytes:
        return f"{b64u(self.header)}.{b64u(self.payload)}".encode()

    def text(self) -> str:
        return f"{self.signing_input.decode()}.{b64u(self.signature)}"

    def signed(self, signer: Signer) -> "Jws":
        return replace(self, signature=signer.sign(self.signing_input))


@dataclass(frozen=True)
class Token:
    """An SD-JWT, decoded: the JWS, the disclosures' JSON text, the key-binding JWT."""

    jws: Jws
    disclosures: tuple[bytes, ...]
    binding: str = ""

    @classmethod
    def of(cls, text: str) -> "Token":
        signed, *disclosures, binding = text.split("~")
        return cls(Jws.of(signed), tuple(map(unb64u, disclosures)), binding)

    def text(self) -> str:
        return "~".join((self.jws.text(), *map(b64u, self.disclosures), self.binding))


def mutate_token(token: Token, draws: Draws) -> Token:
    """Change some parts of a token; its signature is not made anew."""
    for _ in range(1 + draws.below(3)):
        token = draws.pick(_TOKEN_CHANGES)(token, draws)
    return token


def relink(before: Token, after: Token) -> Token:
    """Let the digests of the original's disclosures lead to the changed ones, by their place."""
    count = min(len(before.disclosures), len(after.disclosures))
    known = list(map(_digest, before.disclosures[:count]))
    payload, texts = after.jws.payload, list(after.disclosures)
    for _ in range(_ROUNDS):
        now = list(map(_digest, texts[:count]))
        moved = {old: new for old, new in zip(known, now, strict=True) if old != new}
        if not moved:
            break
        payload = _replace(payload, moved)
        texts = [_replace(text, moved) for text in texts]
        known = now
    return replace(after, jws=replace(after.jws, payload=payload), disclosures=tuple(texts))


def signer_of(jws: Jws, usual: Signer, draws: Draws) -> Signer:
    """The key that the header names or the usual one; now and then a wrong one."""
    if draws.one_in(8):
        return draws.pick((ISSUER, ISSUER_TOO, STATUS, HOLDER, STRANGER))
    found = re.search(rb'"kid":"([A-Za-z0-9_-]{11})"', jws.header)
    return SIGNERS.get(found[1].decode(), usual) if found else usual


def mutate_json(data: bytes, draws: Draws, aims: Aims = ()) -> bytes:
    """Change a JSON text as a tree, sometimes as bytes; text that is no JSON as bytes only.

    Half of the changes go for the given members, the other half for anything.
    """
    try:
        tree = trees.parse(data)
    except (ValueError, RecursionError):
        return trees.spoil(data, draws)
    if aims and draws.below(2):
        return trees.encode(aim(tree, draws, aims))
    return trees.spoil(trees.encode(trees.mutate(tree, draws)), draws)


def mutate_jws(jws: Jws, draws: Draws, aims: Aims) -> Jws:
    """Change header, payload or signature; `aims` are those of the payload."""
    part = draws.below(6)
    if part == 0:
        return replace(jws, header=mutate_json(jws.header, draws, HEADER))
    if part == 1:
        return replace(jws, signature=mutate_signature(jws.signature, draws))
    return replace(jws, payload=mutate_json(jws.payload, draws, aims))


def mutate_signature(signature: bytes, draws: Draws) -> bytes:
    """Another signature; the twin with the high s is the only one that may verify."""
    if not signature:
        return draws.pick((b"", bytes(64), draws.blob(64)))
    at = draws.place(signature)
    r, s = signature[:32], int.from_bytes(signature[32:64], "big")
    twin = (P256_ORDER - s).to_bytes(32, "big") if 0 < s < P256_ORDER else bytes(32)
    flipped = signature[:at] + bytes((signature[at] ^ 1 << draws.below(8),)) + signature[at + 1 :]
    return draws.pick(
        (
            r + twin,
            flipped,
            signature[:at],
            signature + draws.blob(3),
            bytes(64),
            r + bytes(32),
            r + P256_ORDER.to_bytes(32, "big"),
            signature[32:] + signature[:32],
            (int.from_bytes(r, "big") + P256_ORDER & (1 << 256) - 1).to_bytes(32, "big") + r,
            b"\x30\x44\x02\x20" + r + b"\x02\x20" + signature[32:],
            b"",
        )
    )


def spoil_text(text: str, draws: Draws) -> str:
    """Change the compact text itself: other spellings of base64url, separators, wrappings."""
    at = draws.place(text)
    head, tail = text[:at], text[at:]
    changes: tuple[Callable[[], str], ...] = (
        lambda: head + draws.pick("=\n A-_+/.~é\0٣{") + tail,
        lambda: head + tail[1:],
        lambda: head + draws.pick("ABQgw09_-") + tail[1:],
        lambda: head,
        lambda: text + draws.pick(("~", "=", ".", "\n", "~~", "A", "~A", " ")),
        lambda: text.rstrip("~"),
        lambda: draws.pick((" ", "\n", "\ufeff", "~", ".")) + text,
        lambda: text.replace("~", "~~", 1),
        lambda: text.replace(".", "..", 1),
        lambda: text.replace("-", "+").replace("_", "/"),
        lambda: text.replace("~", "==~"),
        lambda: text.swapcase(),
        lambda: '{"protected":"' + text.replace(".", '","payload":"', 1) + '"}',
        lambda: text + text,
        lambda: text.replace("~", f"~{text.split('~')[0]}~", 1),
        lambda: head + head + tail,
    )
    return draws.pick(changes)()


def _digest(disclosure: bytes) -> str:
    return b64u(hashlib.sha256(b64u(disclosure).encode()).digest())


def _replace(data: bytes, known: dict[str, str]) -> bytes:
    # Digests are 43 characters that occur nowhere else, so their text may be replaced in place.
    for old, new in known.items():
        data = data.replace(old.encode(), new.encode())
    return data


def _change_jws(token: Token, draws: Draws) -> Token:
    return replace(token, jws=mutate_jws(token.jws, draws, TOKEN))


def _change_disclosure(token: Token, draws: Draws) -> Token:
    if not token.disclosures:
        return token
    at = draws.below(len(token.disclosures))
    changed = mutate_json(token.disclosures[at], draws)
    return replace(
        token, disclosures=(*token.disclosures[:at], changed, *token.disclosures[at + 1 :])
    )


def _move_disclosures(token: Token, draws: Draws) -> Token:
    """Withhold, repeat, swap or reverse disclosures."""
    found = list(token.disclosures)
    if not found:
        return token
    at, other = draws.below(len(found)), draws.below(len(found))
    kind = draws.below(5)
    if kind == 0:
        del found[at]
    elif kind == 1:
        found.insert(other, found[at])
    elif kind == 2:
        found[at], found[other] = found[other], found[at]
    elif kind == 3:
        found.reverse()
    else:
        del found[at:]
    return replace(token, disclosures=tuple(found))


def _add_disclosure(token: Token, draws: Draws) -> Token:
    """A new disclosure, and mostly a digest of it somewhere in the payload."""
    name = draws.pick(("added", *trees.NAMES))
    value: Tree = draws.pick(("x", 1, [], ["y"], Members([("z", 1)]), Raw('{"_sd":[]}'), True))
    content = [_SALT, value] if draws.one_in(3) else [_SALT, name, value]
    disclosure = trees.encode(content)
    payload = token.jws.payload
    added: tuple[bytes, ...] = (disclosure,)
    if token.disclosures and draws.one_in(4):
        # No new one, but a second digest of one that is there.
        disclosure, added = draws.pick(token.disclosures), ()
    if draws.below(4):
        digest = _digest(disclosure).encode()
        sd = payload.find(b'"_sd":[')
        if draws.below(2) and sd >= 0:
            payload = payload[: sd + 7] + b'"' + digest + b'",' + payload[sd + 7 :]
        elif draws.below(2):
            payload = payload[:-1] + b',"more":[{"...":"' + digest + b'"}]}'
        else:
            payload = payload[:-1] + b',"more":{"_sd":["' + digest + b'"]}}'
    jws = replace(token.jws, payload=payload)
    return replace(token, jws=jws, disclosures=(*token.disclosures, *added))


def _hide_claim(token: Token, draws: Draws) -> Token:
    """Move a claim of the payload into a disclosure; whatever must stand in the clear too."""
    try:
        payload = trees.parse(token.jws.payload)
    except (ValueError, RecursionError):
        return token
    if not isinstance(payload, Members) or not payload:
        return token
    at = draws.below(len(payload))
    name, value = payload[at]
    disclosure = trees.encode([_SALT, name, value])
    # A second `_sd` would be a repeated member, and a finding of another kind.
    known = [item for member, item in payload if member == "_sd" and isinstance(item, list)]
    rest = Members(item for place, item in enumerate(payload) if place != at and item[0] != "_sd")
    rest.append(("_sd", [*(known[0] if known and name != "_sd" else []), _digest(disclosure)]))
    jws = replace(token.jws, payload=trees.encode(rest))
    return replace(token, jws=jws, disclosures=(*token.disclosures, disclosure))


def _bury(token: Token, draws: Draws) -> Token:
    """Disclosures inside disclosures, deeper than claims may nest."""
    disclosures: list[bytes] = []
    inner: Tree = "bottom"
    for level in range(1 + draws.below(40)):
        by_name = draws.below(2) == 0
        content = [_SALT, f"d{level}", inner] if by_name else [_SALT, inner]
        made = trees.encode(content)
        disclosures.append(made)
        digest = _digest(made)
        inner = Members([("_sd", [digest])]) if by_name else [Members([("...", digest)])]
    payload = token.jws.payload[:-1] + b',"deep":' + trees.encode(inner) + b"}"
    order = disclosures if draws.below(2) else disclosures[::-1]
    jws = replace(token.jws, payload=payload)
    return replace(token, jws=jws, disclosures=(*token.disclosures, *order))


_TOKEN_CHANGES: tuple[Callable[[Token, Draws], Token], ...] = (
    _change_jws,
    _change_jws,
    _change_disclosure,
    _move_disclosures,
    _add_disclosure,
    _hide_claim,
    _bury,
)
