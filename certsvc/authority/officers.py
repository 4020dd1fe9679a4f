"""Officers' keys: made on an offline machine, their public halves carried as small files."""

from dataclasses import dataclass
from pathlib import Path

from securesystemslib.signer import Key

from certsvc.authority.trust_errors import ChangeRefused
from certsvc.publishing.online import PURPOSE, TRUST_OWNER
from certsvc.publishing.signers import ALGORITHM, key_of, key_of_jwk
from certsvc_sdk.errors import Malformed
from certsvc_sdk.strict import b64u_decode, b64u_encode, dumps, loads_object, text
from keys import KeyStore, State
from keys.provision import ensure_active

FORMAT = "certsvc-trust-key-1"
_MAX_FILE = 4096
_MAX_NAME = 100
_WHAT = "public key file"


@dataclass(frozen=True, slots=True)
class OfficerKey:
    """The public half of an officer's key; `name` is for the eye and is not published."""

    name: str
    key: Key

    def to_bytes(self) -> bytes:
        """The file's content."""
        public = b64u_encode(bytes.fromhex(self.key.keyval["public"]))
        members = {"format": FORMAT, "name": self.name, "keyid": self.key.keyid, "public": public}
        return dumps(members) + b"\n"


def make_officer_key(store: KeyStore, name: str, *, now: int) -> OfficerKey:
    """The trust key of an officer's own store, made on the first call.

    Raises:
        ChangeRefused: a name that does not fit on a line.
        KeysError: the key store refused.
    """
    _check_name(name)
    ensure_active(
        store, issuer_id=TRUST_OWNER, alg=ALGORITHM, purpose=PURPOSE, role="officer", now=now
    )
    active = [key for key in store.list(TRUST_OWNER) if key.state is State.ACTIVE]
    return OfficerKey(name, key_of_jwk(active[-1].public_jwk))


def read_officer_key(path: Path) -> OfficerKey:
    """Read a public key file.

    Raises:
        ChangeRefused: it is none, or its key id is not its key's.
    """
    try:
        obj = loads_object(path.read_bytes().rstrip(b"\n"), max_bytes=_MAX_FILE, what=_WHAT)
        if text(obj, "format", _WHAT) != FORMAT:
            raise ChangeRefused(f"{path.name} is no public key file of this release")
        key = key_of(b64u_decode(text(obj, "public", _WHAT)))
        name, keyid = text(obj, "name", _WHAT), text(obj, "keyid", _WHAT)
    except (Malformed, ValueError) as error:
        raise ChangeRefused(f"{path.name} is no public key file: {error}") from error
    if keyid != key.keyid:
        raise ChangeRefused(f"{path.name}: the key id is not this key's")
    _check_name(name)
    return OfficerKey(name, key)


def _check_name(name: str) -> None:
    if not 0 < len(name) <= _MAX_NAME or not name.isprintable():
        raise ChangeRefused("a name is empty, too long, or holds control characters")
