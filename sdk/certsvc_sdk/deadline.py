"""An end to a whole fetch, however its bytes come."""

import threading
from typing import Any

from certsvc_sdk.errors import FetchFailed


class Deadline:
    """Ends a connection's sockets when the whole fetch took too long.

    Time-outs of a socket count from one byte to the next; a server that drips bytes, in its
    headers too, would never meet them.
    """

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True
        self._connections: list[Any] = []
        self._expired = False

    def watch(self, pool: Any) -> None:  # noqa: ANN401
        """Note every connection that `pool` opens."""
        make = pool.ConnectionCls

        def noted(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            connection = make(*args, **kwargs)
            self._connections.append(connection)
            return connection

        pool.ConnectionCls = noted

    def check(self) -> None:
        """Refuse an answer that ended because the time was over.

        Raises:
            FetchFailed: the time was over.
        """
        if self._expired:
            raise FetchFailed("the answer took too long")

    def _expire(self) -> None:
        from socket import SHUT_RDWR

        self._expired = True
        for connection in self._connections:
            sock = connection.sock
            if sock is not None:
                try:
                    sock.shutdown(SHUT_RDWR)
                except OSError:  # closed meanwhile, which is what was wanted
                    continue

    def __enter__(self) -> "Deadline":
        self._timer.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._timer.cancel()
