import pytest

from certsvc.service.settings import Settings, SettingsInvalid
from certsvc.service.shared.address import AddressInvalid, read_address


@pytest.mark.parametrize(
    ("text", "url", "cluster"),
    [
        ("redis://cache.example", "redis://cache.example", False),
        ("redis://cache.example:7000/3", "redis://cache.example:7000/3", False),
        ("rediss://u:p%40ss@cache.example/0", "rediss://u:p%40ss@cache.example/0", False),
        ("unix:///run/redis.sock?db=2", "unix:///run/redis.sock?db=2", False),
        ("redis+cluster://a:7000", "redis://a:7000", True),
        ("rediss+cluster://:secret@a:7000/", "rediss://:secret@a:7000/", True),
        ("redis://a:7000?cluster=true", "redis://a:7000", True),
        ("redis://a:7000?cluster=no&db=1", "redis://a:7000?db=1", False),
        (
            "rediss://a?ssl_ca_certs=%2Fetc%2Fca.pem",
            "rediss://a?ssl_ca_certs=%2Fetc%2Fca.pem",
            False,
        ),
    ],
)
def test_an_address(text: str, url: str, cluster: bool) -> None:
    address = read_address(text)
    assert (address.url, address.cluster) == (url, cluster)
    assert url not in repr(address)


@pytest.mark.parametrize(
    "text",
    [
        "http://cache.example",
        "cache.example:6379",
        "redis://",
        "redis://a:port",
        "redis://[::1",
        "redis://a?socket_timeout=60",  # nobody loosens the time-outs
        "redis://a?retry_on_timeout=1",
        "rediss://a?ssl_cert_reqs=none",
        "redis://a?cluster=perhaps",
        "redis://a?cluster=true&cluster=false",
        "redis://a?db",
        "redis+cluster://a/3",
        "redis+cluster://a?db=1",
        "redis+cluster+cluster://a",
        "unix://",
        "unix:///run/redis.sock?cluster=true",
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(AddressInvalid):
        read_address(text)


def test_a_wrong_setting_does_not_repeat_its_password() -> None:
    with pytest.raises(SettingsInvalid) as refused:
        Settings.from_env({"CERTSVC_REDIS_URL": "http://u:pass-word@h"})
    assert "CERTSVC_REDIS_URL: must begin with redis://" in str(refused.value)
    assert "pass-word" not in str(refused.value)


def test_a_setting_is_not_shown_and_reaches_children() -> None:
    settings = Settings.from_env({"CERTSVC_REDIS_URL": "redis://u:pass-word@h/1"})
    assert "pass-word" not in repr(settings)
    again = Settings.from_env(settings.to_env())
    assert again.redis is not None
    assert again.redis.url == "redis://u:pass-word@h/1"
    assert Settings.from_env(Settings().to_env()).redis is None
