"""A worker's hold on the lease `publisher`, shared by the threads of its duties."""

from collections.abc import Callable
from threading import Lock

from sqlalchemy.engine import Engine

from certsvc.service.engine import reading, writing
from certsvc.storage.leases import PUBLISHER as LEASE
from certsvc.storage.leases import Leases

#: Seconds; a worker that died is replaced within the five that a revocation may take to show.
LEASE_TTL = 4


class Tenure:
    """Takes, renews and gives back the lease.

    Args:
        engine: the issuer's database.
        holder: this worker's name in leases.
        clock: Unix seconds.
        admit: called whenever the lease comes to us, before anything is published; what it
            raises gives the lease back.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        holder: str,
        clock: Callable[[], float],
        admit: Callable[[], object] = int,
    ) -> None:
        self._engine = engine
        self._holder = holder
        self._clock = clock
        self._admit = admit
        self._fence: int | None = None
        self._lock = Lock()

    def take(self) -> int | None:
        """The fencing number while the lease is ours for at least half its length from now on.

        Returns:
            None while somebody else holds it.

        Raises:
            DatabaseUnavailable: nothing can be known.
            Exception: whatever `admit` raises.
        """
        with self._lock:
            now = int(self._clock())
            if self._fence is not None:
                with reading(self._engine, single=True) as connection:
                    leases = Leases(connection)
                    if leases.holds(LEASE, self._holder, self._fence, now + LEASE_TTL // 2):
                        return self._fence
            former, self._fence = self._fence, None
            with writing(self._engine) as connection:
                fence = Leases(connection).acquire(LEASE, self._holder, now, LEASE_TTL)
            if fence is not None and fence != former:
                self._admitted()
            self._fence = fence
            return fence

    def _admitted(self) -> None:
        try:
            self._admit()
        except BaseException:
            with writing(self._engine) as connection:
                Leases(connection).release(LEASE, self._holder)
            raise

    def keeps(self, fence: int) -> bool:
        """Whether nobody else held the lease since `take` gave this number; it is renewed then.

        Raises:
            DatabaseUnavailable: nothing can be known.
        """
        return self.take() == fence

    def release(self) -> None:
        """Give the lease back so that the next worker need not wait.

        Raises:
            DatabaseUnavailable: it ends by itself.
        """
        with self._lock:
            with writing(self._engine) as connection:
                Leases(connection).release(LEASE, self._holder)
            self._fence = None
