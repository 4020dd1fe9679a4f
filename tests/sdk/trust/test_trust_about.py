from collections.abc import Callable

import pytest

from certsvc_sdk.errors import TrustInvalid
from certsvc_sdk.trust import About, Environment, parse_about


def test_about_is_read_and_written_the_same() -> None:
    about = About(env=Environment.PRODUCTION, base="https://certs.example/x/")
    assert parse_about(about.to_bytes()) == about


def test_demo_may_be_loopback(make_about: Callable[..., bytes]) -> None:
    assert parse_about(make_about(base="http://127.0.0.1:8000/")).env is Environment.DEMO


@pytest.mark.parametrize(
    "changes",
    [
        {"env": "staging"},
        {"env": "production", "base": "http://127.0.0.1:8000/"},
        {"base": "http://certs.example/"},
        {"base": "https://certs.example"},
        {"base": "https://certs.example/x"},
        {"base": 1},
        {"version": 2},
        {"version": "1"},
        {"extra": 1},
    ],
)
def test_about_is_refused(make_about: Callable[..., bytes], changes: dict[str, object]) -> None:
    with pytest.raises(TrustInvalid):
        parse_about(make_about(**changes))


@pytest.mark.parametrize("data", [b"", b"{}", b'{"version":1,"env":"demo"}', b"x" * 5000])
def test_no_about_at_all(data: bytes) -> None:
    with pytest.raises(TrustInvalid):
        parse_about(data)
