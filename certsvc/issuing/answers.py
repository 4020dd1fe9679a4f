"""Sealed answers: what a certificate's row tells its issuer, now and as it was at first."""

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from certsvc.catalogue.text import clean
from certsvc.issuing.errors import CertificateNotFound, RecordTampered
from certsvc.issuing.model import CertificateView, Issued
from certsvc.issuing.plan import Plan, Planned
from certsvc.issuing.resources import write_json
from certsvc.storage.certificate_rows import CertificateRow, State
from certsvc.storage.idempotency import Scope
from certsvc.storage.sealing import Sealing
from certsvc_sdk.strict import b64u_decode, b64u_encode

# Column names, part of each seal's context: renaming one makes its rows unreadable.
PLAN = "plan"
CREDENTIAL = "credential"
ANSWER = "answer"

# The token and QR text never change, so an answer need not repeat them.
_IN_CREDENTIAL = frozenset({"token", "qr_text", "qr_profile"})


def detail_column(seq: int) -> str:
    """Name the place of an event's detail."""
    return f"detail-{seq}"


def seal_plan(sealing: Sealing, certificate_id: str, plan: Plan) -> bytes:
    """Seal what will be signed."""
    return sealing.seal(plan.to_bytes(), row=certificate_id, column=PLAN)


def holder_lookup(sealing: Sealing, kind: str, code: str) -> str:
    """Hash a holder's code: one hash however the code was typed."""
    return sealing.lookup(kind, clean(code).upper())


def seal_credential(
    sealing: Sealing,
    certificate_id: str,
    *,
    token: str,
    qr_text: str,
    qr_profile: str | None,
    seed: bytes,
    holders: Sequence[str],
) -> bytes:
    """Seal what was issued, and the look-up hashes of those it was issued to."""
    value = {
        "token": token,
        "qr_text": qr_text,
        "qr_profile": qr_profile,
        "seed": b64u_encode(seed),
        "holders": list(holders),
    }
    return sealing.seal(write_json(value), row=certificate_id, column=CREDENTIAL)


def open_credential(sealing: Sealing, row: CertificateRow) -> dict[str, Any]:
    """Open what was issued: `token`, `qr_text`, `qr_profile`, `seed`, `holders`.

    Raises:
        CertificateNotFound: Nothing was.
    """
    if row.credential is None:
        raise CertificateNotFound("the certificate was not issued")
    data = sealing.open(row.credential, row=row.certificate_id, column=CREDENTIAL)
    members: dict[str, Any] = json.loads(data)
    # What was sealed by an earlier release says nothing of it.
    return {"qr_profile": None, **members}


def seed_of(sealing: Sealing, row: CertificateRow) -> bytes:
    """Open the seed that a certificate's salts come from."""
    return b64u_decode(open_credential(sealing, row)["seed"])


def view(sealing: Sealing, row: CertificateRow) -> CertificateView:
    """Show a certificate as it stands."""
    credential = open_credential(sealing, row)
    return CertificateView(
        certificate_id=row.certificate_id,
        certificate_identifier=row.certificate_identifier,
        type=row.type,
        version=row.type_version,
        profile=row.profile,
        state=row.state.value,
        status_reason=row.status_reason,
        status_changed_at=row.status_changed_at,
        issued_at=row.iat,
        not_before=row.nbf,
        expires_at=row.exp,
        supersedes=row.supersedes_id,
        superseded_by=row.superseded_by_id,
        list_no=row.list_no,
        list_index=row.list_index,
        token=credential["token"],
        qr_text=credential["qr_text"],
        qr_profile=credential["qr_profile"],
    )


def view_of_holder(sealing: Sealing, row: CertificateRow, lookup: str) -> CertificateView:
    """Show a certificate that was looked up by a holder.

    Raises:
        RecordTampered: It was not issued to this holder: the look-up table was altered.
    """
    if lookup not in open_credential(sealing, row)["holders"]:
        raise RecordTampered("a look-up leads to somebody else's certificate")
    return view(sealing, row)


def issued(
    planned: Planned, *, token: str, qr_text: str, qr_profile: str | None, leaf_hash: bytes
) -> Issued:
    """Show a certificate at the moment of its issue."""
    new, signed = planned.new, planned.bytes
    return Issued(
        certificate_id=new.certificate_id,
        certificate_identifier=new.certificate_identifier,
        type=new.type,
        version=new.type_version,
        profile=new.profile,
        state=State.VALID.value,
        status_reason=None,
        status_changed_at=None,
        issued_at=signed.iat,
        not_before=signed.nbf,
        expires_at=signed.exp,
        supersedes=new.supersedes_id,
        superseded_by=None,
        list_no=new.list_no,
        list_index=new.list_index,
        token=token,
        qr_text=qr_text,
        qr_profile=qr_profile,
        leaf_hash=leaf_hash,
    )


def seal_answer(sealing: Sealing, scope: Scope, answer: CertificateView) -> bytes:
    """Seal an answer for whoever sends the same request again."""
    names = (one.name for one in fields(CertificateView) if one.name not in _IN_CREDENTIAL)
    members = {name: getattr(answer, name) for name in names}
    return sealing.seal(
        write_json(members), row=answer.certificate_id, column=_answer_column(scope)
    )


def _answer_column(scope: Scope) -> str:
    # The key is part of the context: an answer moved to another key's row opens for nobody.
    return f"{ANSWER}|{scope.route}|{scope.client_id}|{scope.key_hash}"


def stored_issue(sealing: Sealing, row: CertificateRow, scope: Scope, answer: bytes) -> Issued:
    """Open the stored answer to a request to issue."""
    members = _open_answer(sealing, row, scope, answer)
    return Issued(**{**members, "replayed": True})


def stored_view(
    sealing: Sealing, row: CertificateRow, scope: Scope, answer: bytes
) -> CertificateView:
    """Open the stored answer to a change of state."""
    return CertificateView(**_open_answer(sealing, row, scope, answer))


def _open_answer(
    sealing: Sealing, row: CertificateRow, scope: Scope, answer: bytes
) -> dict[str, Any]:
    data = sealing.open(answer, row=row.certificate_id, column=_answer_column(scope))
    members: dict[str, Any] = json.loads(data)
    credential = open_credential(sealing, row)
    return members | {name: credential[name] for name in _IN_CREDENTIAL}
