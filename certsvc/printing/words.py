"""The word that a face carries whose certificate is not in force."""

from certsvc.catalogue import CertificateType
from certsvc.catalogue.schema import Label
from certsvc.issuing.model import CertificateView

_VALID = "valid"
_EXPIRED = Label(zh="已过有效期", en="expired")
# Where no reason says more.
_PLAIN = {
    "suspended": Label(zh="已暂停使用", en="suspended"),
    "revoked": Label(zh="已失效", en="revoked"),
    "superseded": Label(zh="已被替代", en="superseded"),
}


def overprint(kind: CertificateType, view: CertificateView, *, now: int) -> Label | None:
    """What stands across the face: the legal word of the reason, as the type has it.

    Args:
        kind: the certificate's type.
        view: the certificate.
        now: Unix seconds; the state lacks only expiry.

    Returns:
        The word; None: the certificate is in force, or will be.
    """
    if view.state != _VALID:
        reasons = (one for operation in kind.status.operations for one in operation.reasons)
        for reason in reasons:
            if reason.code == view.status_reason:
                return reason.sentence
        return _PLAIN.get(view.state, _PLAIN["revoked"])
    if view.expires_at is not None and view.expires_at <= now:
        return _EXPIRED
    return None
