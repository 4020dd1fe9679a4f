"""The token's two keys of its own: one for the records' codes, one that seals data keys."""

import PyKCS11

from keys.errors import FileMalformed, FileTampered, KeyClash
from keys.pkcs11.objects import Handle, Session, search, template, values

MAC_LABEL = "certsvc records"
SEAL_LABEL = "certsvc data keys"
_BYTES = 32


def secret_key(session: Session, label: str, *, make: bool) -> Handle:
    """The key of that label.

    Args:
        session: a session that is logged in.
        label: one of the two above.
        make: whether to make it where it is missing: only while it has nothing to open.

    Raises:
        FileMalformed: it is missing.
        FileTampered: it could leave the token, hence is not ours.
        KeyClash: there are two, because two machines made the first one at once.
    """
    which = template(CLASS=PyKCS11.CKO_SECRET_KEY, LABEL=label)
    if not search(session, which):
        if not make:
            raise FileMalformed(f"the token has lost its key {label!r}")
        _make(session, label)
    found = search(session, which)
    if len(found) != 1:
        raise KeyClash(f"the token has {len(found)} keys {label!r}")
    if values(session, found[0], "SENSITIVE", "EXTRACTABLE") != [True, False]:
        raise FileTampered(f"the token's key {label!r} could leave it")
    return found[0]


def _make(session: Session, label: str) -> None:
    common = template(
        CLASS=PyKCS11.CKO_SECRET_KEY,
        TOKEN=True,
        PRIVATE=True,
        SENSITIVE=True,
        EXTRACTABLE=False,
        VALUE_LEN=_BYTES,
        LABEL=label,
    )
    if label == MAC_LABEL:
        kind = template(KEY_TYPE=PyKCS11.CKK_GENERIC_SECRET, SIGN=True, VERIFY=True)
        making = PyKCS11.CKM_GENERIC_SECRET_KEY_GEN
    else:
        kind = template(KEY_TYPE=PyKCS11.CKK_AES, ENCRYPT=True, DECRYPT=True)
        making = PyKCS11.CKM_AES_KEY_GEN
    session.generateKey([*common, *kind], PyKCS11.Mechanism(making, None))
