"""Where the live trust repository is."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tuf.ngclient.fetcher import FetcherInterface


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the live repository is, and how to reach it.

    Attributes:
        metadata_url: address of the metadata folder.
        target_url: address of the targets folder.
        fetcher: reads an address with limits of its own on time and size.
    """

    metadata_url: str
    target_url: str
    fetcher: "FetcherInterface"
