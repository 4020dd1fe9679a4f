"""Trust keys that the installation itself holds; what officers hold elsewhere is not here."""

from collections.abc import Iterable, Mapping

from securesystemslib.signer import Key
from tuf.api.metadata import Role

from certsvc.publishing.delegations import key_role
from certsvc.publishing.errors import RoleKeyUntrusted, SigningFailed
from certsvc.publishing.signers import ALGORITHM, AnyRole, TufSigner, key_of_jwk, sign
from keys import KeyInfo, KeyStore, State
from keys.errors import NoActiveKey, StoreReadOnly
from keys.provision import ensure_active

# Trust keys belong to no department; in the key store they stand under this name.
TRUST_OWNER = "trust"
PURPOSE = "trust"


class OnlineKeys:
    """Signs for the roles whose keys are in the key store; its errors pass through.

    Made for one operation: which keys are active is asked once.

    Args:
        keys: the key store.
        owner: name of the trust keys' owner in it.
    """

    def __init__(self, keys: KeyStore, *, owner: str = TRUST_OWNER) -> None:
        self._keys = keys
        self._owner = owner
        self._signers: dict[str, TufSigner | None] = {}
        #: Keys of the store that were retired, and those that a store read only has kept.
        self.retired: list[str] = []
        self.kept: list[str] = []

    def signer(self, name: str) -> TufSigner | None:
        """The signer that was active for a role when it was first asked for, or None."""
        role = key_role(name)
        if role not in self._signers:
            try:
                signer = TufSigner(self._keys.active(self._owner, PURPOSE, role=role))
            except NoActiveKey:
                signer = None
            # The store looks at the key's state at every signature; this saves the look-up.
            self._signers[role] = signer
        return self._signers[role]

    def required(self, name: str, role: Role) -> TufSigner:
        """The signer of a role that readers believe.

        Raises:
            RoleKeyUntrusted: there is none, or readers do not know its key.
        """
        signer = self.signer(name)
        if signer is None or signer.public_key.keyid not in role.keyids:
            raise RoleKeyUntrusted(f"readers do not know the active key of {name}")
        return signer

    def holds(self, name: str, role: Role) -> bool:
        """Whether the key store alone can sign for a role."""
        if role.threshold != 1:
            return False
        signer = self.signer(name)
        return signer is not None and signer.public_key.keyid in role.keyids

    def sign(self, name: str, metadata: AnyRole, role: Role, *, append: bool = False) -> None:
        """Put the role's signature on its metadata.

        Raises:
            RoleKeyUntrusted: as `required`.
            SigningFailed: the key store refused.
        """
        sign(name, metadata, self.required(name, role), append=append)

    def ensure(self, name: str, now: int) -> Key:
        """A role's active key, made where there is none.

        Raises:
            SigningFailed: the key store gave none.
        """
        ensure_active(
            self._keys,
            issuer_id=self._owner,
            alg=ALGORITHM,
            purpose=PURPOSE,
            role=key_role(name),
            now=now,
        )
        self._signers.pop(key_role(name), None)
        signer = self.signer(name)
        if signer is None:
            raise SigningFailed(f"the key store has no active key for {name}")
        return signer.public_key

    def successor(self, name: str, now: int) -> Key:
        """The key that waits to follow a role's active one, made where there is none."""
        waiting = self._waiting(name)
        if not waiting:
            made = self._keys.generate(
                issuer_id=self._owner, alg=ALGORITHM, purpose=PURPOSE, role=name, now=now
            )
            waiting = [self._keys.set_state(self._owner, made.kid, State.PRE_PUBLISHED, now=now)]
        return key_of_jwk(waiting[0].public_jwk)

    def take_over(self, name: str, role: Role, now: int) -> None:
        """Activate the waiting key that a role names, where its active key is not named."""
        signer = self.signer(name)
        if signer is not None and signer.public_key.keyid in role.keyids:
            return
        for info in self._waiting(name):
            if key_of_jwk(info.public_jwk).keyid in role.keyids:
                self._keys.rotate(self._owner, info.kid, now=now)
                self._signers.pop(key_role(name), None)
                return

    def let_go(self, known: Mapping[str, Iterable[str]], now: int) -> tuple[str, ...]:
        """Retire active keys that readers knew and no longer know: officers sign in their place.

        Args:
            known: role → ids of the keys that readers knew before and do not know any more.
            now: Unix seconds.

        Returns:
            Ids of the keys in the key store that were retired.
        """
        before = len(self.retired)
        for info in self._keys.list(self._owner) if known else ():
            former = known.get(info.role or "", ())
            active = (info.purpose, info.state) == (PURPOSE, State.ACTIVE)
            if not active or key_of_jwk(info.public_jwk).keyid not in former:
                continue
            try:
                self._keys.set_state(self._owner, info.kid, State.RETIRED, now=now)
            except StoreReadOnly:
                # A signer process uses keys only; whoever holds the store meets this one again.
                self.kept.append(info.kid)
                continue
            self._signers.pop(info.role or "", None)
            self.retired.append(info.kid)
        return tuple(self.retired[before:])

    def _waiting(self, name: str) -> list[KeyInfo]:
        return [
            info
            for info in self._keys.list(self._owner)
            if (info.purpose, info.role) == (PURPOSE, name) and info.state is State.PRE_PUBLISHED
        ]
