"""An independent reading of the standards: why a presentation cannot be VALID.

Written from RFC 7515, RFC 9901, SD-JWT VC and Token Status List, without any reader of the SDK.
It asks for what is necessary only: a stricter SDK is no finding.
"""

import hashlib
import json
import math
import zlib
from collections.abc import Mapping
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from fuzzing.world import P256_ORDER, b64u, unb64u

_CLEAR = frozenset(
    ("iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status", "iat",
     "certificate_identifier")
)  # fmt: skip
_RESERVED = ("_sd", "...", "_sd_alg")
_DEEPEST = 16
_LEEWAY = 300


class Wrong(Exception):  # noqa: N818 — raised as `raise Wrong(reason)`, never shown
    """A reason why a text cannot be VALID."""


def need(condition: object, reason: str) -> None:
    if not condition:
        raise Wrong(reason)


def decode(text: str, what: str) -> bytes:
    """Decode base64url; the one canonical spelling only (RFC 4648 section 3.5)."""
    try:
        data = unb64u(text)
    except ValueError as error:
        raise Wrong(f"{what} is not base64url") from error
    need(b64u(data) == text, f"{what} is not canonical base64url")
    return data


def read(data: bytes, what: str) -> Any:
    """Read JSON of which every reader says the same (RFC 8259, RFC 7493)."""

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        need(len({name for name, _ in found}) == len(found), f"{what} repeats a member")
        return dict(found)

    def constant(literal: str) -> NoReturn:
        raise Wrong(f"{what} holds {literal}")

    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=pairs, parse_constant=constant)
    except (ValueError, RecursionError) as error:
        raise Wrong(f"{what} is not JSON") from error
    _plain(value, what, 0)
    return value


def _plain(value: Any, what: str, depth: int) -> None:
    need(depth <= _DEEPEST, f"{what} is too deep")
    if isinstance(value, dict):
        for name, inner in value.items():
            _plain(name, what, depth)
            _plain(inner, what, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _plain(inner, what, depth + 1)
    elif isinstance(value, str):
        bad = any(char == "\0" or 0xD800 <= ord(char) <= 0xDFFF for char in value)
        need(not bad, f"{what} holds U+0000 or a surrogate")
    elif isinstance(value, float):
        need(math.isfinite(value), f"{what} holds a number out of range")
    elif isinstance(value, int):
        need(abs(value) < 2**53, f"{what} holds a number out of range")


def obj(value: Any, what: str) -> dict[str, Any]:
    need(isinstance(value, dict), f"{what} is no object")
    return dict(value)


def whole(value: Any, what: str) -> int:
    need(type(value) is int, f"{what} is no integer")
    return int(value)


def signature_fits(jwk: Mapping[str, Any], alg: str, data: bytes, signature: bytes) -> bool:
    """Verify with `cryptography` alone."""
    if len(signature) != 64:
        return False
    try:
        if alg == "ES256":
            x, y = (int.from_bytes(decode(jwk[name], name), "big") for name in ("x", "y"))
            key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            if not (0 < r < P256_ORDER and 0 < s < P256_ORDER):
                return False
            key.verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))
        else:
            raw = decode(jwk["x"], "x")
            ed25519.Ed25519PublicKey.from_public_bytes(raw).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def compact(token: str, what: str) -> tuple[dict[str, Any], bytes, bytes, bytes]:
    """Header, payload, signature and signing input of a compact JWS (RFC 7515 section 7.1)."""
    parts = token.split(".")
    need(len(parts) == 3, f"{what} has not three parts")
    header = obj(read(decode(parts[0], what), f"{what} header"), f"{what} header")
    signing_input = f"{parts[0]}.{parts[1]}".encode()
    return header, decode(parts[1], what), decode(parts[2], what), signing_input


class Disclosed:
    """RFC 9901 section 7.1, steps 2 to 4."""

    def __init__(self, encoded: list[str]) -> None:
        contents = [read(decode(text, "disclosure"), "disclosure") for text in encoded]
        for content in contents:
            arity = isinstance(content, list) and len(content) in (2, 3)
            need(arity and isinstance(content[0], str), "a disclosure has another form")
        digests = [b64u(hashlib.sha256(text.encode()).digest()) for text in encoded]
        need(len(set(digests)) == len(digests), "a disclosure stands twice")
        self.open = dict(zip(digests, contents, strict=True))
        self.seen: set[str] = set()
        self.used = 0

    def claims(self, payload: dict[str, Any]) -> dict[str, Any]:
        need(payload.get("_sd_alg", "sha-256") == "sha-256", "_sd_alg is another one")
        payload = {name: value for name, value in payload.items() if name != "_sd_alg"}
        own = set(payload)
        for name in sorted(own & _CLEAR):
            before = self.used
            self._value(payload[name])
            need(self.used == before, f"a part of {name} is disclosed")
        self.seen.clear()
        result = self._members(payload)
        need(self.used == len(self.open), "no digest references a disclosure")
        need(not (set(result) - own) & _CLEAR, "a disclosure holds what must stand in the clear")
        return result

    def _take(self, digest: Any, arity: int) -> list[Any] | None:
        need(isinstance(digest, str), "a digest is no string")
        need(digest not in self.seen, "a digest stands twice")
        self.seen.add(digest)
        content = self.open.get(digest)
        if content is None:
            return None
        need(len(content) == arity, "a disclosure has another arity than its place")
        self.used += 1
        return list(content)

    def _members(self, found: dict[str, Any]) -> dict[str, Any]:
        need(not {"_sd_alg", "..."} & set(found), "a reserved name stands in an object")
        digests = found.get("_sd", [])
        need(isinstance(digests, list), "_sd is no array")
        result = {name: self._value(item) for name, item in found.items() if name != "_sd"}
        for digest in digests:
            content = self._take(digest, 3)
            if content is not None:
                name = content[1]
                need(isinstance(name, str) and name not in _RESERVED, "a claim has a bad name")
                need(name not in result, "a disclosure overwrites a claim")
                result[name] = self._value(content[2])
        return result

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self._members(value)
        if not isinstance(value, list):
            return value
        result = []
        for item in value:
            if not (isinstance(item, dict) and "..." in item):
                result.append(self._value(item))
                continue
            need(len(item) == 1, "an array digest has members beside it")
            content = self._take(item["..."], 2)
            if content is not None:
                result.append(self._value(content[1]))
        return result


def status_value(token: str, uri: str, index: int, record: Mapping[str, Any], now: int) -> int:
    """What a list says about an index (Token Status List section 8.3)."""
    header, payload, signature, signing_input = compact(token, "list")
    key = _key(record, header, "status", "statuslist+jwt")
    need(signature_fits(key["public"], key["alg"], signing_input, signature), "list: signature")
    claims = obj(read(payload, "list"), "list")
    need(claims.get("sub") == uri, "list: another address")
    issued = whole(claims.get("iat"), "list iat")
    need(issued <= now + _LEEWAY, "list: from the future")
    need(key["not_before"] <= issued, "list: before its key")
    end = claims["exp"] if "exp" in claims else issued + 86_400
    need(now < whole(end, "list exp"), "list: expired")
    packed = obj(claims.get("status_list"), "status_list")
    width = whole(packed.get("bits"), "bits")
    need(width in (1, 2, 4, 8) and isinstance(packed.get("lst"), str), "list: width")
    try:
        data = zlib.decompress(decode(packed["lst"], "lst"))
    except zlib.error as error:
        raise Wrong("list: not zlib") from error
    need(0 <= index * width < len(data) * 8, "list: index outside")
    return data[index * width // 8] >> index * width % 8 & (1 << width) - 1


def _key(record: Mapping[str, Any], header: dict[str, Any], use: str, typ: str) -> dict[str, Any]:
    need(header.keys() == {"alg", "typ", "kid"}, f"{use} header: members")
    need(header["typ"] == typ, f"{use} header: typ")
    keys = [key for key in record["keys"] if key["kid"] == header["kid"] and key["use"] == use]
    need(len(keys) == 1, f"{use} header: unknown key")
    need(keys[0]["state"] != "compromised", f"{use} key: compromised")
    need(keys[0]["alg"] == header["alg"], f"{use} header: another algorithm")
    return dict(keys[0])


def why_not_valid(
    token: str, *, record: Mapping[str, Any], lists: Mapping[str, str], now: int
) -> tuple[str, Any]:
    """Return a reason, or an empty text and the claims that a VALID verdict must show."""
    try:
        return "", _claims(token, record, lists, now)
    except Wrong as reason:
        return str(reason), None


def _claims(token: str, record: Mapping[str, Any], lists: Mapping[str, str], now: int) -> Any:
    signed, *disclosures, _binding = token.split("~")
    header, data, signature, signing_input = compact(signed, "token")
    key = _key(record, header, "certificate", "dc+sd-jwt")
    need(signature_fits(key["public"], key["alg"], signing_input, signature), "signature")
    payload = obj(read(data, "payload"), "payload")
    claims = Disclosed(disclosures).claims(payload)
    need(payload.get("iss") in (record["iss"], *record["aliases"]), "another issuer")
    need(isinstance(payload.get("certificate_identifier"), str), "no identifier")
    issued = whole(payload.get("iat"), "iat")
    need(key["not_before"] <= issued <= now + _LEEWAY, "iat")
    need(key["not_after"] is None or issued < key["not_after"], "key period")
    need(whole(payload.get("nbf", issued), "nbf") <= now, "nbf")
    need("exp" not in payload or now < whole(payload["exp"], "exp"), "expired")
    _authorised(record, payload, issued)
    status = obj(obj(payload.get("status"), "status").get("status_list"), "status_list")
    uri, index = status.get("uri"), whole(status.get("idx"), "idx")
    need(isinstance(uri, str) and uri in lists, "no such list")
    need(str(uri).startswith(record["status_prefix"]), "status prefix")
    need(status_value(lists[str(uri)], str(uri), index, record, now) == 0, "status")
    return claims


def _authorised(record: Mapping[str, Any], payload: dict[str, Any], issued: int) -> None:
    vct = payload.get("vct")
    need(isinstance(vct, str), "no vct")
    for right in record["rights"]:
        longest = right["max_validity"]
        long = longest is not None and not ("exp" in payload and payload["exp"] - issued <= longest)
        begun = right["from"] <= issued and (right["to"] is None or issued < right["to"])
        area = "" if right["division"] == "100000" else right["division"]
        while area.endswith("00"):
            area = area[:-2]
        here = record["division"].startswith(area)
        if str(vct).startswith(right["vct"] + "/") and begun and here and not long:
            return
    raise Wrong("no right")
