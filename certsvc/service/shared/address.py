"""`CERTSVC_REDIS_URL`: one server or a cluster, and nothing that would loosen our limits."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

CLUSTER: Final = "+cluster"
SCHEMES: Final = ("redis", "rediss", "unix", f"redis{CLUSTER}", f"rediss{CLUSTER}")
# The client reads its options out of the address; time-outs and retries are ours to say.
_PARAMETERS: Final = frozenset(
    {"db", "username", "password", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile"}
)
_TRUE: Final = frozenset({"true", "1", "yes"})
_FALSE: Final = frozenset({"false", "0", "no"})


class AddressInvalid(Exception):  # noqa: N818 - the name says what is wrong
    """The address of Redis cannot be used; the message does not repeat it."""

    code = "redis_url_invalid"


@dataclass(frozen=True, slots=True)
class SharedAddress:
    """Where Redis is.

    Attributes:
        url: for the client, with user and password: never to be logged.
        cluster: Redis Cluster; the address is that of any of its nodes.
    """

    url: str = field(repr=False)
    cluster: bool


def read_address(text: str) -> SharedAddress:
    """Read an address.

    Args:
        text: `redis://`, `rediss://` (TLS), `unix://`, each with `redis+cluster://` or
            `cluster=true` for Redis Cluster; `db`, user, password and TLS files as parameters.

    Raises:
        AddressInvalid: another scheme or parameter, no host, or a cluster by a file's name.
    """
    try:
        parts = urlsplit(text)
        # Reading the port is what makes urllib check it.
        parts.port  # noqa: B018
        given = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError as error:
        raise AddressInvalid("is not an address") from error
    if parts.scheme not in SCHEMES:
        raise AddressInvalid("must begin with redis://, rediss://, unix:// or redis+cluster://")
    cluster = parts.scheme.endswith(CLUSTER) or _asks_for_cluster(given)
    kept = [(name, value) for name, value in given if name != "cluster"]
    if unknown := sorted({name for name, _ in kept} - _PARAMETERS):
        raise AddressInvalid(f"must not hold the parameter {unknown[0][:40]!r}")
    if parts.scheme == "unix":
        if cluster or not parts.path:
            raise AddressInvalid("a cluster has no unix:// address, and a unix:// address a path")
    elif not parts.hostname:
        raise AddressInvalid("must name a host")
    if cluster and (parts.path.strip("/") or any(name == "db" for name, _ in kept)):
        raise AddressInvalid("a cluster has no database numbers")
    scheme = parts.scheme.removesuffix(CLUSTER)
    query = f"?{urlencode(kept)}" if kept else ""
    return SharedAddress(f"{scheme}://{parts.netloc}{parts.path}{query}", cluster)


def _asks_for_cluster(given: list[tuple[str, str]]) -> bool:
    values = [value.lower() for name, value in given if name == "cluster"]
    if len(values) > 1 or any(value not in _TRUE | _FALSE for value in values):
        raise AddressInvalid("cluster must be true or false")
    return bool(values) and values[0] in _TRUE
