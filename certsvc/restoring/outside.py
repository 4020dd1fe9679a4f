"""What the world has been shown: the published tree, read as a witness against the database."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from certsvc.publishing.errors import TreeUnreadable
from certsvc.publishing.log_files import LogFiles
from certsvc.publishing.tree import PublishedTree
from certsvc_sdk import jws, statuslist
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.log.checkpoint import Checkpoint, parse_checkpoint
from certsvc_sdk.log.tiles import WIDTH, Tile, bundles, unpack_entries, unpack_hashes
from certsvc_sdk.log.view import LogView
from certsvc_sdk.statuslist import StatusBits, StatusListToken
from keys import KeyStore

STATUS = "status"


@dataclass(frozen=True, slots=True)
class PublishedList:
    """One status list as readers see it; `token` is not verified yet."""

    uscc: str
    list_no: int
    token: StatusListToken

    @property
    def path(self) -> str:
        """Where it stands."""
        return f"{STATUS}/{self.uscc}/{self.list_no}"

    @property
    def version(self) -> int:
        """Its number; a list without one counts as the first."""
        return self.token.version or 0


class Outside:
    """Reads the published tree.

    Args:
        tree: the published tree; it may still be empty.
    """

    def __init__(self, tree: PublishedTree) -> None:
        self._tree = tree
        self._log = LogFiles(tree)

    def checkpoint(self, view: LogView | None = None) -> Checkpoint | None:
        """The log's published checkpoint; None where there is none.

        Args:
            view: whose signature it must bear; None: not asked, for a mere comparison of sizes.

        Raises:
            TreeUnreadable: it cannot be read, or is not signed by the log.
        """
        data = self._log.checkpoint()
        if data is None:
            return None
        try:
            return (parse_checkpoint(data) if view is None else view.open(data)).checkpoint
        except CertsvcError as error:
            raise TreeUnreadable("the log's published checkpoint is damaged") from error

    def newest_hashes(self, size: int) -> tuple[int, list[bytes]]:
        """The leaf hashes of the newest tile of a tree.

        Args:
            size: leaves of the tree, at least 1.

        Returns:
            Index of the first one, and the hashes.

        Raises:
            TreeUnreadable: the tile is missing or damaged.
        """
        number = (size - 1) // WIDTH
        tile = Tile(0, number, size - number * WIDTH)
        try:
            return number * WIDTH, unpack_hashes(self._log.read(tile), tile.width)
        except CertsvcError as error:
            raise TreeUnreadable(f"the log's {tile.path} is damaged") from error

    def leaves(self, first: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Published leaves [first, end) with their indexes.

        Args:
            first: index of the first one.
            end: the published size.

        Raises:
            TreeUnreadable: a bundle is missing or damaged.
        """
        for tile in bundles(first, end):
            try:
                entries = unpack_entries(self._log.read(tile), tile.width)
            except CertsvcError as error:
                raise TreeUnreadable(f"the log's {tile.path} is damaged") from error
            for index, leaf in enumerate(entries, tile.start):
                if index >= first:
                    yield index, leaf

    def lists(self) -> Iterator[PublishedList]:
        """Every published status list.

        Raises:
            TreeUnreadable: one is damaged, or the folder cannot be read.
        """
        folder = self._tree.root / STATUS
        try:
            issuers = sorted(each.name for each in folder.iterdir() if each.is_dir())
        except FileNotFoundError:
            return
        except OSError as error:
            raise TreeUnreadable("the published status lists cannot be read") from error
        for uscc in issuers:
            names = self._tree.names(f"{STATUS}/{uscc}")
            for number in sorted(int(name) for name in names if name.isdecimal()):
                yield self._list(uscc, number)

    def _list(self, uscc: str, number: int) -> PublishedList:
        path = f"{STATUS}/{uscc}/{number}"
        data = self._tree.read(path)
        try:
            return PublishedList(uscc, number, statuslist.read((data or b"").decode("ascii")))
        except (UnicodeDecodeError, CertsvcError) as error:
            raise TreeUnreadable(f"{path} is damaged") from error

    def summary(self) -> Mapping[str, object]:
        """Size of the log and versions of the lists, for a backup's manifest.

        Raises:
            TreeUnreadable: as the other methods.
        """
        checkpoint = self.checkpoint()
        return {
            "log_size": 0 if checkpoint is None else checkpoint.size,
            "log_root": "" if checkpoint is None else checkpoint.root.hex(),
            "lists": {each.path: each.version for each in self.lists()},
        }


def verified_bits(listed: PublishedList, keys: KeyStore, issuer_id: str) -> StatusBits:
    """The bits of a list that the issuer's own key has signed.

    Raises:
        TreeUnreadable: it is not signed by a status key of the issuer, or damaged.
    """
    token = listed.token
    kid = token.header.get("kid")
    try:
        for key in keys.list(issuer_id):
            if key.kid == kid and key.purpose == "status":
                jws.require_header(token.header, typ=statuslist.TYP, alg=key.alg)
                public = PublicKey.from_jwk(dict(key.public_jwk), key.alg)
                public.verify(token.compact.signing_input, token.compact.signature)
                return token.bits()
    except CertsvcError as error:
        raise TreeUnreadable(f"{listed.path} is damaged") from error
    raise TreeUnreadable(f"{listed.path} is not signed by the issuer")
