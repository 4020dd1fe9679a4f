"""A whole refresh within limits: a mirror that drips every file must not keep a window waiting."""

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tuf.ngclient.fetcher import FetcherInterface

# One file has ten seconds of its own (`fetch.TOTAL_SECONDS`); a mirror that uses them up each time
# ends after three files, and one that answers a file a second may serve thousands.
FREE_SECONDS: Final = 30.0
SECONDS_A_FILE: Final = 1.0


def metered(
    fetcher: "FetcherInterface",
    served: dict[str, bytes],
    *,
    monotonic: Callable[[], float] = time.monotonic,
) -> "FetcherInterface":
    """Return a fetcher for one refresh, whose time grows with what it brings.

    Args:
        fetcher: reads an address within limits of its own.
        served: filled with the timestamp as it was served, by its name.
        monotonic: seconds that never go back.

    Raises:
        DownloadError: by the object returned, while reading: the refresh takes too long.
    """
    from tuf.api.exceptions import DownloadError
    from tuf.ngclient.fetcher import FetcherInterface

    class Metered(FetcherInterface):
        end = monotonic() + FREE_SECONDS

        def _fetch(self, url: str) -> Iterator[bytes]:
            name = url.rpartition("/")[2]
            body = bytearray()
            for chunk in fetcher.fetch(url):
                if monotonic() >= self.end:
                    raise DownloadError("the whole refresh took too long")
                if name == "timestamp.json":
                    body += chunk
                yield chunk
            self.end += SECONDS_A_FILE
            if name == "timestamp.json":
                served[name] = bytes(body)

    return Metered()
