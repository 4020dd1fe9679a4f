"""Pitfalls of names: an authority beyond its area, a leaf of another office; one defect a chain.

OpenSSL is asked about the same files. What it refuses must be refused here; where this profile is
narrower than RFC 5280 the row says so.
"""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from certsvc_sdk.errors import ChainInvalid
from certsvc_sdk.x509 import validate_chain

Change = Callable[[Any, Any], None]
ROWS: list[Any] = []


def pitfall(code: str, *, openssl: bool = True) -> Callable[[Change], Change]:
    """A defect, the code it is refused with, and whether OpenSSL refuses it as well."""

    def keep(change: Change) -> Change:
        ROWS.append(pytest.param(change, code, openssl, id=change.__name__))
        return change

    return keep


@pitfall("chain_untrusted")
def division_outside_the_area(world: Any, t: Any) -> None:
    world.middle.put(t.limits("440000", t.HOST), critical=True)


@pitfall("chain_untrusted")
def division_outside_the_anchors_area(world: Any, t: Any) -> None:
    world.root.put(t.limits("440000", t.HOST), critical=True)


@pitfall("chain_untrusted")
def address_outside_the_hosts(world: Any, t: Any) -> None:
    world.middle.put(t.limits("330000", "elsewhere.example"), critical=True)


@pitfall("chain_untrusted")
def address_is_the_domain_itself(world: Any, t: Any) -> None:
    world.middle.put(t.limits("330000", "." + t.HOST), critical=True)


@pitfall("chain_untrusted")
def host_excluded(world: Any, t: Any) -> None:
    uri = x509.UniformResourceIdentifier(t.HOST)
    world.middle.put(x509.NameConstraints(None, [uri]), critical=True)


@pitfall("chain_untrusted", openssl=False)  # it limits nothing that stands in the leaf
def limit_of_a_kind_not_understood(world: Any, t: Any) -> None:
    world.middle.put(x509.NameConstraints([x509.DNSName("a.example")], None), critical=True)


@pitfall("chain_untrusted", openssl=False)
def limits_not_critical(world: Any, t: Any) -> None:
    world.middle.put(t.limits("330000", t.HOST), critical=False)


@pitfall("chain_mismatch", openssl=False)
def certificate_of_another_key(world: Any, t: Any) -> None:
    world.leaf.key = world.keys["other"]
    world.leaf.put(x509.SubjectKeyIdentifier.from_public_key(world.keys["other"].public_key()))


def _address(text: str) -> Change:
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(text)])
    return lambda world, t: world.leaf.put(names)


ROWS += [
    pytest.param(_address(text), code, code == "chain_untrusted", id=label)
    for label, text, code in [
        ("another_office", "https://certs.example/i/11330106MB2F1234X6", "chain_mismatch"),
        ("another_spelling", "https://certs.example:443/i/11330106MB2F1234X5", "chain_mismatch"),
        ("address_below", "https://certs.example/i/11330106MB2F1234X5/", "chain_mismatch"),
        ("no_address", "urn:uscc:11330106MB2F1234X5", "chain_untrusted"),
        ("user_name", "https://certs.example@evil.example/i/11330106MB2F1234X5", "chain_untrusted"),
    ]
]


@pitfall("chain_mismatch", openssl=False)
def leaf_without_address(world: Any, t: Any) -> None:
    world.leaf.drop(x509.SubjectAlternativeName)


@pitfall("chain_mismatch", openssl=False)
def leaf_with_a_second_address(world: Any, t: Any) -> None:
    both = [t.ISS, "https://certs.example/i/11330106MB2F1234X6"]
    names = [x509.UniformResourceIdentifier(each) for each in both]
    world.leaf.put(x509.SubjectAlternativeName(names))


@pitfall("chain_mismatch", openssl=False)
def leaf_with_a_host_name(world: Any, t: Any) -> None:
    uri = x509.UniformResourceIdentifier(t.ISS)
    world.leaf.put(x509.SubjectAlternativeName([uri, x509.DNSName(t.HOST)]))


def _subject(*changes: tuple[x509.ObjectIdentifier, str | None]) -> Change:
    def change(world: Any, t: Any) -> None:
        kept = [one for one in world.leaf.subject if one.oid not in dict(changes)]
        added = [x509.NameAttribute(oid, text) for oid, text in changes if text is not None]
        world.leaf.subject = x509.Name([*kept, *added])

    return change


_CODE, _PLAIN = NameOID.ORGANIZATION_IDENTIFIER, NameOID.SERIAL_NUMBER
ROWS += [
    pytest.param(_subject(*changes), "chain_mismatch", False, id=label)
    for label, changes in [
        ("another_code", [(_CODE, "NTRCN-11330106MB2F1234X6")]),
        ("code_without_scheme", [(_CODE, "11330106MB2F1234X5")]),
        ("no_code", [(_CODE, None)]),
        ("two_codes", [(_CODE, "NTRCN-11330106MB2F1234X5"), (_CODE, "NTRCN-113301060000000000")]),
        ("codes_disagree", [(_PLAIN, "11330106MB2F1234X6")]),
        ("another_county", [(NameOID.ORGANIZATIONAL_UNIT_NAME, "330105")]),
        ("division_in_part", [(NameOID.ORGANIZATIONAL_UNIT_NAME, None)]),
    ]
]


@pytest.mark.parametrize(("change", "code", "openssl_too"), ROWS)
def test_a_pitfall_is_refused(
    world: Any, tools: Any, openssl: Any, change: Change, code: str, openssl_too: bool
) -> None:
    change(world, tools)
    with pytest.raises(ChainInvalid) as caught:
        validate_chain(**world.arguments())
    assert caught.value.code == code, str(caught.value)
    good, said = openssl(world)
    assert good is not openssl_too, said
