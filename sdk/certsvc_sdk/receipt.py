"""Acceptance receipt: an accepting department's signed note of what it saw and what it answered.

The claims stand by name and never by value: a receipt proves a use without becoming a copy.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from certsvc_sdk import jws, qr, sdjwt, strict
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.errors import Malformed
from certsvc_sdk.strict import Json
from certsvc_sdk.verdict import Verdict

TYP = "certsvc-receipt+jwt"
# Names of claims and five short texts; a verdict's checks are not repeated here.
MAX_RECEIPT = 64 * 1024
# The law's form for a purpose has room for as much.
MAX_TEXT = 200

_WHAT = "receipt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A receipt whose signature was checked.

    Attributes:
        kid: the department's key.
        issued_at: when it was signed, Unix seconds.
        certificate_identifier: the certificate, None where its signature did not verify.
        signing_input_sha256: SHA-256 of the ASCII signing input of the token, lower-case hex.
        outcome: VALID, INVALID or UNKNOWN.
        code: verdict code.
        acceptable: whether it served the matter.
        checked_at: when it was checked, Unix seconds.
        trust_age: age of the trust data in seconds, None where there was none.
        status_age: age of the status list in seconds, None where there was none.
        department: who accepted it.
        purpose: what for.
        service_item: code of the service item.
        case_number: the case it belongs to.
        claims: names of the claims that were seen.
    """

    kid: str
    issued_at: int
    certificate_identifier: str | None
    signing_input_sha256: str
    outcome: str
    code: str
    acceptable: bool
    checked_at: int
    trust_age: int | None
    status_age: int | None
    department: str
    purpose: str
    service_item: str
    case_number: str
    claims: tuple[str, ...]


def draft_receipt(
    verdict: Verdict,
    *,
    token: str,
    department: str,
    purpose: str,
    service_item: str,
    case_number: str,
    alg: str,
    kid: str,
    now: int,
) -> bytes:
    """Return the JWS signing input of a receipt; join the signature with `jws.attach`.

    Args:
        verdict: what was answered.
        token: the presented SD-JWT, or the text of its QR code.
        department: who accepts, by USCC or name.
        purpose: what for, at most 200 characters, as the other texts.
        service_item: code of the service item.
        case_number: the case it belongs to.
        alg: algorithm of the department's key.
        kid: identifier of the department's key.
        now: Unix seconds.

    Raises:
        Malformed: a text is empty or too long, or the token cannot be read.
        CertsvcError: other errors of reading a QR text.
    """
    texts = {
        "department": department,
        "purpose": purpose,
        "service_item": service_item,
        "case_number": case_number,
    }
    for name, value in texts.items():
        if not value or len(value) > MAX_TEXT:
            raise Malformed(f"{name} must have 1 to {MAX_TEXT} characters")
    payload: dict[str, Json] = {
        "iat": now,
        "certificate_identifier": verdict.certificate_identifier,
        "signing_input_sha256": signing_input_sha256(token),
        "outcome": verdict.outcome.value,
        "code": verdict.code,
        "acceptable": verdict.acceptable,
        "checked_at": verdict.checked_at,
        "trust_age": verdict.trust_age,
        "status_age": verdict.status_age,
        **texts,
        "claims": list(verdict.claims or ()),
    }
    header: dict[str, Json] = {"alg": alg, "typ": TYP, "kid": kid}
    return jws.signing_input(header, strict.dumps(payload))


def signing_input_sha256(token: str) -> str:
    """Return SHA-256 of `header.payload` of a token or QR text, lower-case hex.

    Signatures can be altered without breaking them, so they are no part of it.

    Raises:
        CertsvcError: the text is neither an SD-JWT nor a QR text.
    """
    stripped = token.strip()
    presented = stripped if "~" in stripped else qr.decode(stripped).token
    return hashlib.sha256(sdjwt.parse(presented).jws.signing_input).hexdigest()


def read_receipt(receipt: str, public_key: PublicKey) -> Receipt:
    """Check a receipt's signature and read it.

    Args:
        receipt: compact JWS.
        public_key: the department's key.

    Raises:
        AlgorithmNotAllowed: the header names another algorithm than the key's.
        SignatureInvalid: it was not signed by this key.
        Malformed: anything else.
    """
    compact = jws.parse(receipt, max_bytes=MAX_RECEIPT)
    jws.require_header(compact.header, typ=TYP, alg=public_key.alg)
    if compact.header["kid"] != public_key.kid:
        raise Malformed("receipt names another key")
    public_key.verify(compact.signing_input, compact.signature)
    obj = strict.loads_object(compact.payload, max_bytes=MAX_RECEIPT, what=_WHAT)
    names = strict.array(obj, "claims", _WHAT)
    acceptable = obj.get("acceptable")
    if not isinstance(acceptable, bool) or not all(isinstance(name, str) for name in names):
        raise Malformed("receipt: acceptable or claims are of another type")
    return Receipt(
        kid=public_key.kid,
        issued_at=strict.integer(obj, "iat", _WHAT),
        certificate_identifier=_text_or_null(obj, "certificate_identifier"),
        signing_input_sha256=strict.text(obj, "signing_input_sha256", _WHAT),
        outcome=strict.text(obj, "outcome", _WHAT),
        code=strict.text(obj, "code", _WHAT),
        acceptable=acceptable,
        checked_at=strict.integer(obj, "checked_at", _WHAT),
        trust_age=_integer_or_null(obj, "trust_age"),
        status_age=_integer_or_null(obj, "status_age"),
        department=strict.text(obj, "department", _WHAT),
        purpose=strict.text(obj, "purpose", _WHAT),
        service_item=strict.text(obj, "service_item", _WHAT),
        case_number=strict.text(obj, "case_number", _WHAT),
        claims=tuple(str(name) for name in names),
    )


def _text_or_null(obj: Mapping[str, Json], name: str) -> str | None:
    return None if obj.get(name) is None else strict.text(obj, name, _WHAT)


def _integer_or_null(obj: Mapping[str, Json], name: str) -> int | None:
    return None if obj.get(name) is None else strict.integer(obj, name, _WHAT)
