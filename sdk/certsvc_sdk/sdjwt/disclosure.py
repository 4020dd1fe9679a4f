"""One disclosure of an SD-JWT: text, digest, place and salt (RFC 9901 section 4.2)."""

import hashlib
import secrets
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from certsvc_sdk import strict
from certsvc_sdk.algorithms.digests import DIGEST_BYTES, Digest
from certsvc_sdk.errors import DisclosureInvalid
from certsvc_sdk.strict import Json

SD: Final = "_sd"
SD_ALG: Final = "_sd_alg"
ELEMENT: Final = "..."
# One byte counts lines in a QR frame, and the largest household needs 60.
MAX_DISCLOSURES: Final = 256
# RFC 9901 section 9.3 asks for 128 bits.
SALT_BYTES: Final = 16
SEED_BYTES: Final = 16
_SALT_SIZES: Final = frozenset({SALT_BYTES})
# The index of a line as the byte that its salt is derived with.
_INDEXES: Final = tuple(bytes((index,)) for index in range(MAX_DISCLOSURES))
# Block size of SHA-256, and the two pads of HMAC as translation tables.
_BLOCK_BYTES: Final = 64
_INNER_PAD: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER_PAD: Final = bytes(byte ^ 0x5C for byte in range(256))

# SD-JWT VC section 2.2.2, and what a verifier needs before it may believe anything else.
ALWAYS_CLEAR: Final = frozenset(
    {
        "iss",
        "nbf",
        "exp",
        "cnf",
        "vct",
        "vct#integrity",
        "aka_vcts",
        "status",
        "iat",
        "certificate_identifier",
    }
)

Path: TypeAlias = tuple[str | int, ...]
# The last step of a path, behind the place it starts from; None is the top of the claims. A chain
# costs a walk of many claims less than a path for each.
Place: TypeAlias = tuple["Place | None", str | int]


class Disclosure(NamedTuple):
    """A disclosed claim or array element.

    Attributes:
        encoded: base64url text as received, which is what the digest covers.
        salt: base64url text of the salt.
        name: claim name, or None for an array element.
        path: names and indexes that lead to it in the processed claims of the same token.
    """

    encoded: str
    salt: str
    name: str | None
    path: Path

    @classmethod
    def at(cls, encoded: bytes, content: list[Json], place: Place) -> "Disclosure":
        """Make one from what a reader found."""
        steps: list[str | int] = []
        rest: Place | None = place
        while rest is not None:
            rest, step = rest
            steps.append(step)
        # An element's path ends in its index, a claim's in its name.
        name = steps[0] if isinstance(steps[0], str) else None
        return cls(encoded.decode("ascii"), str(content[0]), name, tuple(reversed(steps)))

    @property
    def pointer(self) -> str:
        """JSON Pointer (RFC 6901) into the processed claims, for instance `/members/0/name`."""
        return pointer_of(self.path)


class Pointers:
    """A set of JSON pointers in which `*` stands for every array element, as a tree.

    Compile it once where many tokens are made with the same set.

    Attributes:
        here: whether a pointer of the set ends at this level.
        members: the levels below, by unescaped name.
    """

    __slots__ = ("here", "members")

    def __init__(self) -> None:
        self.here = False
        self.members: dict[str, Pointers] = {}

    @classmethod
    def of(cls, pointers: "Collection[str] | Pointers") -> "Pointers":
        """Compile pointers; a compiled set is returned as it is.

        Raises:
            DisclosureInvalid: a pointer does not start with `/`.
        """
        if isinstance(pointers, Pointers):
            return pointers
        # A profile's pointers are the same for all its certificates.
        return _compiled(pointers if isinstance(pointers, frozenset) else frozenset(pointers))

    @classmethod
    def compile(cls, pointers: Collection[str]) -> "Pointers":
        """Compile pointers anew; see `of`.

        Raises:
            DisclosureInvalid: a pointer does not start with `/`.
        """
        root = cls()
        for pointer in pointers:
            if not pointer.startswith("/"):
                raise DisclosureInvalid(f"{pointer!r} is not a JSON pointer to a claim")
            node = root
            for part in pointer[1:].split("/"):
                name = part.replace("~1", "/").replace("~0", "~")
                node = node.members.setdefault(name, cls())
            node.here = True
        return root

    def element(self, index: int) -> "Pointers | None":
        """Return the level below an array element: what `*` and the index say together."""
        every, one = self.members.get("*"), self.members.get(str(index))
        return every.merged(one) if every and one else every or one

    def merged(self, other: "Pointers") -> "Pointers":
        """Return the union of two sets."""
        result = Pointers()
        result.here = self.here or other.here
        result.members = {**self.members, **other.members}
        for name in self.members.keys() & other.members.keys():
            result.members[name] = self.members[name].merged(other.members[name])
        return result

    def matches(self, path: Path) -> bool:
        """Tell whether a pointer of the set leads to exactly this path."""
        level: Pointers | None = self
        for step in path:
            if level is None:
                return False
            level = level.members.get(step) if isinstance(step, str) else level.element(step)
        return level is not None and level.here


_compiled = lru_cache(maxsize=64)(Pointers.compile)


def pointer_of(path: Path) -> str:
    """Write a path as a JSON Pointer (RFC 6901 section 3)."""
    return "".join(
        "/" + (str(step) if isinstance(step, int) else step.replace("~", "~0").replace("/", "~1"))
        for step in path
    )


def digest(encoded: str, function: Digest | None = None) -> str:
    """Return the digest of a disclosure's ASCII text, 43 characters; None is SHA-256."""
    return digests_of([encoded.encode("ascii")], function)[0]


def digests_of(encoded: Sequence[bytes], function: Digest | None = None) -> list[str]:
    """Return the digests of many disclosures, in their order; None is SHA-256."""
    if not encoded:
        return []
    if function is None:  # without a call a disclosure
        raw = [hashlib.sha256(text).digest() for text in encoded]
    else:
        raw = [function(text) for text in encoded]
    return strict.b64u_fixed(raw, DIGEST_BYTES)


def encode_all(
    salts: Sequence[bytes], names: Sequence[str] | None, values: Sequence[Json]
) -> list[bytes]:
    """Write disclosures without white space: `["salt",name,value]`, or `["salt",value]`.

    Args:
        salts: 16 bytes each.
        names: names of the claims; None for array elements.
        values: as many as salts.

    Returns:
        Encoded disclosures, ASCII, in their order.

    Raises:
        DisclosureInvalid: a salt is not 16 bytes long.
        Malformed: a value has no JSON form.
    """
    if not _SALT_SIZES.issuperset(map(len, salts)):
        raise DisclosureInvalid(f"a salt is {SALT_BYTES} bytes long")
    texts = strict.b64u_fixed(salts, SALT_BYTES)
    contents = (
        list(zip(texts, values, strict=True))
        if names is None
        else list(zip(texts, names, values, strict=True))
    )
    return strict.b64u_each(strict.dumps_all(contents))


def salts_from_seed(seed: bytes) -> Callable[[int], bytes]:
    """Derive all salts of a token from one random seed.

    Args:
        seed: 16 random bytes; it must never travel with a presentation that withholds anything.

    Returns:
        A function from line index (0 to 255, pre-order) to a 16-byte salt; it raises
        `DisclosureInvalid` for any other index.

    Raises:
        DisclosureInvalid: the seed is not 16 bytes long.
    """
    if len(seed) != SEED_BYTES:
        raise DisclosureInvalid(f"a seed is {SEED_BYTES} bytes long")

    # HMAC (RFC 2104) with its key taken in once: a copied digest takes a third of a new `hmac`.
    key = seed.ljust(_BLOCK_BYTES, b"\x00")
    inner = hashlib.sha256(key.translate(_INNER_PAD) + b"qr1-salt")
    outer = hashlib.sha256(key.translate(_OUTER_PAD))

    def salt(index: int) -> bytes:
        if not 0 <= index < MAX_DISCLOSURES:
            raise DisclosureInvalid(f"more than {MAX_DISCLOSURES} disclosures")
        message, result = inner.copy(), outer.copy()
        message.update(_INDEXES[index])
        result.update(message.digest())
        return result.digest()[:SALT_BYTES]

    return salt


def individual_salts(
    rng: Callable[[int], bytes] = secrets.token_bytes,
) -> Callable[[int], bytes]:
    """Draw each salt by itself, for tokens whose parts are presented one by one."""
    return lambda _index: rng(SALT_BYTES)
