"""A key store whose keys are in another process: what is asked for comes back signed or refused."""

from pathlib import Path
from typing import NoReturn

from keys.algorithms import Jwk, algorithm, b64u
from keys.datakey import VERSION as SEAL_VERSION
from keys.datakey import SealingKey
from keys.envelope import NONCE_BYTES
from keys.errors import SignatureRejected, StoreReadOnly, StoreUnavailable
from keys.lifecycle import State
from keys.record import check_file_name, check_kid
from keys.signer import Signer
from keys.signing.frames import FrameInvalid
from keys.signing.line import SECONDS, Line
from keys.signing.messages import read_infos
from keys.store import KeyInfo, KeyInfos

_SEAL_BYTES = len(SEAL_VERSION) + NONCE_BYTES + 16
_HMAC_BYTES = 32


class SignerKeyStore:
    """The keys of a signer process, to be used and not to be changed.

    Nothing is opened before the first call, so a service starts without its signer, says that it
    is not ready, and goes on when the signer is there.

    Args:
        path: the signer's socket.
        seconds: until an answer must be there.
    """

    #: Changes are refused; asked before an act is noted that cannot follow.
    read_only = True

    def __init__(self, path: Path, *, seconds: float = SECONDS) -> None:
        self._line = Line(path, seconds=seconds)

    def close(self) -> None:
        """Hang up; the store stays usable."""
        self._line.close()

    def generate(
        self,
        *,
        issuer_id: str,
        alg: str,
        purpose: str,
        now: int,
        types: tuple[str, ...] = (),
        role: str | None = None,
    ) -> KeyInfo:
        """Refused.

        Raises:
            StoreReadOnly: always.
        """
        _refuse()

    def set_state(self, issuer_id: str, kid: str, state: State, *, now: int) -> KeyInfo:
        """Refused.

        Raises:
            StoreReadOnly: always.
        """
        _refuse()

    def compromise(
        self,
        issuer_id: str,
        kid: str,
        *,
        now: int,
        at: int,
        accept_before_log_index: int | None = None,
    ) -> KeyInfo:
        """Refused.

        Raises:
            StoreReadOnly: always.
        """
        _refuse()

    def rotate(self, issuer_id: str, kid: str, *, now: int) -> KeyInfo:
        """Refused.

        Raises:
            StoreReadOnly: always.
        """
        _refuse()

    def list(self, issuer_id: str | None = None) -> KeyInfos:
        """The keys of one issuer, or of all, oldest first.

        Raises:
            StoreUnavailable: the signer does not answer, or tells nonsense.
            KeysError: it refused.
        """
        if issuer_id is not None:
            check_file_name(issuer_id)
        return _read(self._line.ask("list", {"issuer": issuer_id}), issuer_id)

    def get(self, issuer_id: str, kid: str) -> KeyInfo:
        """One key.

        Raises:
            KeyUnknown: there is no such key.
            StoreUnavailable: see `list`.
        """
        return self._one("get", issuer_id, kid)

    def signer(self, issuer_id: str, kid: str) -> Signer:
        """A signer of an active key.

        Raises:
            KeyUnknown: there is no such key.
            KeyNotActive: the key is not active.
            UseForbidden: the signer process does not serve us with this key.
            StoreUnavailable: see `list`.
        """
        return RemoteSigner(self._one("signer", issuer_id, kid), line=self._line)

    def active(
        self, issuer_id: str, purpose: str, *, type: str | None = None, role: str | None = None
    ) -> Signer:
        """The signer that serves this purpose, type and role now.

        Raises:
            NoActiveKey: none does.
            UseForbidden: the signer process does not serve us with such keys.
            StoreUnavailable: see `list`.
        """
        check_file_name(issuer_id)
        texts = {"issuer": issuer_id, "purpose": purpose, "type": type, "role": role}
        infos = _read(self._line.ask("active", texts), issuer_id)
        if len(infos) != 1 or (infos[0].purpose, infos[0].role) != (purpose, role):
            raise StoreUnavailable("the signer tells of another key")
        return RemoteSigner(infos[0], line=self._line)

    def data_key(self, name: str) -> SealingKey:
        """The named data key, made on first use; its secret stays in the signer process.

        Raises:
            NameInvalid: no safe file name.
            UseForbidden: the signer process does not serve us with it.
            StoreUnavailable: see `list`.
        """
        check_file_name(name)
        self._line.ask("data_key", {"name": name})
        return RemoteDataKey(name, line=self._line)

    def _one(self, operation: str, issuer_id: str, kid: str) -> KeyInfo:
        check_file_name(issuer_id)
        check_kid(kid)
        infos = _read(self._line.ask(operation, {"issuer": issuer_id, "kid": kid}), issuer_id)
        if len(infos) != 1 or infos[0].kid != kid:
            raise StoreUnavailable("the signer tells of another key")
        return infos[0]


class RemoteSigner:
    """Has the signer process sign, and believes nothing that does not verify."""

    def __init__(self, info: KeyInfo, *, line: Line) -> None:
        self.kid = info.kid
        self.alg = info.alg
        self._issuer_id = info.issuer_id
        self._public = dict(info.public_jwk)
        self._line = line

    @property
    def public_jwk(self) -> Jwk:
        """The public key, a copy."""
        return dict(self._public)

    def sign(self, data: bytes) -> bytes:
        """Has the data signed, then verifies once more on this side.

        Args:
            data: the signing input.

        Returns:
            The signature in JOSE form.

        Raises:
            KeyNotActive: the key was retired, destroyed or compromised meanwhile.
            SignatureRejected: what came back does not verify under the key's id.
            StoreUnavailable: the signer does not answer.
        """
        signature = self._line.ask("sign", {"issuer": self._issuer_id, "kid": self.kid}, data)
        if not algorithm(self.alg).verify(self._public, data, signature):
            raise SignatureRejected(f"signature of key {self.kid} failed verification")
        return signature


class RemoteDataKey:
    """Has the signer process seal, open and hash."""

    def __init__(self, name: str, *, line: Line) -> None:
        self.name = name
        self._line = line

    def seal(self, plaintext: bytes, *, context: bytes) -> bytes:
        """The sealed bytes, 29 longer than the plaintext.

        Raises:
            StoreUnavailable: the signer does not answer, or not with a seal.
        """
        sealed = self._line.ask("seal", self._texts(context), plaintext)
        if sealed[:1] != SEAL_VERSION or len(sealed) != len(plaintext) + _SEAL_BYTES:
            raise StoreUnavailable("the signer gave no seal")
        return sealed

    def open(self, sealed: bytes, *, context: bytes) -> bytes:
        """The plaintext.

        Raises:
            DataSealInvalid: altered, truncated, of another version, key or context.
            StoreUnavailable: the signer does not answer.
        """
        return self._line.ask("open", self._texts(context), sealed)

    def hmac(self, data: bytes) -> bytes:
        """HMAC-SHA256, 32 bytes.

        Raises:
            StoreUnavailable: the signer does not answer, or not with a hash.
        """
        found = self._line.ask("hmac", {"name": self.name}, data)
        if len(found) != _HMAC_BYTES:
            raise StoreUnavailable("the signer gave no hash")
        return found

    def _texts(self, context: bytes) -> dict[str, str | None]:
        return {"name": self.name, "context": b64u(context)}


def _read(data: bytes, issuer_id: str | None) -> KeyInfos:
    try:
        return read_infos(data, issuer_id=issuer_id)
    except FrameInvalid as error:
        raise StoreUnavailable(f"the signer tells nonsense: {error}") from error


def _refuse() -> NoReturn:
    raise StoreReadOnly("keys are made and changed at the store itself, not through its signer")
