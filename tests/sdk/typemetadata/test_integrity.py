"""`…#integrity`: W3C Subresource Integrity's syntax, SD-JWT VC's procedure."""

import base64
import hashlib
from typing import Any

import pytest

from certsvc_sdk.errors import IntegrityInvalid
from certsvc_sdk.typemetadata import check_integrity, integrity_of

DATA = b'{"vct":"https://certs.example/vct/business-licence/1"}'


def expression(algorithm: str, data: bytes = DATA) -> str:
    digest = hashlib.new(algorithm, data).digest()
    return f"{algorithm}-{base64.b64encode(digest).decode()}"


def test_what_is_made_is_accepted() -> None:
    for data in (b"", DATA, bytes(range(256)) * 100, b"\xfb\xff" * 7):
        made = integrity_of(data)
        assert made == expression("sha256", data)
        assert len(made) == 51
        check_integrity(data, made)
        with pytest.raises(IntegrityInvalid):
            check_integrity(data + b" ", made)


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_the_three_algorithms(algorithm: str) -> None:
    check_integrity(DATA, expression(algorithm))
    check_integrity(DATA, f"  {expression(algorithm)}?ct=json?x \t")
    with pytest.raises(IntegrityInvalid):
        check_integrity(b"other", expression(algorithm))


def test_the_strongest_algorithm_counts_and_any_of_its_digests_will_do() -> None:
    good, bad = expression("sha512"), expression("sha512", b"other")
    check_integrity(DATA, f"{bad} {good}")
    check_integrity(DATA, f"{expression('sha256', b'other')} {good}")
    check_integrity(DATA, f"md5-AAAA {expression('sha256')}")
    for weaker in ("sha256", "sha384"):
        with pytest.raises(IntegrityInvalid):
            check_integrity(DATA, f"{expression(weaker)} {bad}")


def _mutants() -> list[Any]:
    value = expression("sha256").removeprefix("sha256-")
    return [
        None, 5, ["sha256-" + value], "", " ", value, "sha256", "sha256-", f"sha256:{value}",
        f"SHA256-{value}", f"sha256-{value[:-1]}", f"sha256-{value}=", f"sha256-{value[:-5]}=",
        f"sha256-{value[:-1].translate(str.maketrans('+/', '-_'))}-_=", f"sha-256-{value}",
        f"sha256-{value}\n", f"sha256-{value},sha256-{value}", f"sha512-{value}",
        f"sha256-{value[:-2]}{chr(ord(value[-2]) + 1)}=", f"sha256-é{value[1:]}",
        f"sm3-{value}", "md5-AAAA", "sha256-" + "A" * 2000,
        f"sha256-{hashlib.sha256(DATA).hexdigest()}", " ".join([f"sha256-{value}"] * 30),
        f"sha256-{value} nonsense", f"sha256-{value} sha512-AAAA",
    ]  # fmt: skip


@pytest.mark.parametrize("integrity", _mutants())
def test_anything_else_refuses_the_document(integrity: Any) -> None:
    with pytest.raises(IntegrityInvalid) as caught:
        check_integrity(DATA, integrity)
    assert caught.value.code == "integrity_invalid"
