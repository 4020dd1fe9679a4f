"""Forms of settings that are more than a type: addresses and networks."""

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from certsvc.service.networks import read_networks
from certsvc.service.shared.address import AddressInvalid, read_address


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _base_address(value: str) -> str:
    """An https URL (http to loopback only) without userinfo, query or fragment, ending in `/`."""
    _check_address(value)
    if "?" in value:
        raise ValueError("must not hold a query")
    return value if value.endswith("/") else value + "/"


def base_addresses(value: str) -> str:
    """Base addresses with commas, each as `BaseAddress`, or `none`."""
    if value == "none":
        return value
    return ",".join(_base_address(one.strip()) for one in value.split(","))


def service_address(value: str) -> str:
    """An https URL (http to loopback only) without userinfo or fragment; empty: none."""
    if value:
        _check_address(value)
    return value


def _check_address(value: str) -> None:
    try:
        parts = urlsplit(value)
        host = parts.hostname or ""
        # Reading the port is what makes urllib check it.
        parts.port  # noqa: B018
    except ValueError as error:
        raise ValueError("is not a URL") from error
    if parts.scheme not in {"https", "http"} or not host:
        raise ValueError("must be an https URL")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ValueError("plain http is allowed to loopback only")
    if parts.username is not None or "#" in value:
        raise ValueError("must not hold a user name or a fragment")


BaseAddress = Annotated[str, AfterValidator(_base_address)]


def redis_address(value: str) -> str:
    """An address of Redis; its secrets do not come back in the message."""
    if value:
        try:
            read_address(value)
        except AddressInvalid as error:
            raise ValueError(str(error)) from None
    return value


def networks(value: str) -> str:
    """Networks with commas, or none."""
    try:
        read_networks(value)
    except ValueError:
        raise ValueError("must be networks with commas, such as 10.0.0.0/8, or none") from None
    return value
