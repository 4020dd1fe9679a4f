"""Secrets of data keys, sealed by a key that stays in the token."""

from keys import record
from keys.algorithms import b64u, unb64u
from keys.datakey import SECRET_BYTES
from keys.envelope import RandomBytes, canonical
from keys.errors import FileMalformed, StoreBusy
from keys.pkcs11.link import Link
from keys.pkcs11.locking import exclusive
from keys.pkcs11.records import DATA


def data_secret(link: Link, name: str, *, rng: RandomBytes) -> bytes:
    """The 32-byte secret of the named data key, made on first use.

    Raises:
        KeyFileError: its record is not sound.
        StoreBusy: two machines made it at once; nothing was sealed by it yet.
    """
    sealed = _find(link, name)
    if sealed is None:
        with exclusive(link.address):
            sealed = _find(link, name) or _make(link, name, rng)
    secret: bytes = link.call("open", sealed=sealed, aad=_aad(name))
    return secret


def _find(link: Link, name: str) -> bytes | None:
    records = link.call("records", kind=DATA, prefix=name, fresh=True)
    texts = [text for label, text in records if label == name]
    if len(texts) > 1:
        raise StoreBusy(f"two machines made the data key {name} at once")
    if not texts:
        return None
    members = record.read_object(texts[0])
    sealed = members.get("secret")
    if members.get("name") != name or not isinstance(sealed, str):
        raise FileMalformed(f"the record of data key {name} is of another shape")
    return unb64u(sealed)


def _make(link: Link, name: str, rng: RandomBytes) -> bytes:
    sealed: bytes = link.call("seal", data=rng(SECRET_BYTES), aad=_aad(name))
    text = canonical({"version": record.VERSION, "name": name, "secret": b64u(sealed)})
    link.call("create", kind=DATA, label=name, text=text)
    try:
        _find(link, name)
    except StoreBusy:
        link.call("drop", kind=DATA, label=name, texts=[text])
        raise
    return sealed


def _aad(name: str) -> bytes:
    return canonical({"data_key": name})
