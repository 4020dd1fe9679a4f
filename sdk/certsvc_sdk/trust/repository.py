"""The live side of the trust repository: `tuf.ngclient` fetches and judges, the cache keeps.

A refresh works in a scratch folder that holds what the cache knows, so that ngclient's protection
against rollback works across processes, and becomes current as a whole or not at all. Answers are
given by `offline.CachedTrust` in every case, so online and offline cannot drift.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from certsvc_sdk.errors import FetchFailed, Malformed, TrustInvalid, TrustUnavailable
from certsvc_sdk.trust.about import ABOUT_TARGET
from certsvc_sdk.trust.live import Source
from certsvc_sdk.trust.offline import CachedTrust
from certsvc_sdk.trust.record import IssuerRecord, issuer_target
from certsvc_sdk.trust.roots import SeenRoots
from certsvc_sdk.trust.store import State, TrustStore

if TYPE_CHECKING:
    from tuf.ngclient.fetcher import FetcherInterface

T = TypeVar("T")
# Another process would have to refresh twice during each of them.
_ATTEMPTS = 3


class TrustRepository:
    """A trust repository with its cache. Threads and processes may share the cache folders.

    Args:
        root: pinned root metadata, the anchor of everything.
        metadata_dir: cache folder of metadata, with `state.json`.
        target_dir: cache folder of targets.
        metadata_url: address of the live metadata folder.
        target_url: address of the live targets folder.
        fetcher: reads addresses, with limits of its own; None: offline, the cache only.
    """

    def __init__(
        self,
        root: bytes,
        metadata_dir: Path,
        target_dir: Path,
        metadata_url: str,
        target_url: str,
        fetcher: "FetcherInterface | None",
    ) -> None:
        self._root = root
        self._store = TrustStore(metadata_dir, target_dir)
        self._roots = SeenRoots(metadata_dir)
        self._source = (
            None
            if fetcher is None
            else Source(metadata_url=metadata_url, target_url=target_url, fetcher=fetcher)
        )
        self._refreshing = threading.Lock()
        self._view: tuple[object, CachedTrust] | None = None

    def view(self) -> CachedTrust:
        """What the cache answers, also when it is old; another process's refresh is seen at once.

        Raises:
            TrustUnavailable: never fetched, truncated, altered, or not of this root.
        """
        known = self._view
        if not self._store.bell.is_due() and known is not None:
            return known[1]
        for _ in range(_ATTEMPTS - 1):
            stamp = self._store.stamp()
            try:
                return self._view_at(stamp)
            except TrustUnavailable:
                # Writers keep two generations; a slow reader may meet the third.
                if self._store.stamp() == stamp:
                    raise
        return self._view_at(self._store.stamp())

    def refresh(self, now: int, *, want: Iterable[str] = ()) -> CachedTrust:
        """Fetch and verify the repository, with every target known so far and those wanted.

        Args:
            now: Unix seconds; judges every expiry and becomes `as_of`.
            want: further target paths; unlisted ones are passed over.

        Raises:
            TrustUnavailable: nothing can be reached or written; the cache stays as it was.
            TrustInvalid: what is served does not verify, is expired or goes back; the same.
        """
        return self._run(now, want, whole=False)

    def prefetch(self, now: int) -> CachedTrust:
        """As `refresh`, with every issuer of the repository: ready for a day without a line.

        Raises:
            TrustUnavailable, TrustInvalid: as `refresh`.
        """
        return self._run(now, (), whole=True)

    def record(self, iss: str, *, now: int | None = None) -> IssuerRecord | None:
        """An issuer's record; one never fetched is fetched now if `now` is given.

        Returns:
            None where the verified list has no such issuer.

        Raises:
            TrustUnavailable: neither cached nor to be had.
            TrustInvalid: what is served does not verify.
        """
        try:
            path = issuer_target(iss)
        except Malformed:
            return None
        return self._ask(lambda view: view.record(iss), path, now)

    def target(self, path: str, *, now: int | None = None) -> bytes | None:
        """A verified file of the repository; one never fetched is fetched now if `now` is given.

        Returns:
            None where the verified metadata lists no such target.

        Raises:
            TrustUnavailable, TrustInvalid: as `record`.
        """
        return self._ask(lambda view: view.target(path), path, now)

    def export(self) -> dict[str, bytes]:
        """The cached generation as files of a published tree, by path below it; for `take`.

        Raises:
            TrustUnavailable: never fetched, or damaged.
        """
        from certsvc_sdk.trust.carried import tree_files

        self.view()
        return tree_files(self._root, self._store.load(), self._store.read)

    def take(self, files: Mapping[str, bytes], *, verified_at: int, now: int) -> CachedTrust:
        """Take over what another verifier exported, judged as if it were fetched.

        The cache never goes back: of an older generation only what still belongs to the cached
        one is added.

        Args:
            files: from `export`, however they came here.
            verified_at: Unix seconds at which that verifier last saw them live, by its own word;
                what is signed bounds it, so that no word makes data younger.
            now: Unix seconds.

        Raises:
            TrustUnavailable: the cache cannot be written.
            TrustInvalid: what is carried does not verify, or goes back where it may not.
        """
        from certsvc_sdk.trust.carried import Carried

        with self._refreshing, _translated():
            carried = Carried.read(self._root, files)
            before = self._cached_state()
            if before is not None and not self._is_sound(before):
                before = None
            plan = carried.plan(before, self._store.read, verified_at=verified_at, now=now)
            self._bring(plan.source, carried.paths, now=plan.judged_at, as_of=plan.as_of)
        return self.view()

    @property
    def expires(self) -> int:
        """Unix seconds at which the cached timestamp expires; raises TrustUnavailable."""
        return self.view().expires

    @property
    def verified_at(self) -> int:
        """Unix seconds of the last successful refresh; raises TrustUnavailable."""
        return self.view().as_of

    def _view_at(self, stamp: object) -> CachedTrust:
        known = self._view
        if known is not None and known[0] == stamp:
            return known[1]
        view = CachedTrust(root=self._root, state=self._store.load(), read=self._store.read)
        self._view = stamp, view
        return view

    def _ask(self, question: Callable[[CachedTrust], T], path: str, now: int | None) -> T:
        try:
            view = self.view()
            try:
                return question(view)
            except TrustUnavailable:
                newer = self.view()
                if newer is view:
                    raise
                return question(newer)
        except TrustUnavailable:
            if now is None:
                raise
        return question(self.refresh(now, want=(path,)))

    def _run(self, now: int, want: Iterable[str], *, whole: bool) -> CachedTrust:
        if self._source is None:
            raise TrustUnavailable("offline: trust data is not fetched")
        with self._refreshing, _translated():
            self._bring(self._source, want, now=now, as_of=now, whole=whole)
        return self.view()

    def _bring(
        self, source: Source, want: Iterable[str], *, now: int, as_of: int, whole: bool = False
    ) -> None:
        # Imported here: a check from the cache must not pay for what only a refresh needs.
        import tempfile

        from certsvc_sdk.trust.session import Session

        with tempfile.TemporaryDirectory() as work:
            before = self._cached_state()
            session = Session(
                root=self._root,
                source=source,
                store=self._store,
                before=before,
                roots=self._roots.all(),
                work=Path(work),
                now=now,
                as_of=as_of,
            )
            try:
                session.refresh()
            finally:
                self._roots.keep(session.roots())
            known = () if before is None else tuple(before.targets)
            session.keep((ABOUT_TARGET, *session.dictionary_paths(), *known, *want))
            if whole:
                session.keep(session.issuer_paths())
            state, files = session.result()
            # Verified once more as a reader will, before it becomes what readers see.
            view = CachedTrust(root=self._root, state=state, read=lambda kind, d: files[kind, d])
            live = source is self._source and as_of >= view.signed_at
            self._store.commit(state, files, is_sound=self._is_sound, live=live)

    def _is_sound(self, state: State) -> bool:
        try:
            CachedTrust(root=self._root, state=state, read=self._store.read)
        except TrustUnavailable:
            return False
        return True

    def _cached_state(self) -> State | None:
        try:
            return self._store.load()
        except TrustUnavailable:
            return None


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what ngclient and the system raise into this package's two answers."""
    from securesystemslib.exceptions import StorageError
    from tuf.api.exceptions import DownloadError, RepositoryError

    try:
        yield
    except (RepositoryError, ValueError) as error:
        raise TrustInvalid(f"the trust repository does not verify: {error}") from error
    except (DownloadError, StorageError, FetchFailed, OSError) as error:
        raise TrustUnavailable("the trust repository cannot be read") from error
