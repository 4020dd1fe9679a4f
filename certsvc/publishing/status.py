"""Publishes status lists: signed, checked as a verifier would, and never going back."""

from certsvc.publishing.errors import SigningFailed, StatusRollback, TreeUnreadable
from certsvc.publishing.tree import PublishedTree
from certsvc_sdk import jws, statuslist
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.errors import CertsvcError, StatusListInvalid
from certsvc_sdk.statuslist import StatusBits, StatusListToken
from certsvc_sdk.strict import Json, dumps
from keys import KeyStore, Signer

PURPOSE = "status"
# A verifier looks again after this; how long a revocation may stay unseen.
TTL = 300
# Past this a verifier calls the list stale; a day without a publisher is bridged.
LIFE = 24 * 3600
AGGREGATION = "lists.json"


class StatusPublisher:
    """Writes status lists and each issuer's list of lists.

    Errors of the key store (`keys.errors.KeysError`) pass through.

    Args:
        tree: where they stand.
        keys: holds each issuer's status key.
        base_url: the published tree's own address, ends in `/`.
    """

    def __init__(self, tree: PublishedTree, keys: KeyStore, *, base_url: str) -> None:
        self._tree = tree
        self._keys = keys
        self._base_url = base_url

    def publish(
        self,
        issuer_id: str,
        list_no: int,
        bits: StatusBits,
        version: int,
        now: int,
        *,
        uscc: str | None = None,
    ) -> str:
        """Sign and publish one list (Token Status List, section 5.1).

        Args:
            issuer_id: whose status key signs.
            list_no: number of the list.
            bits: the whole list.
            version: of the bits; the same version may be signed anew before it expires.
            now: Unix seconds, becomes `iat`.
            uscc: the issuer's code in the address; None: the same as `issuer_id`.

        Returns:
            The published token.

        Raises:
            StatusRollback: a higher version, or other bits of this version, are published.
            SigningFailed: what was signed would not be accepted by a verifier.
            TreeUnreadable: what is published cannot be read, so nothing can be compared.
        """
        folder = f"status/{uscc or issuer_id}"
        path, uri = f"{folder}/{list_no}", f"{self._base_url}{folder}/{list_no}"
        signer = self._keys.active(issuer_id, PURPOSE)
        token = _signed(signer, uri, bits, version, now)
        # Compare and swap: a publisher that slept here must not put an older list back.
        with self._tree.exclusive():
            self._refuse_rollback(path, bits, version)
            self._tree.write(path, token.encode("ascii"))
            self._aggregate(folder)
        return token

    def published_version(self, uscc: str, list_no: int) -> int | None:
        """Version of a list as readers see it, or None where there is none.

        Raises:
            TreeUnreadable: as `publish`.
        """
        token = self._published(f"status/{uscc}/{list_no}")
        return None if token is None else token.version

    def _refuse_rollback(self, path: str, bits: StatusBits, version: int) -> None:
        known = self._published(path)
        if known is None or known.version is None:
            return
        if known.version > version:
            raise StatusRollback(f"{path}: version {known.version} is published, not {version}")
        if known.version == version and known.bits() != bits:
            raise StatusRollback(f"{path}: version {version} is published with other bits")

    def _published(self, path: str) -> StatusListToken | None:
        data = self._tree.read(path)
        if data is None:
            return None
        try:
            return statuslist.read(data.decode("ascii"))
        except (UnicodeDecodeError, StatusListInvalid) as error:
            raise TreeUnreadable(f"{path} is damaged; restore or remove it") from error

    def _aggregate(self, folder: str) -> None:
        """Write the addresses of all lists (Token Status List, section 9.2)."""
        numbers = sorted(int(name) for name in self._tree.names(folder) if name.isdecimal())
        uris = [f"{self._base_url}{folder}/{number}" for number in numbers]
        self._tree.write_if_changed(f"{folder}/{AGGREGATION}", dumps({"status_lists": uris}))


def _signed(signer: Signer, uri: str, bits: StatusBits, version: int, now: int) -> str:
    """A token that a verifier accepts, checked before anybody sees it."""
    header: dict[str, Json] = {"alg": signer.alg, "typ": statuslist.TYP, "kid": signer.kid}
    draft = statuslist.draft(
        header=header, sub=uri, iat=now, exp=now + LIFE, ttl=TTL, version=version, bits=bits
    )
    token = jws.attach(draft, signer.sign(draft))
    try:
        read = statuslist.read(token)
        jws.require_header(read.header, typ=statuslist.TYP, alg=signer.alg)
        public = PublicKey.from_jwk(dict(signer.public_jwk), signer.alg)
        public.verify(read.compact.signing_input, read.compact.signature)
        same = public.kid == signer.kid and read.sub == uri and read.bits() == bits
    except CertsvcError as error:
        raise SigningFailed(f"{uri}: the signed list does not verify") from error
    if not same or read.version != version:
        raise SigningFailed(f"{uri}: the signed list says something else")
    return token
