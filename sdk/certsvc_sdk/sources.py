"""Where things are read: addresses in signed data are identifiers, mapped to mirrors and files."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from certsvc_sdk.errors import FetchFailed
from certsvc_sdk.trust.urls import parse_url

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Source:
    """Where to read: `configured` marks addresses of the operator, which alone may be files."""

    url: str
    configured: bool


class Sources:
    """Prefix of an identifier → where the thing is read; the longest prefix wins.

    Raises:
        FetchFailed: a prefix or an address without its final /, or an address not allowed.
    """

    def __init__(self, prefixes: Mapping[str, str]) -> None:
        for prefix, base in prefixes.items():
            if not prefix.endswith("/") or not base.endswith("/"):
                raise FetchFailed("prefixes and bases of sources end in /")
            check_base(base)
        spelled = {_spelled(prefix): base for prefix, base in prefixes.items()}
        self._prefixes = sorted(spelled.items(), key=lambda item: -len(item[0]))

    def resolve(self, identifier: str) -> Source:
        """Return where `identifier`, an address out of verified data, is read.

        Raises:
            FetchFailed: no prefix fits and it is neither https nor http to this machine.
        """
        spelled = _spelled(identifier)
        for prefix, base in self._prefixes:
            if spelled.startswith(prefix):
                return Source(base + spelled[len(prefix) :], configured=True)
        if parse_url(identifier) is None:
            raise FetchFailed("the address may not be fetched")
        return Source(identifier, configured=False)


def _spelled(address: str) -> str:
    # A default port that is written out makes no other address.
    url = parse_url(address)
    return address if url is None else url.text


def check_base(base: str) -> None:
    """Refuse a configured address that is neither https, http to this machine, nor `file:`.

    Raises:
        FetchFailed: any other address.
    """
    try:
        parts = urlsplit(base)
        host = parts.hostname if parts.port != 0 else None
    except ValueError as error:
        raise FetchFailed("a source is not an address") from error
    if "?" in base or "#" in base or "@" in parts.netloc:
        raise FetchFailed("a source has no query, fragment or user")
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise FetchFailed("plain http is allowed to this machine only")
    if parts.scheme not in ("http", "https") or not host:
        raise FetchFailed("a source is an https:, loopback http: or file: address")
