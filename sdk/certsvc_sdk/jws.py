"""JWS compact serialisation (RFC 7515) with a closed registry of signature algorithms.

The algorithm is always the key's own (RFC 8725 section 3.1): a header can only agree with it.
Signatures are made elsewhere; this module prepares what is signed and checks what was.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from certsvc_sdk import strict
from certsvc_sdk.errors import AlgorithmNotAllowed, KeyFormatInvalid, Malformed, SignatureInvalid
from certsvc_sdk.strict import MAX_HEADER, MAX_TOKEN, Json

_KID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HEADER_MEMBERS: Final = frozenset({"alg", "typ", "kid"})
# What other JWK writers add; checked where it says something about the algorithm.
_OPTIONAL_JWK_MEMBERS: Final = frozenset({"kid", "alg", "use"})
# 11 characters are 66 bits: enough to tell one issuer's keys apart, short enough for a QR code.
KID_LENGTH: Final = 11
_COORDINATE_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64

# Order of the P-256 group (SEC 2 section 2.4.2), and the field and curve constant of Ed25519.
_P256_ORDER: Final = bytes.fromhex(
    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
)
_ZERO: Final = bytes(_COORDINATE_BYTES)
_ED25519_P: Final = 2**255 - 19
_ED25519_D: Final = -121665 * pow(121666, -1, _ED25519_P) % _ED25519_P


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """One signature algorithm: which JWK it takes and which PyJWT object does the work.

    Attributes:
        kty: JWK key type.
        crv: JWK curve.
        members: required JWK members in thumbprint order (RFC 7638 section 3.2).
        spellings: names a JOSE header or trust record may use.
        jwt_name: name in PyJWT's registry.
    """

    kty: str
    crv: str
    members: tuple[str, ...]
    spellings: tuple[str, ...]
    jwt_name: str


_ES256: Final = Algorithm(
    kty="EC", crv="P-256", members=("crv", "kty", "x", "y"), spellings=("ES256",), jwt_name="ES256"
)
# RFC 9864 names the curve; `EdDSA` is the older spelling of the same algorithm.
_ED25519: Final = Algorithm(
    kty="OKP",
    crv="Ed25519",
    members=("crv", "kty", "x"),
    spellings=("Ed25519", "EdDSA"),
    jwt_name="EdDSA",
)
ALGORITHMS: Final[Mapping[str, Algorithm]] = MappingProxyType(
    {spelling: entry for entry in (_ES256, _ED25519) for spelling in entry.spellings}
)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key bound to its one algorithm, parsed once.

    Attributes:
        kid: key identifier, by default the first 11 characters of the thumbprint.
        alg: algorithm in the record's own spelling; headers must repeat it byte for byte.
        jwk: the required members only.
    """

    kid: str
    alg: str
    jwk: Mapping[str, str] = field(hash=False)
    _check: Callable[[bytes, bytes], bool] = field(repr=False, compare=False)

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Json], alg: str, *, kid: str | None = None) -> "PublicKey":
        """Load a public JWK (RFC 7517) for one algorithm.

        Args:
            jwk: exactly the required members of its type, at most `kid`, `alg`, `use` beside.
            alg: the algorithm the key record states.
            kid: key identifier; None derives it from the thumbprint.

        Raises:
            AlgorithmNotAllowed: `alg` is not in the registry.
            KeyFormatInvalid: key type, curve, members or point do not fit the algorithm.
        """
        algorithm = ALGORITHMS.get(alg)
        if algorithm is None:
            raise AlgorithmNotAllowed(f"algorithm {alg!r} is not supported")
        required = _required_members(jwk, algorithm)
        if not set(jwk) <= _OPTIONAL_JWK_MEMBERS.union(required):
            raise KeyFormatInvalid("JWK holds members that a public key has not")
        if jwk.get("use", "sig") != "sig" or jwk.get("alg", alg) not in algorithm.spellings:
            raise KeyFormatInvalid("JWK is meant for another use or algorithm")
        if kid is not None and not _KID.fullmatch(kid):
            raise KeyFormatInvalid("kid breaks its grammar")
        return cls(kid or kid_of(required), alg, required, _load(required, algorithm))

    def verify(self, signing_input: bytes, signature: bytes) -> None:
        """Check a signature in JOSE form: 64 bytes, r and s or R and S.

        Raises:
            SignatureInvalid: wrong length, a value out of range, or it does not verify.
        """
        if len(signature) != _SIGNATURE_BYTES:
            raise SignatureInvalid("signature is not 64 bytes long")
        if not self._check(signing_input, signature):
            raise SignatureInvalid("signature does not verify")


@dataclass(frozen=True, slots=True)
class Compact:
    """A JWS taken apart; nothing in it is trusted yet.

    Attributes:
        header: parsed JOSE header.
        payload: decoded payload, never empty.
        signature: decoded signature, possibly empty.
        signing_input: ASCII `header.payload` as received.
        header_json: the header's exact text.
    """

    header: dict[str, Json]
    payload: bytes
    signature: bytes
    signing_input: bytes
    header_json: str


def parse(token: str, *, max_bytes: int = MAX_TOKEN) -> Compact:
    """Take a compact JWS apart by its strict grammar, once.

    Raises:
        Malformed: too long, not three base64url parts, empty payload, header not an object.
    """
    if len(token) > max_bytes:
        raise Malformed(f"token is longer than {max_bytes} bytes")
    # Parts of pure base64url: JSON serialisations and polyglots end here (CVE-2022-39227).
    parts = token.split(".", 3)
    if len(parts) != 3 or not parts[0] or not parts[1]:
        raise Malformed("token is not a compact JWS")
    # An empty signature is grammatical: `alg: none` is then refused by its name, not its shape.
    protected, body, signature = parts
    header_json = strict.b64u_decode(protected, what="header")
    header = strict.loads_object(header_json, max_bytes=MAX_HEADER, what="header")
    return Compact(
        header=header,
        payload=strict.b64u_decode(body, what="payload"),
        signature=strict.b64u_decode(signature, what="signature"),
        signing_input=token[: len(protected) + 1 + len(body)].encode("ascii"),
        header_json=header_json.decode("utf-8"),
    )


def signing_input(header: Mapping[str, Json], payload: bytes) -> bytes:
    """Return the bytes to sign, ASCII `header.payload` (RFC 7515 section 5.1).

    Raises:
        Malformed: the header has no JSON form or the payload is empty.
    """
    if not payload:
        raise Malformed("payload is empty")
    return join(strict.dumps(header), payload)


def join(header_json: bytes, payload: bytes) -> bytes:
    """Return ASCII `header.payload` for a header that is JSON text already."""
    protected, body = strict.b64u_encode(header_json), strict.b64u_encode(payload)
    return f"{protected}.{body}".encode("ascii")


def attach(signing_input: bytes, signature: bytes) -> str:
    """Join a signing input and its signature to a compact JWS."""
    return f"{signing_input.decode('ascii')}.{strict.b64u_encode(signature)}"


def require_header(header: Mapping[str, Json], *, typ: str, alg: str) -> None:
    """Demand a header of exactly `alg`, `typ` and `kid`.

    No `crit`, `b64`, `zip`, `jwk`, `jku`, `x5c` or `x5u` can mean anything here, so none may stand.

    Args:
        header: parsed JOSE header.
        typ: the one media type of this context.
        alg: algorithm of the key record.

    Raises:
        AlgorithmNotAllowed: `alg` is missing or another one.
        Malformed: any other difference.
    """
    if header.get("alg") != alg:
        raise AlgorithmNotAllowed("header and key record name different algorithms")
    if header.keys() != _HEADER_MEMBERS:
        raise Malformed("header must hold alg, typ and kid and nothing else")
    if header["typ"] != typ:
        raise Malformed(f"header typ is not {typ}")
    kid = header["kid"]
    if not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise Malformed("header kid breaks its grammar")


def thumbprint(jwk: Mapping[str, Json]) -> str:
    """Return the SHA-256 JWK thumbprint (RFC 7638), 43 characters.

    Raises:
        KeyFormatInvalid: not a key of a supported type and curve.
    """
    for algorithm in (_ES256, _ED25519):
        if jwk.get("kty") == algorithm.kty and jwk.get("crv") == algorithm.crv:
            required = _required_members(jwk, algorithm)
            return strict.b64u_encode(hashlib.sha256(strict.dumps(required)).digest())
    raise KeyFormatInvalid("key type or curve is not supported")


def kid_of(jwk: Mapping[str, Json]) -> str:
    """Return the key identifier of a key: the first 11 characters of its thumbprint.

    Raises:
        KeyFormatInvalid: not a key of a supported type and curve.
    """
    return thumbprint(jwk)[:KID_LENGTH]


def _required_members(jwk: Mapping[str, Json], algorithm: Algorithm) -> dict[str, str]:
    """Return the thumbprint members, checked for type, curve and coordinate length."""
    required: dict[str, str] = {}
    for name in algorithm.members:
        value = jwk.get(name)
        if not isinstance(value, str):
            raise KeyFormatInvalid(f"JWK member {name} is missing or not a string")
        required[name] = value
    if required["kty"] != algorithm.kty or required["crv"] != algorithm.crv:
        raise KeyFormatInvalid(f"key is not a {algorithm.crv} key")
    for name in algorithm.members[2:]:
        _coordinate(required[name])
    return required


def _coordinate(text: str) -> bytes:
    try:
        value = strict.b64u_decode(text, what="JWK coordinate")
    except Malformed as error:
        raise KeyFormatInvalid(str(error)) from error
    if len(value) != _COORDINATE_BYTES:
        raise KeyFormatInvalid("JWK coordinate is not 32 bytes long")
    return value


def _load(jwk: dict[str, str], algorithm: Algorithm) -> Callable[[bytes, bytes], bool]:
    """Parse the key once and return `check(signing_input, signature)`."""
    # Imported here: importing the package must not pay for cryptography before a key is loaded.
    from jwt.algorithms import get_default_algorithms
    from jwt.exceptions import InvalidKeyError

    if algorithm is _ED25519:
        _check_ed25519_point(_coordinate(jwk["x"]))
    worker = get_default_algorithms()[algorithm.jwt_name]
    try:
        key = worker.from_jwk(dict(jwk))
    except (InvalidKeyError, ValueError) as error:
        raise KeyFormatInvalid("JWK is not a point of its curve") from error

    def check(signing_input: bytes, signature: bytes) -> bool:
        return worker.verify(signing_input, key, signature)

    def check_in_range(signing_input: bytes, signature: bytes) -> bool:
        # FIPS 186-5 section 6.4.2: r and s in 1..n-1; big-endian bytes compare like numbers.
        r, s = signature[:_COORDINATE_BYTES], signature[_COORDINATE_BYTES:]
        in_range = _ZERO < r < _P256_ORDER and _ZERO < s < _P256_ORDER
        return in_range and worker.verify(signing_input, key, signature)

    return check_in_range if algorithm is _ES256 else check


def _check_ed25519_point(encoded: bytes) -> None:
    """Refuse encodings off the curve, non-canonical or of small order (RFC 8032 section 5.1.3).

    OpenSSL accepts any 32 bytes; under a small-order key one signature fits many messages.
    """
    number = int.from_bytes(encoded, "little")
    y = number & (2**255 - 1)
    y2 = y * y % _ED25519_P
    x2 = (y2 - 1) * pow(_ED25519_D * y2 + 1, -1, _ED25519_P) % _ED25519_P
    on_curve = x2 == 0 or pow(x2, (_ED25519_P - 1) // 2, _ED25519_P) == 1
    # Order 1 and 2 have y = 1 and -1, order 4 has y = 0, order 8 solves d y^4 + 2 y^2 - 1 = 0.
    small = x2 == 0 or y == 0 or (_ED25519_D * y2 * y2 + 2 * y2 - 1) % _ED25519_P == 0
    if y >= _ED25519_P or not on_curve or small:
        raise KeyFormatInvalid("JWK is not a usable Ed25519 point")
