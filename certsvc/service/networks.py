"""Networks that may ask for something, out of a setting."""

import ipaddress
from typing import Final

#: Word for "nobody".
NOBODY: Final = "none"

Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


def read_networks(text: str) -> Networks:
    """Networks out of a list with commas, such as `127.0.0.0/8,::1`.

    Raises:
        ValueError: a part is no address and no network.
    """
    if text.strip() == NOBODY:
        return ()
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(","))


def is_among(address: str | None, allowed: Networks) -> bool:
    """Whether an address lies in one of the networks; what is no address does not."""
    try:
        asking = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    mapped = getattr(asking, "ipv4_mapped", None)
    return any((mapped or asking) in network for network in allowed)
