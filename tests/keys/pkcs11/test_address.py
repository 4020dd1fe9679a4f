"""`pkcs11:` URIs (RFC 7512) and what is refused of them."""

from pathlib import Path

import pytest

from keys.errors import StoreUriInvalid
from keys.pkcs11 import read_address

GOOD = "pkcs11:token=office?module-path=/m.so&pin-source=file:/p"


def test_attributes_are_percent_decoded() -> None:
    address = read_address(
        "pkcs11:token=%E5%B1%80%20one;serial=0a1b;manufacturer=M;model=x%3By"
        "?pin-source=file:///run/pin%20file&module-path=/usr/lib/m.so&timeout=0.5"
    )
    assert address.wanted == {
        "token": "局 one",
        "serial": "0a1b",
        "manufacturer": "M",
        "model": "x;y",
    }
    assert (address.module, address.pin_file) == (Path("/usr/lib/m.so"), Path("/run/pin file"))
    assert (address.pin_variable, address.timeout) == (None, 0.5)
    assert "pin file" not in repr(address)


def test_the_pin_may_stand_in_a_variable() -> None:
    address = read_address("pkcs11:serial=1?module-path=/m.so&pin-source=env:HSM_PIN")
    assert (address.pin_file, address.pin_variable, address.timeout) == (None, "HSM_PIN", 2.0)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "pkcs11",
        "file:x",
        "pkcs11:",
        "pkcs11:?module-path=/m.so&pin-source=file:/p",
        "pkcs11:manufacturer=M?module-path=/m.so&pin-source=file:/p",
        "pkcs11:token=?module-path=/m.so&pin-source=file:/p",
        "pkcs11:token=a;token=b?module-path=/m.so&pin-source=file:/p",
        "pkcs11:token=%FF?module-path=/m.so&pin-source=file:/p",
        "pkcs11:token=a%00?module-path=/m.so&pin-source=file:/p",
        "pkcs11:token=a;object=k?module-path=/m.so&pin-source=file:/p",
        "pkcs11:token=a",
        "pkcs11:token=a?module-path=/m.so",
        "pkcs11:token=a?pin-source=file:/p",
        "pkcs11:token=a?module-path=m.so&pin-source=file:/p",
        "pkcs11:token=a?module-path=/m.so&pin-source=/p",
        "pkcs11:token=a?module-path=/m.so&pin-source=file:",
        "pkcs11:token=a?module-path=/m.so&pin-source=file://host/p",
        "pkcs11:token=a?module-path=/m.so&pin-source=env:",
        "pkcs11:token=a?module-path=/m.so&pin-source=env:a-b",
        "pkcs11:token=a?module-path=/m.so&pin-source=|cat",
        f"{GOOD}&timeout=0",
        f"{GOOD}&timeout=61",
        f"{GOOD}&timeout=nan",
        f"{GOOD}&timeout=-1",
        f"{GOOD}&timeout",
        f"{GOOD}&x=1",
    ],
)
def test_what_is_no_address(uri: str) -> None:
    with pytest.raises(StoreUriInvalid):
        read_address(uri)


def test_a_pin_in_the_uri_is_refused_and_not_repeated() -> None:
    with pytest.raises(StoreUriInvalid) as caught:
        read_address("pkcs11:token=a?module-path=/m.so&pin-value=9876543210")
    assert "9876543210" not in str(caught.value)
