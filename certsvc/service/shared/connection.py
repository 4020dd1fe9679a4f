"""The way to Redis: short time-outs, no retries, a breaker. No failure of it leaves this module."""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any, Final, TypeVar

from certsvc.service.metrics import Metrics
from certsvc.service.shared.address import SharedAddress
from certsvc.service.shared.breaker import Breaker, State
from certsvc.service.tracing import NO_TRACER, Tracer

log = logging.getLogger("certsvc.shared")

# A request that waits longer would have been faster without (R11: 110 ms once, then 5).
TIMEOUT: Final = 0.1
# The threads of one server process, with room.
MAX_CONNECTIONS: Final = 32
# Changes with the form of what is stored: two releases side by side do not read each other.
VERSION: Final = 1

#: Either client; their commands are the same, their declared types are not.
Client = Any
T = TypeVar("T")


class SharedUnavailable(Exception):  # noqa: N818 - the name says what is wrong
    """Redis did not serve a command; whoever asked goes on without."""

    code = "shared_unavailable"


def in_background(work: Callable[[], None]) -> None:
    """Do something in a thread of its own."""
    threading.Thread(target=work, name="redis-probe", daemon=True).start()


class Shared:
    """One Redis or Redis Cluster, as far as it answers. Safe for threads and forks.

    Args:
        address: where it is.
        environment: `demo` or `production`: the two never meet in one key.
        metrics: counts commands and the breaker's states.
        tracer: notes commands.
        monotonic: seconds that never go back.
        spawn: does a probe beside the request that found it due.
    """

    def __init__(
        self,
        address: SharedAddress,
        *,
        environment: str,
        metrics: Metrics,
        tracer: Tracer = NO_TRACER,
        monotonic: Callable[[], float] = time.monotonic,
        spawn: Callable[[Callable[[], None]], None] = in_background,
    ) -> None:
        # Now: a request must not pay for the client's import.
        import redis  # noqa: F401

        self._address = address
        self._prefix = f"certsvc:{VERSION}:{environment}"
        self._metrics = metrics
        self._tracer = tracer
        self._spawn = spawn
        # Learning a cluster's map asks several nodes: no request waits for that.
        self._breaker = Breaker(monotonic=monotonic, changed=self._note, is_open=address.cluster)
        self._making = threading.Lock()
        self._client: Client = None
        self._pool: ThreadPoolExecutor | None = None
        self._pid = 0

    @property
    def state(self) -> State:
        """The breaker's state."""
        return self._breaker.state

    def key(self, kind: str, name: str) -> str:
        """The key of a thing; its name, which may be long or say too much, as a digest."""
        digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{self._prefix}:{kind}:{digest}"

    def call(self, command: Callable[[Client], T]) -> T:
        """Run one command.

        Args:
            command: takes the client; one command, since each may wait `TIMEOUT`.

        Raises:
            SharedUnavailable: no answer, an error, or Redis is left alone for now.
        """
        if self._breaker.state is not State.CLOSED:
            if self._breaker.take_probe():
                self._spawn(self._probe)
            self._metrics.redis_calls.add("skipped")
            raise SharedUnavailable("Redis did not answer a moment ago")
        try:
            with self._tracer.span("redis"):
                answer = self._run(command)
        except Exception as error:  # what answers nonsense is as good as what does not answer
            if _is_refusal(error):
                # It answered at once, if only to refuse: nothing to protect anybody from.
                self._metrics.redis_calls.add("refused")
                raise SharedUnavailable("Redis refused a command") from error
            self._metrics.redis_calls.add("failed")
            self._give_up(error)
            raise SharedUnavailable("Redis did not answer") from error
        self._metrics.redis_calls.add("answered")
        return answer

    def ask(self) -> State:
        """The breaker's state, found out anew where that is due: for `/readyz`."""
        with contextlib.suppress(SharedUnavailable):
            self.call(lambda client: client.ping())
        return self._breaker.state

    def close(self) -> None:
        """Let go of all connections."""
        with self._making:
            client, self._client = self._client, None
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)
        if client is not None:
            with contextlib.suppress(Exception):
                client.close()

    def _run(self, command: Callable[[Client], T]) -> T:
        client = self._current()
        if self._pool is None:
            return command(client)
        # The cluster's client asks further nodes when one fails; a request waits for the first.
        future = self._pool.submit(command, client)
        try:
            return future.result(timeout=TIMEOUT)
        finally:
            future.cancel()

    def _probe(self) -> None:
        try:
            client = self._current()
            client.ping()
        except Exception as error:  # as in `call`
            self._give_up(error)
        else:
            self._breaker.succeeded()

    def _give_up(self, error: Exception) -> None:
        if self._breaker.state is State.CLOSED:
            log.warning("Redis is left alone", extra={"reasons": [type(error).__name__]})
        self._breaker.failed()

    def _note(self, state: State) -> None:
        self._metrics.redis_state.put(state)
        if state is State.OPEN:
            self._metrics.redis_opened.add()
        if state is State.CLOSED:
            log.info("Redis answers again")

    def _current(self) -> Client:
        pid = os.getpid()
        if self._client is None or self._pid != pid:
            with self._making:
                if self._client is None or self._pid != pid:
                    self._client, self._pid = _connect(self._address), pid
                    self._pool = _threads() if self._address.cluster else None
        return self._client


def _is_refusal(error: Exception) -> bool:
    from redis.exceptions import ResponseError

    return isinstance(error, ResponseError)


def _connect(address: SharedAddress) -> Client:
    # Imported here: a set-up without Redis must not pay for its client.
    from redis import Redis, RedisCluster
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    options: dict[str, Any] = {
        "socket_connect_timeout": TIMEOUT,
        "socket_timeout": TIMEOUT,
        "socket_keepalive": True,
        "max_connections": MAX_CONNECTIONS,
        "retry": Retry(NoBackoff(), 0),
        # The older protocol asks nothing before the first command.
        "protocol": 2,
        "driver_info": None,
    }
    if address.cluster:
        return RedisCluster.from_url(address.url, **options)
    return Redis.from_url(address.url, **options)


def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=MAX_CONNECTIONS, thread_name_prefix="redis")


def open_shared(
    address: SharedAddress | None,
    *,
    environment: str,
    metrics: Metrics,
    tracer: Tracer = NO_TRACER,
) -> Shared | None:
    """The way to Redis where one is configured; nothing is asked yet."""
    if address is None:
        return None
    return Shared(address, environment=environment, metrics=metrics, tracer=tracer)
