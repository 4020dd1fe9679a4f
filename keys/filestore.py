"""Keys in encrypted files: `<root>/issuers/<issuer>/<kid>.json`, data keys in `<root>/data`."""

import secrets
from pathlib import Path

from keys import disk, record
from keys.algorithms import kid_of, software_algorithm
from keys.datakey import SECRET_BYTES, DataKey
from keys.envelope import SCRYPT_N, RandomBytes, canonical
from keys.errors import ActiveKeyExists, KeyNotActive, KeyUnknown
from keys.lifecycle import PRIVATE_KEY_ERASED, State
from keys.moves import compromised, moved, others_active, serving
from keys.signer import Signer, StoredSigner
from keys.store import KeyInfo, KeyInfos
from keys.unlock import unlock


class FileKeyStore:
    """A key store in a directory, shared by any number of processes of one user.

    Args:
        root: directory of the store, made 0700 on first use.
        passphrase: what the key-encryption key is derived from, once.
        scrypt_n: cost for a store made now; an existing store keeps its own.
        allow_software_sm2: whether SM2 keys may be made and used here, outside hardware.
        rng: random bytes for salts, nonces and data keys.

    Raises:
        PassphraseWrong: empty, or not this store's.
        KeyFileError: the store's files are not ours or not as they were written.
        StoreUnavailable: the medium failed.
    """

    def __init__(
        self,
        root: Path,
        *,
        passphrase: bytes,
        scrypt_n: int = SCRYPT_N,
        allow_software_sm2: bool = False,
        rng: RandomBytes = secrets.token_bytes,
    ) -> None:
        self._root = root
        self._rng = rng
        self._allow_sm2 = allow_software_sm2
        for directory in (root, root / "issuers", root / "data"):
            disk.make_directory(directory)
        self._envelope = unlock(root, passphrase=passphrase, scrypt_n=scrypt_n, rng=rng)
        self._known: dict[Path, tuple[disk.Stamp, KeyInfo, bytes | None]] = {}
        self._signers: dict[Path, StoredSigner] = {}

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
        """Makes a key in state generated.

        Args:
            issuer_id: whose key; a safe file name.
            alg: name of a registered algorithm.
            purpose: certificate, status, log or trust.
            now: Unix seconds.
            types: certificate types it may sign; empty: not limited. Kept sorted.
            role: role within the purpose.

        Returns:
            The new key.

        Raises:
            NameInvalid, AlgorithmUnsupported, SoftwareSm2Refused: a bad argument.
            KeyClash: the key id exists at this issuer.
        """
        record.check_names(issuer_id, purpose, types, role)
        chosen = software_algorithm(alg, allow_sm2=self._allow_sm2)
        private = chosen.generate()
        public = chosen.public_jwk(private)
        info = KeyInfo(
            kid=kid_of(public),
            issuer_id=issuer_id,
            alg=alg,
            purpose=purpose,
            types=tuple(sorted(types)),
            role=role,
            state=State.GENERATED,
            public_jwk=public,
            created_at=now,
        )
        sealed = self._envelope.seal(chosen.dump(private), aad=record.aad_of(info))
        path = self._path(issuer_id, info.kid)
        with disk.exclusive(self._root):
            disk.make_directory(path.parent)
            disk.create(path, record.write_key(info, sealed, self._envelope), rng=self._rng)
        return info

    def list(self, issuer_id: str | None = None) -> KeyInfos:
        """The keys of one issuer, or of all, oldest first.

        Raises:
            KeyFileError: a file of the store is not sound.
        """
        if issuer_id is not None:
            record.check_file_name(issuer_id)
        pattern = f"{issuer_id or '*'}/*.json"
        with disk.medium(self._root):
            paths = sorted((self._root / "issuers").glob(pattern))
        found = [self._read(path)[0] for path in paths if not path.name.endswith(disk.TEMPORARY)]
        return sorted(found, key=lambda info: (info.created_at, info.issuer_id, info.kid))

    def get(self, issuer_id: str, kid: str) -> KeyInfo:
        """One key.

        Raises:
            KeyUnknown: there is no such key.
            KeyFileError: its file is not sound.
        """
        return self._read(self._path(issuer_id, kid))[0]

    def set_state(self, issuer_id: str, kid: str, state: State, *, now: int) -> KeyInfo:
        """One step of the life cycle; destroyed and compromised erase the private key.

        Args:
            issuer_id: whose key.
            kid: which key.
            state: where it shall stand.
            now: Unix seconds.

        Returns:
            The key in its new state.

        Raises:
            KeyUnknown: there is no such key.
            TransitionForbidden: the life cycle has no such step.
            ActiveKeyExists: another key of the group is active; use `rotate`.
        """
        path = self._path(issuer_id, kid)
        with disk.exclusive(self._root):
            info, sealed = self._read(path)
            after = moved(info, state, now=now)
            if state is State.ACTIVE and others_active(self.list(issuer_id), info):
                raise ActiveKeyExists(f"issuer {issuer_id} has an active key of this group")
            return self._write(path, after, sealed)

    def compromise(
        self,
        issuer_id: str,
        kid: str,
        *,
        now: int,
        at: int,
        accept_before_log_index: int | None = None,
    ) -> KeyInfo:
        """Ends a key that others may use too, and erases its private half.

        Arguments, result and further errors are those of `keys.moves.compromised`.

        Raises:
            KeyUnknown: there is no such key.
        """
        path = self._path(issuer_id, kid)
        with disk.exclusive(self._root):
            info, sealed = self._read(path)
            cut = accept_before_log_index
            after = compromised(info, now=now, at=at, accept_before_log_index=cut)
            return self._write(path, after, sealed)

    def rotate(self, issuer_id: str, kid: str, *, now: int) -> KeyInfo:
        """Activates a pre-published key and retires the active one of its group.

        The new key is activated first, so that there is never a moment without one; a rotation
        that a crash cut short is finished by calling it again.

        Args:
            issuer_id: whose key.
            kid: the key that shall sign from now on.
            now: Unix seconds.

        Returns:
            The key, active.

        Raises:
            KeyUnknown: there is no such key.
            TransitionForbidden: it is neither pre-published nor active.
        """
        path = self._path(issuer_id, kid)
        with disk.exclusive(self._root):
            info, sealed = self._read(path)
            former = others_active(self.list(issuer_id), info)
            if info.state is not State.ACTIVE:
                info = self._write(path, moved(info, State.ACTIVE, now=now), sealed)
            for other in former:
                other_path = self._path(issuer_id, other.kid)
                before, its_sealed = self._read(other_path)
                self._write(other_path, moved(before, State.RETIRED, now=now), its_sealed)
        return info

    def signer(self, issuer_id: str, kid: str) -> Signer:
        """A signer of an active key; it refuses as soon as the key is no longer active.

        Raises:
            KeyUnknown: there is no such key.
            KeyNotActive: the key is not active.
            SoftwareSm2Refused: an SM2 key in a store that may use none.
            KeyFileError: its file is not sound.
        """
        path = self._path(issuer_id, kid)
        info, sealed = self._read(path)
        if info.state is not State.ACTIVE:
            raise KeyNotActive(f"key {kid} is {info.state}")
        software_algorithm(info.alg, allow_sm2=self._allow_sm2)
        made = self._signers.get(path)  # another thread may drop it from here on
        made = self._signers[path] = made or StoredSigner(
            kid=info.kid,
            alg=info.alg,
            public_jwk=info.public_jwk,
            private=record.open_private(info, sealed, self._envelope),
            guard=lambda: self._guard(path),
        )
        return made

    def active(
        self, issuer_id: str, purpose: str, *, type: str | None = None, role: str | None = None
    ) -> Signer:
        """The signer that serves this purpose, type and role now.

        A key made for the type goes before one that is not limited; without `type` only a key
        that is not limited serves.

        Raises:
            NoActiveKey: none does.
            KeyFileError: a file of the issuer's is not sound.
        """
        best = serving(self.list(issuer_id), issuer_id, purpose, type=type, role=role)
        return self.signer(issuer_id, best.kid)

    def data_key(self, name: str) -> DataKey:
        """The named data key, made on first use.

        Raises:
            NameInvalid: no safe file name.
            KeyFileError: its file is not sound.
        """
        record.check_file_name(name)
        path = self._root / "data" / f"{name}.json"
        aad = canonical({"data_key": name})
        if not path.is_file() and not path.is_symlink():
            self._make_data_key(path, name, aad)
        _, stored = record.read_sealed(disk.read(path)[0], self._envelope)
        secret = self._envelope.open(stored or b"", aad=aad)
        return DataKey.from_secret(name, secret, rng=self._rng)

    def _make_data_key(self, path: Path, name: str, aad: bytes) -> None:
        with disk.exclusive(self._root):
            if path.is_file():
                return  # another process was faster
            sealed = self._envelope.seal(self._rng(SECRET_BYTES), aad=aad)
            members = {"version": record.VERSION, "name": name}
            text = record.write_sealed(members, sealed, self._envelope)
            disk.create(path, text, rng=self._rng)

    def _path(self, issuer_id: str, kid: str) -> Path:
        record.check_file_name(issuer_id)
        record.check_kid(kid)
        return self._root / "issuers" / issuer_id / f"{kid}.json"

    def _read(self, path: Path) -> tuple[KeyInfo, bytes | None]:
        known = self._known.get(path)
        if known and known[0] == disk.stamp(path):
            return known[1], known[2]
        disk.check_directory(path.parent)
        data, stamp = disk.read(path)
        info, sealed = record.read_key(
            data, self._envelope, issuer_id=path.parent.name, kid=path.stem
        )
        self._known[path] = (stamp, info, sealed)
        return info, sealed

    def _guard(self, path: Path) -> None:
        try:
            info, _ = self._read(path)
        except KeyUnknown as error:
            raise KeyNotActive(f"key {path.stem} is gone") from error
        if info.state is not State.ACTIVE:
            self._signers.pop(path, None)
            raise KeyNotActive(f"key {path.stem} is {info.state}")

    def _write(self, path: Path, info: KeyInfo, sealed: bytes | None) -> KeyInfo:
        kept = None if info.state in PRIVATE_KEY_ERASED else sealed
        disk.replace(path, record.write_key(info, kept, self._envelope), rng=self._rng)
        self._signers.pop(path, None)
        return info
