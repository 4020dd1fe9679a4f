"""The text of a key file: open members, sealed private key, authentication code."""

import json
import re
from collections.abc import Mapping
from dataclasses import fields

from keys.algorithms import PrivateKey, algorithm, b64u, kid_of, unb64u
from keys.envelope import Envelope, canonical
from keys.errors import (
    AlgorithmUnsupported,
    FileMalformed,
    FileMisplaced,
    FileTampered,
    KeyNotActive,
    NameInvalid,
)
from keys.lifecycle import State
from keys.store import PURPOSES, KeyInfo

VERSION = 1
# File names are made of these, so no separator, no dot, no control character.
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
KID = re.compile(r"[A-Za-z0-9_-]{11}")
LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/*-]{0,127}")
_TIMES = (
    "created_at",
    "pre_published_at",
    "activated_at",
    "retired_at",
    "destroyed_at",
    "compromised_at",
)
_CUT = "accept_before_log_index"
_MEMBERS = frozenset({field.name for field in fields(KeyInfo)} - {_CUT})


def check_names(issuer_id: str, purpose: str, types: tuple[str, ...], role: str | None) -> None:
    """Refuses names that could not be a file name or would not be found again.

    Raises:
        NameInvalid: see the patterns above.
    """
    check_file_name(issuer_id)
    if purpose not in PURPOSES:
        raise NameInvalid(f"no purpose {purpose!r}")
    labels = (*types, *(() if role is None else (role,)))
    if not all(LABEL.fullmatch(label) for label in labels):
        raise NameInvalid("a type or role has a forbidden form")


def check_file_name(name: str) -> None:
    """Refuses an issuer id or data key name that is no safe file name.

    Raises:
        NameInvalid: not 1 to 64 letters, digits, `_`, `-`, or a leading `_` or `-`.
    """
    if not FILE_NAME.fullmatch(name):
        raise NameInvalid(f"{name[:64]!r} is no safe name")


def check_kid(kid: str) -> None:
    """Refuses a key id that is not 11 characters of base64url.

    Raises:
        NameInvalid: another form.
    """
    if not KID.fullmatch(kid):
        raise NameInvalid(f"{kid[:64]!r} is no key id")


def aad_of(info: KeyInfo) -> bytes:
    """What the sealed private key is bound to."""
    return canonical(
        {"alg": info.alg, "issuer": info.issuer_id, "kid": info.kid, "purpose": info.purpose}
    )


def write_key(info: KeyInfo, sealed: bytes | None, envelope: Envelope) -> bytes:
    """The file of a key; `sealed` is the private key, None once it is erased."""
    return write_sealed(members_of(info), sealed, envelope)


def members_of(info: KeyInfo) -> dict[str, object]:
    """The open members of a key's record; `info_of` reads them back."""
    members: dict[str, object] = {
        "version": VERSION,
        "kid": info.kid,
        "issuer_id": info.issuer_id,
        "alg": info.alg,
        "purpose": info.purpose,
        "types": list(info.types),
        "role": info.role,
        "state": info.state.value,
        "public_jwk": dict(info.public_jwk),
        **{name: getattr(info, name) for name in _TIMES},
    }
    if info.accept_before_log_index is not None:
        members[_CUT] = info.accept_before_log_index
    return members


def info_of(members: Mapping[str, object]) -> KeyInfo:
    """The key that a record's open members describe.

    Raises:
        FileMalformed: members are missing, unknown or of another version.
    """
    known = dict(members)
    if known.pop("version", None) != VERSION:
        raise FileMalformed("not a key record of a known version")
    # Written only where there is one: a record without it reads as it always did.
    if known.keys() - {_CUT} != _MEMBERS:
        raise FileMalformed("the key record lacks or exceeds members")
    try:
        known |= {
            "types": tuple(known["types"]),  # type: ignore[arg-type]
            "state": State(str(known["state"])),
        }
        return KeyInfo(**known)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise FileMalformed("the key record holds what no key has") from error


def write_sealed(members: Mapping[str, object], sealed: bytes | None, envelope: Envelope) -> bytes:
    """Any file of the store: members, the sealed secret, and the code over both."""
    whole = {**members, "secret": None if sealed is None else b64u(sealed)}
    return json.dumps({**whole, "mac": b64u(envelope.mac(whole))}, indent=1).encode() + b"\n"


def read_sealed(data: bytes, envelope: Envelope) -> tuple[dict[str, object], bytes | None]:
    """The authenticated members and the still sealed secret.

    Raises:
        FileMalformed: not a file of this version.
        FileTampered: the authentication code does not match.
    """
    members = read_object(data)
    mac = members.pop("mac", None)
    if members.get("version") != VERSION or not isinstance(mac, str):
        raise FileMalformed("not a key file of a known version")
    envelope.check_mac(members, unb64u(mac))
    secret = members.pop("secret", None)
    return members, None if secret is None else unb64u(str(secret))


def read_object(data: bytes) -> dict[str, object]:
    """The JSON object of a file.

    Raises:
        FileMalformed: anything else.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FileMalformed("not JSON") from error
    if not isinstance(value, dict):
        raise FileMalformed("not a JSON object")
    return value


def read_key(
    data: bytes, envelope: Envelope, *, issuer_id: str, kid: str
) -> tuple[KeyInfo, bytes | None]:
    """The key of the file that lies at `issuer_id`/`kid`, and its sealed private key.

    Raises:
        FileMisplaced: the file says another issuer or key id than its path.
        FileMalformed, FileTampered: see `read_sealed`.
    """
    open_members = read_object(data)
    if (open_members.get("issuer_id"), open_members.get("kid")) != (issuer_id, kid):
        raise FileMisplaced(f"the file of key {kid} belongs elsewhere")
    members, sealed = read_sealed(data, envelope)
    return info_of(members), sealed


def open_private(info: KeyInfo, sealed: bytes | None, envelope: Envelope) -> PrivateKey:
    """The private key, checked against the recorded public key and key id.

    Raises:
        KeyNotActive: the private key was erased.
        FileTampered: sealed for another key, issuer, algorithm or purpose.
    """
    if sealed is None:
        raise KeyNotActive(f"the private key {info.kid} is destroyed")
    chosen = algorithm(info.alg)
    private = chosen.load(envelope.open(sealed, aad=aad_of(info)))
    try:
        public = chosen.public_jwk(private)
    except AlgorithmUnsupported as error:
        raise FileTampered("the private key is of another algorithm") from error
    if public != info.public_jwk or kid_of(public) != info.kid:
        raise FileTampered("private and public key do not belong together")
    return private
