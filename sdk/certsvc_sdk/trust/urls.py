"""Addresses inside trust data: one canonical spelling, compared after parsing, never as text."""

import re
from dataclasses import dataclass
from functools import lru_cache

# Longer addresses serve no reader and fit no QR code.
MAX_URL = 2048

# Lower-case host, optional port, plain path: no userinfo, query, fragment or percent-encoding can
# be spelled. "/" stands outside the class, so matching is linear.
_URL = re.compile(
    r"(https?)://([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::([1-9][0-9]{0,4}))?"
    r"((?:/[A-Za-z0-9._~!$&'()*+,;=:-]*)+)"
)
_DEFAULT_PORTS = {"https": 443, "http": 80}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True, slots=True)
class WebUrl:
    """A parsed address; the default port written out or left out makes no difference."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port (RFC 6454 section 4)."""
        return self.scheme, self.host, self.port

    @property
    def text(self) -> str:
        """The address without a default port."""
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}{self.path}"

    @property
    def is_loopback_http(self) -> bool:
        """Plain http to this machine: a demonstration, acceptable only where `env` is demo."""
        return self.scheme == "http" and self.host in _LOOPBACK

    @property
    def is_directory(self) -> bool:
        """The path ends in `/`: other paths can lie under it."""
        return self.path.endswith("/")


def parse_url(url: str) -> WebUrl | None:
    """Parse an https address, or plain http to a loopback host.

    Args:
        url: the address as it stands in a token or record.

    Returns:
        The parts, or None for userinfo, `?`, `#`, `%`, `..`, empty or dot segments, an upper-case
        host, plain http to another machine, and everything that is no address at all.
    """
    return None if len(url) > MAX_URL else _parse(url)


# A verification asks for the same few issuers and lists again and again.
@lru_cache(maxsize=512)
def _parse(url: str) -> WebUrl | None:
    match = _URL.fullmatch(url)
    if match is None:
        return None
    scheme, host, port, path = match.groups()
    number = int(port) if port else _DEFAULT_PORTS[scheme]
    segments = path.split("/")[1:]
    if number > 65535 or ".." in url or "." in segments or "" in segments[:-1]:
        return None
    parsed = WebUrl(scheme, host, number, path)
    if scheme == "http" and not parsed.is_loopback_http:
        return None
    return parsed


def under_prefix(url: str, prefix: str) -> bool:
    """Whether an address lies under a prefix: same origin, and a path below the prefix's path.

    Args:
        url: the address to judge, for instance `status.status_list.uri` of a token.
        prefix: ends in `/`, for instance `status_prefix` of the issuer's record.

    Returns:
        False also where either of the two is not acceptable to `parse_url`, where the prefix does
        not end in `/`, and where the address is the prefix itself.
    """
    return len(url) <= MAX_URL and _under(url, prefix)


@lru_cache(maxsize=512)
def _under(url: str, prefix: str) -> bool:
    inner, outer = parse_url(url), parse_url(prefix)
    return (
        inner is not None
        and outer is not None
        and outer.is_directory
        and inner.origin == outer.origin
        and inner.path.startswith(outer.path)
        and inner.path != outer.path
    )
