"""All that one verifier holds: trust data, status lists, and where both are read."""

import hashlib
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from certsvc_sdk.cache import StatusCache
from certsvc_sdk.errors import CertsvcError, TrustUnavailable, TypeMetadataInvalid
from certsvc_sdk.fetch import Fetcher, tuf_fetcher
from certsvc_sdk.relay import Relay
from certsvc_sdk.sources import Sources, check_base
from certsvc_sdk.status_holding import StatusHolding
from certsvc_sdk.trust.about import Environment
from certsvc_sdk.trust.record import IssuerRecord
from certsvc_sdk.trust.repository import TrustRepository
from certsvc_sdk.trust_holding import HeldTrust, TrustHolding
from certsvc_sdk.type_holding import TypeHolding
from certsvc_sdk.verdict import Verdict
from certsvc_sdk.world import StatusSnapshot

if TYPE_CHECKING:
    from certsvc_sdk.log.history import Life
    from certsvc_sdk.log_holding import LogHolding
    from certsvc_sdk.log_source import LogSource
    from certsvc_sdk.log_trust import Witnesses
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
        relay: what other machines pass on; unused while `offline`.
        witnesses: whom a transparency log's checkpoint must have been seen by; None: nobody.

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
        relay: Relay | None = None,
        witnesses: "Witnesses | None" = None,
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
        self._online = not offline
        self._log_folder = world / "log"
        self._witnesses = witnesses
        reachable = self._url is not None and not offline
        repository = TrustRepository(
            root,
            world / "trust" / "metadata",
            world / "trust" / "targets",
            f"{self._url}trust/metadata/",
            f"{self._url}trust/targets/",
            tuf_fetcher(self._fetcher, relay) if reachable else None,
        )
        self.trust = TrustHolding(repository, refresh_after=trust_refresh, online=reachable)
        self.cache = StatusCache(world / "status")
        self.status = StatusHolding(
            self.cache,
            self._fetcher,
            refresh_after=status_refresh,
            online=not offline,
            relay=relay,
        )
        self.types = TypeHolding(world / "types", self._fetcher, online=not offline)

    def world(
        self, now: int, *, max_status_age: int | None = None, log_proof: str | None = None
    ) -> "HeldWorld":
        """Return the world of one check.

        Args:
            now: Unix seconds.
            max_status_age: seconds after which the caller has no use for a list.
            log_proof: text of a log proof that came with the certificate.
        """
        return HeldWorld(self, now, max_status_age, log_proof)

    @cached_property
    def log(self) -> "LogHolding":
        """The transparency logs; made when first asked for."""
        # Imported here: most checks ask for no proof.
        from certsvc_sdk.log_cache import LogCache
        from certsvc_sdk.log_holding import LogHolding

        return LogHolding(LogCache(self._log_folder), witnesses=self._witnesses)

    def log_source(self, record: IssuerRecord, trust: HeldTrust) -> "LogSource | None":
        """Return where an issuer's log is read, None where it names none or there is no line."""
        if record.log_origin is None or not self._online:
            return None
        from certsvc_sdk.log_source import LogSource, address_of

        demo = trust.env is Environment.DEMO
        address = address_of(record.log_origin, demo=demo)
        return LogSource(address, self.sources(trust.view.base), self._fetcher)

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

    __slots__ = ("_holdings", "_log_proof", "_max_status_age", "_now", "_trust", "clock_floor")

    def __init__(
        self, holdings: Holdings, now: int, max_status_age: int | None, log_proof: str | None
    ) -> None:
        self._holdings = holdings
        self._now = now
        self._max_status_age = max_status_age
        self._log_proof = log_proof
        self._trust: HeldTrust | None = None
        self.clock_floor = holdings.cache.clock_floor

    def trust(self) -> HeldTrust | None:
        """Return the trust data, refreshed where it is due."""
        self._trust = self._holdings.trust.current(self._now, floor=self.clock_floor)
        return self._trust

    def dictionary(self, number: int) -> bytes | None:
        """Return a QR dictionary that the trust data list."""
        trust = self.trust()
        return None if trust is None else trust.dictionary(number)

    def status(self, uri: str, record: IssuerRecord) -> StatusSnapshot | None:
        """Return the newest genuine copy of a list."""
        if self._trust is None:
            return None
        lists, now, max_age = self._holdings.status, self._now, self._max_status_age
        at_hand = lists.at_hand(uri, record, now, max_age)
        if at_hand is not None:
            return at_hand
        sources = self._holdings.sources(self._trust.view.base)
        return lists.current(uri, record, sources, now, max_age=max_age)

    def known_revoked(self, uri: str, index: int) -> bool:
        """Return whether this entry was ever seen revoked."""
        return self._holdings.cache.is_revoked(uri, index)

    def remember_revoked(self, uri: str, index: int) -> None:
        """Keep for ever that this entry was seen revoked."""
        self._holdings.cache.note_revoked(uri, index)

    def log_index(self, signing_input: bytes, record: IssuerRecord) -> int | None:
        """Return the place in the issuer's log that the token provably has."""
        if self._trust is None or record.log_origin is None:
            return None
        source = self._holdings.log_source(record, self._trust)
        return self._holdings.log.index(
            signing_input, record, source, self._now, given=self._log_proof
        )

    def life(
        self, signing_input: bytes, record: IssuerRecord, at: int, *, fresh: bool = False
    ) -> "Life | None":
        """Return what the issuer's log proves of the certificate's life."""
        if self._trust is None or record.log_origin is None:
            return None
        source = self._holdings.log_source(record, self._trust)
        return self._holdings.log.life(signing_input, record, source, self._now, at, fresh=fresh)


def _of(uri: str, records: tuple[IssuerRecord, ...]) -> IssuerRecord | None:
    for record in records:
        if uri.startswith(record.status_prefix):
            return record
    return None


def witnesses_of(vkeys: Collection[str], threshold: int | None) -> "Witnesses | None":
    """Return whom these keys ask for, None where nobody is asked for."""
    if not vkeys and threshold is None:
        return None
    # Imported here: most verifiers ask for no witnesses.
    from certsvc_sdk.log_trust import Witnesses

    return Witnesses.read(vkeys, threshold)
