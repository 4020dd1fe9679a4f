"""Where addresses out of verified data are read."""

import pytest

from certsvc_sdk.errors import FetchFailed
from certsvc_sdk.sources import Sources

MIRROR = "file:///srv/mirror/"


@pytest.mark.parametrize("port", ["", ":443"])
@pytest.mark.parametrize("known", ["https://certs.example/", "https://certs.example:443/"])
def test_a_default_port_makes_no_other_address(known: str, port: str) -> None:
    source = Sources({known: MIRROR}).resolve(f"https://certs.example{port}/status/1")
    assert (source.url, source.configured) == (f"{MIRROR}status/1", True)


def test_another_port_is_another_address() -> None:
    source = Sources({"https://certs.example/": MIRROR}).resolve("https://certs.example:444/a")
    assert (source.url, source.configured) == ("https://certs.example:444/a", False)


def test_the_longest_prefix_wins() -> None:
    sources = Sources({"https://a.example/": "file:///a/", "https://a.example/b/": "file:///b/"})
    assert sources.resolve("https://a.example/b/c").url == "file:///b/c"
    assert sources.resolve("https://a.example/bc").url == "file:///a/bc"


@pytest.mark.parametrize("address", ["http://certs.example/a", "file:///etc/passwd", "x"])
def test_what_is_no_web_address_is_not_fetched(address: str) -> None:
    with pytest.raises(FetchFailed):
        Sources({}).resolve(address)
