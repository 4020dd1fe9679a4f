"""Data keys seal for one place and hash without revealing."""

import secrets

import pytest

from keys.datakey import DataKey
from keys.errors import DataSealInvalid


@pytest.fixture
def key() -> DataKey:
    return DataKey.from_secret("rows", bytes(32), rng=secrets.token_bytes)


def test_what_is_sealed_opens_in_its_place(key: DataKey) -> None:
    sealed = key.seal("张三".encode(), context=b"a|1|claims")
    assert key.open(sealed, context=b"a|1|claims").decode() == "张三"
    assert "张三".encode() not in sealed
    assert sealed != key.seal("张三".encode(), context=b"a|1|claims")


def test_another_place_key_or_content_is_refused(key: DataKey) -> None:
    sealed = key.seal(b"secret", context=b"a|1|claims")
    other = DataKey.from_secret("files", bytes(32), rng=secrets.token_bytes)
    flipped = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for candidate, text, context in [
        (key, sealed, b"a|2|claims"),
        (other, sealed, b"a|1|claims"),
        (key, flipped, b"a|1|claims"),
        (key, sealed[:20], b"a|1|claims"),
        (key, b"\x01", b"a|1|claims"),
        (key, b"\x02" + sealed[1:], b"a|1|claims"),
        (key, b"", b"a|1|claims"),
    ]:
        with pytest.raises(DataSealInvalid) as caught:
            candidate.open(text, context=context)
        assert caught.value.code == "data_seal_invalid"


def test_hashes_are_keyed(key: DataKey) -> None:
    other = DataKey.from_secret("rows", b"\x01" * 32, rng=secrets.token_bytes)
    assert key.hmac(b"x") == key.hmac(b"x")
    assert len({key.hmac(b"x"), key.hmac(b"y"), other.hmac(b"x")}) == 3


def test_a_key_never_shows_itself(key: DataKey) -> None:
    assert "mac" not in repr(key)
