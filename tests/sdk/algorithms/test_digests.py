"""Digest names: a closed registry, sm3 known by name and off by default."""

import hashlib
import sys
from typing import Any

import pytest
from gmssl_pyx import sm3_hash

from certsvc_sdk.algorithms.digests import (
    DEFAULT_DIGEST,
    DIGEST_BYTES,
    DIGESTS,
    PROFILES,
    digest_of,
    enabled_profiles,
)
from certsvc_sdk.errors import AlgorithmNotAllowed, DisclosureInvalid

# GB/T 32905-2016 annex A.1 and A.2.
EXAMPLES = {
    b"abc": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
    b"abcd" * 16: "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
}


def without_sm3(name: str, *_: Any) -> Any:
    raise ValueError(f"unsupported hash type {name}")


def test_the_registry_is_closed() -> None:
    assert dict(DIGESTS) == {"sha-256": None, "sm3": "gm"}
    with pytest.raises(TypeError):
        DIGESTS["md5"] = None  # type: ignore[index]
    for name in DIGESTS:
        assert len(digest_of(name, PROFILES)(b"")) == DIGEST_BYTES


@pytest.mark.parametrize("profiles", [(), PROFILES])
@pytest.mark.parametrize(
    "name", ["md5", "sha-1", "SHA-256", "sha-512", "SM3", "sm-3", "", " sm3", None, 256, ["sm3"]]
)
def test_other_names_are_none(name: Any, profiles: Any) -> None:
    with pytest.raises(DisclosureInvalid):
        digest_of(name, profiles)


def test_sha_256_needs_no_profile() -> None:
    assert digest_of(DEFAULT_DIGEST)(b"x") == hashlib.sha256(b"x").digest()
    assert digest_of(DEFAULT_DIGEST, ("gm",))(b"x") == hashlib.sha256(b"x").digest()


def test_sm3_is_off_until_the_profile_is_on() -> None:
    with pytest.raises(AlgorithmNotAllowed, match="gm"):
        digest_of("sm3")
    sm3 = digest_of("sm3", ("gm",))
    for data, expected in EXAMPLES.items():
        assert sm3(data).hex() == sm3_hash(data).hex() == expected
        assert sm3(data).hex() == expected, "a digest leaves no state behind"


def test_sm3_of_the_extra_where_openssl_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashlib, "new", without_sm3)
    sm3 = digest_of("sm3", ("gm",))
    assert {data: sm3(data).hex() for data in EXAMPLES} == EXAMPLES
    monkeypatch.setitem(sys.modules, "gmssl_pyx", None)
    with pytest.raises(AlgorithmNotAllowed, match=r"certsvc-sdk\[sm2\]"):
        digest_of("sm3", ("gm",))
    with pytest.raises(AlgorithmNotAllowed, match=r"certsvc-sdk\[sm2\]"):
        enabled_profiles(("gm",))


def test_profiles_are_checked_when_they_are_switched_on() -> None:
    assert enabled_profiles(()) == frozenset()
    assert enabled_profiles(["gm"]) == {"gm"}
    for names in (("GM",), ("gm", "x"), "gm", ""):
        with pytest.raises(AlgorithmNotAllowed):
            enabled_profiles(names)
