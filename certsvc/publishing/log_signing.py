"""The log's own keys: names, signatures over checkpoints and histories, checked before release."""

from collections.abc import Sequence
from contextlib import suppress

from certsvc.publishing.errors import SigningFailed
from certsvc_sdk import jws
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.log import history
from certsvc_sdk.log.checkpoint import Checkpoint
from certsvc_sdk.log.note import Note, NoteKey, NoteSignature
from certsvc_sdk.log.view import LogView
from keys import KeyInfo, KeyStore, Signer
from keys.errors import NoActiveKey

# One log serves the whole service, so its keys belong to no department.
OWNER = "log"
PURPOSE = "log"
#: What every reader of notes knows (C2SP signed-note).
ALGORITHM = "Ed25519"
#: Role of the key whose second signature outlasts Ed25519, where custody has one.
LASTING = "lasting"
LASTING_ALGORITHM = "ML-DSA-65"


def log_origin(base_url: str) -> str:
    """The log's name: its address without a scheme (c2sp.org/tlog-checkpoint, origin).

    Args:
        base_url: the published tree's own address, ends in `/`.
    """
    return f"{base_url.partition('://')[2]}log"


def log_keys(keys: KeyStore) -> list[KeyInfo]:
    """The log's keys that were published once, oldest first, for trust records."""
    return [
        key
        for key in keys.list(OWNER)
        if key.purpose == PURPOSE and key.pre_published_at is not None
    ]


class LogSigner:
    """Signs for the log and knows which signatures are its own.

    Errors of the key store (`keys.errors.KeysError`) pass through.

    Args:
        keys: holds the log's keys.
        origin: name of the log.
    """

    def __init__(self, keys: KeyStore, *, origin: str) -> None:
        self._keys = keys
        self.origin = origin

    def view(self, witnesses: tuple[NoteKey, ...] = ()) -> LogView:
        """What readers of the log trust: every key that ever signed for it."""
        publics = [PublicKey.from_jwk(dict(k.public_jwk), k.alg) for k in log_keys(self._keys)]
        return LogView.of(self.origin, publics, witnesses=witnesses)

    def is_current(self, data: bytes) -> bool:
        """Whether the key that is active now has signed a checkpoint, or no key is active.

        Args:
            data: a signed note of this log.
        """
        try:
            signer = self._keys.active(OWNER, PURPOSE)
        except NoActiveKey:
            return True
        public = PublicKey.from_jwk(dict(signer.public_jwk), signer.alg)
        try:
            LogView.of(self.origin, [public]).open(data)
        except CertsvcError:
            return False
        return True

    def checkpoint(self, checkpoint: Checkpoint) -> bytes:
        """Sign a checkpoint with every active key of the log.

        Returns:
            The signed note.

        Raises:
            SigningFailed: a reader would not accept it.
        """
        try:
            text = checkpoint.to_text()
            lines = [self._line(signer, text) for signer in self._signers()]
            data = Note(text, tuple(lines)).to_bytes()
            same = self.view().open(data).checkpoint == checkpoint
        except CertsvcError as error:
            raise SigningFailed("the signed checkpoint does not verify") from error
        if not same:
            raise SigningFailed("the signed checkpoint says something else")
        return data

    def statement(
        self, issued: bytes, events: Sequence[bytes], checkpoint: Checkpoint, *, now: int
    ) -> str:
        """Sign that a certificate has these leaves and no others.

        Args:
            issued: leaf hash of the issue.
            events: leaf hashes of its status events in order.
            checkpoint: of the tree that this is said of.
            now: Unix seconds.

        Raises:
            SigningFailed: no such statement can be made.
        """
        signer = self._keys.active(OWNER, PURPOSE)
        try:
            draft = history.draft_statement(
                header={"alg": signer.alg, "typ": history.TYP, "kid": signer.kid},
                issued=issued,
                events=events,
                checkpoint=checkpoint,
                iat=now,
            )
        except CertsvcError as error:
            raise SigningFailed("the history cannot be stated") from error
        return jws.attach(draft, signer.sign(draft))

    def _signers(self) -> list[Signer]:
        signers = [self._keys.active(OWNER, PURPOSE)]
        with suppress(NoActiveKey):
            signers.append(self._keys.active(OWNER, PURPOSE, role=LASTING))
        return signers

    def _line(self, signer: Signer, text: str) -> NoteSignature:
        public = PublicKey.from_jwk(dict(signer.public_jwk), signer.alg)
        return NoteKey.of(self.origin, public).line(signer.sign(text.encode()))
