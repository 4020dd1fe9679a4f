"""The key store in a token."""

import secrets
from collections import Counter
from collections.abc import Sequence
from functools import partial

from keys import record
from keys.algorithms import Jwk, algorithm, kid_of
from keys.datakey import DataKey
from keys.envelope import RandomBytes
from keys.errors import ActiveKeyExists, AlgorithmUnsupported, KeyNotActive, NoActiveKey
from keys.lifecycle import State
from keys.moves import compromised, moved, others_active, serving
from keys.pkcs11.datakeys import data_secret
from keys.pkcs11.link import COMMAND, Link
from keys.pkcs11.locking import exclusive
from keys.pkcs11.records import KeyRecord, Records, label_of
from keys.pkcs11.signer import ALGORITHMS, TokenSigner
from keys.signer import Signer
from keys.store import KeyInfo, KeyInfos


class Pkcs11KeyStore:
    """A key store in a PKCS#11 token, shared by any number of processes and machines.

    Nothing is opened before the first call. Changes are serialised on one machine by a lock on
    the PIN's file; between machines a change that meets another one is taken back (`StoreBusy`).

    Args:
        uri: see `keys.pkcs11.address.read_address`.
        rng: random bytes for data keys and seals.
        command: how to start the agent.

    Raises:
        StoreUriInvalid: the URI is no such address.
    """

    def __init__(
        self,
        uri: str,
        *,
        rng: RandomBytes = secrets.token_bytes,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._link = Link(uri, command=command)
        self._records = Records(self._link)
        self._rng = rng
        self._signers: dict[str, TokenSigner] = {}
        #: Signatures that failed their verification and were not released, by key id.
        self.rejected: Counter[str] = Counter()

    def close(self) -> None:
        """Ends this process's agent; the store stays usable."""
        self._link.close()

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
        """Makes a key inside the token, in state generated; arguments as in `FileKeyStore`.

        Raises:
            NameInvalid, AlgorithmUnsupported: a bad argument.
            KeyClash: the key id exists in the token.
            TokenFull: there is no room.
        """
        record.check_names(issuer_id, purpose, types, role)
        algorithm(alg)
        if alg not in ALGORITHMS:
            raise AlgorithmUnsupported(
                f"a PKCS#11 token signs with {' and '.join(ALGORITHMS)}, not with {alg}"
            )
        with exclusive(self._link.address):
            self._records.sweep()
            public: Jwk = self._link.call("generate", alg=alg)
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
            self._records.add(info)
        return info

    def list(self, issuer_id: str | None = None) -> KeyInfos:
        """The keys of one issuer, or of all, oldest first.

        Raises:
            KeyFileError: a record in the token is not sound.
        """
        if issuer_id is not None:
            record.check_file_name(issuer_id)
        infos = [each.info for each in self._records.all(issuer_id)]
        return sorted(infos, key=lambda info: (info.created_at, info.issuer_id, info.kid))

    def get(self, issuer_id: str, kid: str) -> KeyInfo:
        """One key.

        Raises:
            KeyUnknown: there is no such key.
            KeyFileError: its record is not sound.
        """
        return self._records.get(issuer_id, kid).info

    def set_state(self, issuer_id: str, kid: str, state: State, *, now: int) -> KeyInfo:
        """One step of the life cycle; destroyed and compromised erase the private key.

        Raises:
            KeyUnknown, TransitionForbidden, ActiveKeyExists: as in `FileKeyStore`.
            StoreBusy: somebody on another machine changed the same at once.
        """
        with exclusive(self._link.address):
            before = self._records.get(issuer_id, kid, fresh=True)
            after = moved(before.info, state, now=now)
            if state is State.ACTIVE and others_active(self.list(issuer_id), after):
                raise ActiveKeyExists(f"issuer {issuer_id} has an active key of this group")
            return self._records.replace(before, after)

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
        with exclusive(self._link.address):
            before = self._records.get(issuer_id, kid, fresh=True)
            cut = accept_before_log_index
            after = compromised(before.info, now=now, at=at, accept_before_log_index=cut)
            return self._records.replace(before, after)

    def rotate(self, issuer_id: str, kid: str, *, now: int) -> KeyInfo:
        """Activates a pre-published key and retires the active one of its group.

        The new key is activated first, so that there is never a moment without one; a rotation
        that a crash cut short is finished by calling it again.

        Raises:
            KeyUnknown: there is no such key.
            TransitionForbidden: it is neither pre-published nor active.
        """
        with exclusive(self._link.address):
            before = self._records.get(issuer_id, kid, fresh=True)
            info = before.info
            former = others_active(self.list(issuer_id), info)
            if info.state is not State.ACTIVE:
                retiring = frozenset(each.kid for each in former)
                info = self._records.replace(
                    before, moved(info, State.ACTIVE, now=now), retiring=retiring
                )
            for other in former:
                its = self._records.get(issuer_id, other.kid, fresh=True)
                self._records.replace(its, moved(its.info, State.RETIRED, now=now))
        return info

    def signer(self, issuer_id: str, kid: str) -> Signer:
        """A signer of an active key; it refuses as soon as the key is no longer active.

        Raises:
            KeyUnknown: there is no such key.
            KeyNotActive: the key is not active.
            KeyFileError: its record is not sound.
        """
        return self._signer(self._records.get(issuer_id, kid))

    def active(
        self, issuer_id: str, purpose: str, *, type: str | None = None, role: str | None = None
    ) -> Signer:
        """The signer that serves this purpose, type and role now.

        Raises:
            NoActiveKey: none does.
            KeyFileError: a record of the issuer's is not sound.
        """
        record.check_file_name(issuer_id)
        chosen = partial(serving, issuer_id=issuer_id, purpose=purpose, type=type, role=role)
        found = {each.info.kid: each for each in self._records.all(issuer_id, fresh=False)}
        try:
            best = chosen(each.info for each in found.values())
        except NoActiveKey:
            found = {each.info.kid: each for each in self._records.all(issuer_id)}
            best = chosen(each.info for each in found.values())
        return self._signer(found[best.kid])

    def data_key(self, name: str) -> DataKey:
        """The named data key, made on first use; its secret lies sealed in the token.

        Raises:
            NameInvalid: no safe name.
            KeyFileError: its record is not sound.
        """
        record.check_file_name(name)
        secret = data_secret(self._link, name, rng=self._rng)
        return DataKey.from_secret(name, secret, rng=self._rng)

    def _signer(self, found: KeyRecord) -> TokenSigner:
        info = found.info
        if info.state is not State.ACTIVE:
            raise KeyNotActive(f"key {info.kid} is {info.state}")
        label = label_of(info.issuer_id, info.kid)
        signer = self._signers.get(label) or TokenSigner(
            found, link=self._link, records=self._records, rejected=self.rejected
        )
        return self._signers.setdefault(label, signer)
