"""All that one verifier holds: trust data, status lists, and where both are read."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from certsvc_sdk.cache import StatusCache
from certsvc_sdk.errors import CertsvcError, TrustUnavailable, TypeMetadataInvalid
from certsvc_sdk.fetch import Fetcher, tuf_fetcher
from certsvc_sdk.sources import Sources, check_base
from certsvc_sdk.status_holding import StatusHolding
from certsvc_sdk.trust.record import IssuerRecord
from certsvc_sdk.trust.repository import TrustRepository
from certsvc_sdk.trust_holding import HeldTrust, TrustHolding
from certsvc_sdk.type_holding import TypeHolding
from certsvc_sdk.verdict import Verdict
from certsvc_sdk.world import StatusSnapshot

if TYPE_CHECKING:
    from certsvc_sdk.typemetadata import TypeMetadata

_LOG = logging.getLogger("certsvc_sdk")

# Characters of the root's digest that name its folder in the cache.
_NAMESPACE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What a refresh or prefetch brought.

    Attributes:
        trust: the trust data is current now.
        issuers: number of issuer records at hand.
        lists: status lists that are current now.
        failed: addresses that could not be read.
    """

    trust: bool
    issuers: int
    lists: int
    failed: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Nothing is missing."""
        return self.trust and not self.failed


class Holdings:
    """Trust data and status lists with their refresh policies. Safe for threads.

    Args:
        root: bytes of the pinned root.
        url: address of the published tree, or None: nothing but the cache and `sources`.
        folder: the cache folder.
        sources: prefix of an identifier → where it is read.
        trust_refresh: seconds after which trust data is fetched anew.
        status_refresh: seconds after which a status list is; None: the list's own `ttl`.
        offline: never use the network.

    Raises:
        FetchFailed: an address is of a kind that is not allowed.
    """

    def __init__(
        self,
        *,
        root: bytes,
        url: str | None,
        folder: Path,
        sources: Mapping[str, str],
        trust_refresh: int,
        status_refresh: int | None,
        offline: bool,
    ) -> None:
        self._url = None if url is None else url.rstrip("/") + "/"
        if self._url is not None:
            check_base(self._url)
        self._extra = dict(sources)
        Sources(self._extra)  # refuses wrong addresses now rather than at the first check
        self._sources: tuple[str, Sources] | None = None
        # Another root is another world: its lists, versions and revocations are not ours.
        world = folder / hashlib.sha256(root).hexdigest()[:_NAMESPACE]
        self._fetcher = Fetcher()
        reachable = self._url is not None and not offline
        repository = TrustRepository(
            root,
            world / "trust" / "metadata",
            world / "trust" / "targets",
            f"{self._url}trust/metadata/",
            f"{self._url}trust/targets/",
            tuf_fetcher(self._fetcher) if reachable else None,
        )
        self.trust = TrustHolding(repository, refresh_after=trust_refresh, online=reachable)
        self.cache = StatusCache(world / "status")
        self.status = StatusHolding(
            self.cache, self._fetcher, refresh_after=status_refresh, online=not offline
        )
        self.types = TypeHolding(world / "types", self._fetcher, online=not offline)

    def world(self, now: int, *, max_status_age: int | None = None) -> "HeldWorld":
        """Return the world of one check.

        Args:
            now: Unix seconds.
            max_status_age: seconds after which the caller has no use for a list.
        """
        return HeldWorld(self, now, max_status_age)

    def sources(self, base: str) -> Sources:
        """Return where addresses are read: `base` at this verifier's url, its own map first."""
        known = self._sources
        if known is None or known[0] != base:
            prefixes = self._extra if self._url is None else {base: self._url, **self._extra}
            self._sources = known = (base, Sources(prefixes))
        return known[1]

    def type_metadata(self, of: Verdict | str, now: int) -> "TypeMetadata":
        """Return the metadata of a type.

        Args:
            of: a verdict, or a `vct`.
            now: Unix seconds.

        Raises:
            TrustUnavailable: without trust data the published tree has no address.
            FetchFailed, IntegrityInvalid, TypeMetadataInvalid: as `TypeHolding.resolve`, and for a
                verdict whose signature or disclosures did not verify: what its token says is not
                to be followed.
        """
        if isinstance(of, str):
            vct, integrity = of, None
        elif of.vct is None or of.claims is None:
            raise TypeMetadataInvalid("the certificate is not genuine: nobody vouches for its type")
        else:
            vct, integrity = of.vct, of.claims.get("vct#integrity")
        trust = self.trust.current(now, floor=self.cache.clock_floor)
        if trust is None:
            raise TrustUnavailable("there is no trust data yet to tell where types are published")
        return self.types.resolve(vct, self.sources(trust.view.base), now, integrity=integrity)

    def renew(self, now: int, *, whole: bool) -> Refreshed:
        """Fetch trust data and status lists anew, whether due or not; never raises for a network.

        Args:
            now: Unix seconds.
            whole: all issuers and all their lists, not only the known ones.
        """
        self._fetcher.forget_failures()
        fresh = self.trust.refresh(now, whole=whole)
        view = self.trust.cached()
        if view is None:
            return Refreshed(trust=False, issuers=0, lists=0, failed=())
        sources = self.sources(view.base)
        records = view.issuers()
        wanted = {uri: record for uri in self.status.known() if (record := _of(uri, records))}
        failed: list[str] = []
        for record in records if whole else ():
            try:
                listed = self.status.listed(record, sources)
            except CertsvcError as error:
                _LOG.warning("an issuer's status lists are not known: %s", error)
                failed.append(record.status_aggregation or record.status_prefix)
                continue
            wanted.update(dict.fromkeys(listed, record))
        for uri, record in wanted.items():
            copy = self.status.current(uri, record, sources, now, force=True)
            if copy is None or copy.fetched_at != now:
                failed.append(uri)
        return Refreshed(
            trust=fresh,
            issuers=len(records),
            lists=len(wanted) - sum(uri in wanted for uri in failed),
            failed=tuple(failed),
        )


class HeldWorld:
    """The world of one check (`certsvc_sdk.world.World`), over what the verifier holds."""

    __slots__ = ("_holdings", "_max_status_age", "_now", "_trust")

    def __init__(self, holdings: Holdings, now: int, max_status_age: int | None) -> None:
        self._holdings = holdings
        self._now = now
        self._max_status_age = max_status_age
        self._trust: HeldTrust | None = None

    @property
    def clock_floor(self) -> int:
        """Latest time that signed data has proven."""
        return self._holdings.cache.clock_floor

    def trust(self) -> HeldTrust | None:
        """Return the trust data, refreshed where it is due."""
        self._trust = self._holdings.trust.current(self._now, floor=self.clock_floor)
        return self._trust

    def status(self, uri: str, record: IssuerRecord) -> StatusSnapshot | None:
        """Return the newest genuine copy of a list."""
        if self._trust is None:
            return None
        sources = self._holdings.sources(self._trust.view.base)
        return self._holdings.status.current(
            uri, record, sources, self._now, max_age=self._max_status_age
        )

    def known_revoked(self, uri: str, index: int) -> bool:
        """Return whether this entry was ever seen revoked."""
        return self._holdings.cache.is_revoked(uri, index)

    def remember_revoked(self, uri: str, index: int) -> None:
        """Keep for ever that this entry was seen revoked."""
        self._holdings.cache.note_revoked(uri, index)

    def log_index(self, signing_input: bytes, record: IssuerRecord) -> None:
        """Return nothing: issuers publish no transparency log that could be asked."""


def _of(uri: str, records: tuple[IssuerRecord, ...]) -> IssuerRecord | None:
    for record in records:
        if uri.startswith(record.status_prefix):
            return record
    return None
