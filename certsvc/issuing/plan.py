"""The plan: everything that will be signed, decided and recorded before the signature."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from certsvc import catalogue as types
from certsvc.catalogue import Catalogue, CertificateType, Profile, Validity, shanghai_date
from certsvc.issuing import errors
from certsvc.issuing.model import IssueRequest
from certsvc.issuing.resources import write_json
from certsvc.service.principal import Principal, PrincipalKind
from certsvc.storage.certificate_rows import NewCertificate, PlannedBytes
from certsvc_sdk import sdjwt
from certsvc_sdk.algorithms import ALGORITHMS
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.sdjwt import Draft
from certsvc_sdk.strict import MAX_TOKEN, Json, b64u_decode, b64u_encode
from certsvc_sdk.trust.record import IssuerRecord, KeyState
from keys.errors import KeysError
from keys.signer import Signer
from keys.store import KeyStore

TYP = "dc+sd-jwt"
SEED_BYTES = 16
# An issue time further away than this is no longer true: the plan is made anew.
PLAN_SECONDS = 60
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# 62 bits: nobody counts an office's certificates, and a restored backup repeats none of them.
SERIAL_CHARACTERS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What shall be certified: checked, normalised, selected."""

    kind: CertificateType
    profile: Profile
    claims: Mapping[str, Json]
    validity: Validity
    holders: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The exact bytes to sign and what belongs to them; stored sealed.

    Attributes:
        header_json: Exact header text.
        payload_json: Exact payload text.
        disclosures: Encoded disclosures in pre-order.
        seed: 16 random bytes that all salts come from.
        dictionary: Number of the QR dictionary.
        claims: The face claims, for a later plan.
        kind: Kind of the principal who asked.
        client_id: Name of the principal who asked.
        request_id: The request that asked.
        route: Route of the Idempotency-Key.
        key_hash: Keyed hash of the Idempotency-Key.
        reason: Why an earlier certificate is superseded.
        detail: Free text that goes with the reason.
        holders: Look-up hashes of the holders, to hold the look-up table to.
    """

    header_json: str
    payload_json: str = field(repr=False)
    disclosures: tuple[str, ...] = field(repr=False)
    seed: bytes = field(repr=False)
    dictionary: int
    claims: Mapping[str, Json] = field(repr=False)
    kind: str
    client_id: str
    request_id: str
    route: str
    key_hash: str
    reason: str | None = None
    detail: str | None = field(default=None, repr=False)
    holders: tuple[str, ...] = ()

    def draft(self) -> Draft:
        """Rebuild the draft from the stored texts, byte for byte."""
        signing_input = ".".join(
            b64u_encode(text.encode()) for text in (self.header_json, self.payload_json)
        )
        return Draft(
            header_json=self.header_json,
            payload_json=self.payload_json,
            disclosures=self.disclosures,
            signing_input=signing_input.encode(),
        )

    def origin(self, issuer_id: str) -> Principal:
        """Name the principal who asked."""
        return Principal(
            kind=cast(PrincipalKind, self.kind),
            client_id=self.client_id,
            issuer_id=issuer_id,
            scopes=frozenset(),
            request_id=self.request_id,
        )

    def to_bytes(self) -> bytes:
        """Write the plan, to be sealed."""
        members = {name: getattr(self, name) for name in self.__slots__}
        return write_json({**members, "seed": b64u_encode(self.seed)})

    @classmethod
    def from_bytes(cls, data: bytes) -> "Plan":
        """Read a plan that was unsealed, hence is our own."""
        members: dict[str, Any] = json.loads(data)
        members["seed"] = b64u_decode(members["seed"])
        for name in ("disclosures", "holders"):
            members[name] = tuple(members[name])
        return cls(**members)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan as recorded: what stays, what a later plan replaces, and the plan opened."""

    new: NewCertificate
    bytes: PlannedBytes
    plan_no: int
    failures: int
    plan: Plan


def check_content(catalogue: Catalogue, request: IssueRequest, *, now: int) -> Content:
    """Check a request against its type (step 2, pure).

    Args:
        catalogue: The types.
        request: The request.
        now: Unix seconds; the day is the one in Asia/Shanghai.

    Raises:
        TypeUnknown: No such type or version.
        ProfileUnknown: No such profile of the type.
        ClaimsInvalid: The claims, with every defect found.
    """
    try:
        kind = catalogue.get(request.type, request.version)
        profile = kind.profile(request.profile)
        ready = kind.prepare(request.claims, today=shanghai_date(now), profile=profile)
    except types.ClaimsInvalid as error:
        raise errors.ClaimsInvalid(error.errors) from error
    except types.TypeUnknown as error:
        raise errors.TypeUnknown(str(error)) from error
    except types.ProfileUnknown as error:
        raise errors.ProfileUnknown(str(error)) from error
    return Content(
        kind=kind,
        profile=profile,
        claims=ready.shown,
        validity=kind.validity(ready.claims),
        holders=tuple((holder.kind, holder.code) for holder in kind.holders(ready.claims)),
    )


def check_right(
    record: IssuerRecord, kind: CertificateType, validity: Validity, vct: str, *, now: int
) -> None:
    """Ask the issuer's own trust record whether it may issue this, here and now (T50).

    Raises:
        NotAuthorisedForType: It may not.
    """
    right = record.right(vct, now, record.division)
    if right is None:
        raise errors.NotAuthorisedForType(f"no right to issue {kind.name} now")
    end, longest = validity.exp, right.max_validity
    if longest is not None and (end is None or end - now > longest):
        raise errors.NotAuthorisedForType(f"no right to issue {kind.name} for so long")


def choose_signer(
    keys: KeyStore, record: IssuerRecord, issuer_id: str, type_name: str, *, now: int
) -> Signer:
    """Find the key that custody has active and that the world knows as active.

    Raises:
        SigningUnavailable: There is none: verifiers would refuse what another key signs.
    """
    try:
        signer = keys.active(issuer_id, "certificate", type=type_name)
    except KeysError as error:
        raise errors.SigningUnavailable(f"custody: {error.code}") from error
    if not published_as_active(record, signer.kid, type_name, now=now):
        raise errors.SigningUnavailable(f"key {signer.kid} is not active in the trust record")
    return signer


def published_as_active(record: IssuerRecord, kid: str, type_name: str, *, now: int) -> bool:
    """Say whether the trust record lets a key sign a type now."""
    key = record.key(kid, "certificate")
    return (
        key is not None
        and key.state is KeyState.ACTIVE
        and key.not_before <= now
        and (key.not_after is None or now < key.not_after)
        and (key.types is None or type_name in key.types)
    )


def mint(
    content: Content,
    *,
    record: IssuerRecord,
    vct: str,
    new: NewCertificate,
    iat: int,
    signer: Signer,
    seed: bytes,
) -> Draft:
    """Write header and payload (wire formats, "Credential").

    Args:
        content: What shall be certified.
        record: The issuer's trust record.
        vct: The type's identifier with its version.
        new: Identifier and place in the status list.
        iat: Unix seconds.
        signer: The key that will sign.
        seed: 16 random bytes for the salts.

    Raises:
        CertificateTooLarge: Readers would refuse the token.
    """
    # Member order is part of the format: it is what the QR dictionaries are made for.
    claims: dict[str, Json] = {
        "iss": record.iss,
        "vct": vct,
        "certificate_identifier": new.certificate_identifier,
        "iat": iat,
    }
    integrity = content.kind.metadata_integrity(vct)
    if integrity is not None:
        claims["vct#integrity"] = integrity
    if content.validity.nbf is not None:
        claims["nbf"] = content.validity.nbf
    if content.validity.exp is not None:
        claims["exp"] = content.validity.exp
    uri = f"{record.status_prefix}{new.list_no}"
    claims["status"] = {"status_list": {"idx": new.list_index, "uri": uri}}
    claims.update(content.claims)
    try:
        made = sdjwt.draft(
            header={"alg": signer.alg, "typ": TYP, "kid": signer.kid},
            claims=claims,
            disclose=content.profile.disclose,
            salts=sdjwt.salts_from_seed(seed),
        )
    except CertsvcError as error:
        raise errors.CertificateTooLarge(f"no token can hold these claims: {error.code}") from error
    signature = bytes(ALGORITHMS[signer.alg].signature_bytes)
    if len(made.finish(signature)) > MAX_TOKEN:
        raise errors.CertificateTooLarge(f"the token would exceed {MAX_TOKEN} bytes")
    return made


def random_serial(rng: Callable[[int], bytes]) -> str:
    """Draw a serial, 12 characters of 0-9 and A-Z, all equally likely."""
    drawn = ""
    while len(drawn) < SERIAL_CHARACTERS:
        # 252 = 7 * 36: bytes above it would favour the first characters.
        drawn += "".join(_ALPHABET[byte % 36] for byte in rng(SERIAL_CHARACTERS) if byte < 252)
    return drawn[:SERIAL_CHARACTERS]
