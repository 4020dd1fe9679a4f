"""What reading one image or PDF may cost; a small hostile file can hold minutes of work."""

import time
from collections.abc import Callable
from typing import Final

from certsvc_sdk.errors import FileTooLarge

# A phone's photo has 3-12 MB, a scanned file of some pages below 20.
MAX_FILE_BYTES: Final = 20 * 1024 * 1024
# A4 at 600 dpi has 35 million pixels; decoded in colour this is 120 MB.
MAX_PIXELS: Final = 40_000_000
# The library that reads codes counts a side in 16 bits.
MAX_SIDE: Final = 65_535
# A case file; a clerk presents certificates, not archives.
MAX_PAGES: Final = 20
# One code a certificate and some of other origin on each page.
MAX_CODES: Final = 64
# A certificate attaches one file; a case file some dozens.
MAX_ATTACHMENTS: Final = 32
# The longest certificate has a tenth; what comes after is not read as text.
MAX_CHARACTERS: Final = 30_000
# A progressive JPEG has about ten; each one costs a walk over all pixels.
MAX_SCANS: Final = 100
# Clearer pictures of parts of pages: each takes about 50 ms, and all of them a tenth of the time.
MAX_SECOND_LOOKS: Final = 40
# Twenty blank A4 pages at all resolutions take 7; no file with a code on each page takes 3.
READING_SECONDS: Final = 20.0


class Budget:
    """Processor time for one file, so that load and waiting do not count.

    Args:
        seconds_used: processor time of this thread so far.
    """

    def __init__(self, seconds_used: Callable[[], float] = time.thread_time) -> None:
        self._seconds_used = seconds_used
        self._end = seconds_used() + READING_SECONDS
        self._second_looks = MAX_SECOND_LOOKS

    def is_over(self) -> bool:
        """Return whether the time is used up."""
        return self._seconds_used() > self._end

    def check(self) -> None:
        """Go on only while there is time.

        Raises:
            FileTooLarge: the time is used up.
        """
        if self.is_over():
            raise FileTooLarge("the file takes too long to be read")

    def may_look_again(self) -> bool:
        """Return whether the file may have one more second look; it counts as had."""
        self._second_looks -= 1
        return self._second_looks >= 0
