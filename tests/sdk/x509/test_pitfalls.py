"""Each known pitfall of path validation, one at a time: a good chain with one defect.

OpenSSL is asked about the same files. What it refuses must be refused here; where this profile is
narrower than RFC 5280 the row says so.
"""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

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


@pitfall("chain_outside_period")
def leaf_expired(world: Any, t: Any) -> None:
    world.leaf.end = t.NOW - 1


@pitfall("chain_outside_period")
def leaf_not_yet_valid(world: Any, t: Any) -> None:
    world.leaf.start = t.NOW + 1


@pitfall("chain_outside_period")
def authority_expired(world: Any, t: Any) -> None:
    world.middle.end = t.NOW - 1


@pitfall("chain_outside_period")
def anchor_expired(world: Any, t: Any) -> None:
    world.root.end = t.NOW - 1


@pitfall("chain_untrusted", openssl=False)  # OpenSSL puts chains in order
def wrong_order(world: Any, t: Any) -> None:
    world.chain = [world.leaf.make(), world.root.make(), world.middle.make()]


@pitfall("chain_untrusted", openssl=False)  # asked about the authority, OpenSSL says yes
def leaf_last(world: Any, t: Any) -> None:
    world.chain = [world.middle.make(), world.leaf.make()]


@pitfall("chain_untrusted")
def authority_missing(world: Any, t: Any) -> None:
    world.chain = [world.leaf.make()]


@pitfall("chain_untrusted")
def no_anchor(world: Any, t: Any) -> None:
    world.anchors = []


@pitfall("chain_untrusted")
def anchor_brought_along(world: Any, t: Any) -> None:
    world.chain = [world.leaf.make(), world.middle.make(), world.root.make()]
    world.anchors = []


@pitfall("chain_malformed")
def no_chain(world: Any, t: Any) -> None:
    world.chain = [b""]


@pitfall("chain_untrusted")
def basic_constraints_missing(world: Any, t: Any) -> None:
    world.middle.drop(x509.BasicConstraints)


@pitfall("chain_untrusted")
def basic_constraints_say_no_authority(world: Any, t: Any) -> None:
    world.middle.put(x509.BasicConstraints(ca=False, path_length=None), critical=True)


@pitfall("chain_untrusted")
def basic_constraints_not_critical(world: Any, t: Any) -> None:
    world.middle.put(x509.BasicConstraints(ca=True, path_length=0), critical=False)


@pitfall("chain_untrusted")
def anchor_is_no_authority(world: Any, t: Any) -> None:
    world.root.drop(x509.BasicConstraints)


@pitfall("chain_untrusted")
def path_length_exceeded(world: Any, t: Any) -> None:
    world.root.put(x509.BasicConstraints(ca=True, path_length=0), critical=True)


@pitfall("chain_untrusted")
def key_usage_without_key_cert_sign(world: Any, t: Any) -> None:
    world.middle.put(t.usage("crl_sign"), critical=True)


@pitfall("chain_untrusted")
def authority_without_key_usage(world: Any, t: Any) -> None:
    world.middle.drop(x509.KeyUsage)


@pitfall("chain_untrusted", openssl=False)  # asked for no purpose, OpenSSL looks at none
def leaf_without_digital_signature(world: Any, t: Any) -> None:
    world.leaf.put(t.usage("key_agreement"), critical=True)


@pitfall("chain_untrusted", openssl=False)
def leaf_without_key_usage(world: Any, t: Any) -> None:
    world.leaf.drop(x509.KeyUsage)


@pitfall("chain_untrusted")
def leaf_may_sign_certificates(world: Any, t: Any) -> None:
    world.leaf.put(t.usage("digital_signature", "key_cert_sign"), critical=True)


@pitfall("chain_untrusted", openssl=False)
def leaf_is_an_authority(world: Any, t: Any) -> None:
    world.leaf.put(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    world.middle.put(x509.BasicConstraints(ca=True, path_length=1), critical=True)
    world.root.put(x509.BasicConstraints(ca=True, path_length=2), critical=True)


@pitfall("chain_untrusted", openssl=False)
def leaf_for_web_servers(world: Any, t: Any) -> None:
    world.leaf.put(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]))


@pitfall("chain_untrusted", openssl=False)
def leaf_for_no_purpose(world: Any, t: Any) -> None:
    world.leaf.drop(x509.ExtendedKeyUsage)


@pitfall("chain_untrusted", openssl=False)
def authority_for_another_purpose(world: Any, t: Any) -> None:
    world.middle.put(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]))


def _unknown(*, critical: bool) -> tuple[x509.ExtensionType, bool]:
    oid = x509.ObjectIdentifier("1.2.3.4.5")
    return x509.UnrecognizedExtension(oid, b"\x05\0"), critical


@pitfall("chain_untrusted")
def unknown_critical_extension_of_the_leaf(world: Any, t: Any) -> None:
    value, critical = _unknown(critical=True)
    world.leaf.put(value, critical=critical)


@pitfall("chain_untrusted")
def unknown_critical_extension_of_an_authority(world: Any, t: Any) -> None:
    value, critical = _unknown(critical=True)
    world.middle.put(value, critical=critical)


@pitfall("chain_untrusted")
def unknown_critical_extension_of_the_anchor(world: Any, t: Any) -> None:
    value, critical = _unknown(critical=True)
    world.root.put(value, critical=critical)


@pitfall("chain_untrusted", openssl=False)  # OpenSSL obeys it; a policy is asserted nowhere
def rules_on_policies(world: Any, t: Any) -> None:
    world.middle.put(x509.PolicyConstraints(require_explicit_policy=0, inhibit_policy_mapping=None))


@pitfall("chain_untrusted")
def same_subject_other_key(world: Any, t: Any) -> None:
    world.keys = {**world.keys, "middle": world.keys["other"]}
    world.middle = world.authority("middle", "root", depth=0, area="330000")


@pitfall("chain_untrusted")
def same_subject_and_key_identifier_other_key(world: Any, t: Any) -> None:
    world.middle.key = world.keys["other"]


@pitfall("chain_untrusted")
def anchor_of_the_same_name_with_another_key(world: Any, t: Any) -> None:
    world.root.key = world.root.signer = world.keys["other"]


@pitfall("chain_untrusted")
def self_signed_leaf(world: Any, t: Any) -> None:
    world.leaf.issuer, world.leaf.signer = world.leaf.subject, world.leaf.key
    world.leaf.put(x509.AuthorityKeyIdentifier.from_issuer_public_key(world.leaf.key.public_key()))
    world.chain = [world.leaf.make()]


@pitfall("chain_untrusted")
def leaf_is_an_anchor(world: Any, t: Any) -> None:
    self_signed_leaf(world, t)
    world.anchors = list(world.chain)
    leaf = t.Crl(world.leaf.subject, world.leaf.key)
    world.crls = [leaf.make()]


@pitfall("chain_untrusted")
def signature_of_another_key(world: Any, t: Any) -> None:
    world.leaf.signer = world.keys["other"]


@pitfall("chain_untrusted")
def one_bit_of_the_signature(world: Any, t: Any) -> None:
    data = bytearray(world.leaf.make())
    data[-1] ^= 1
    world.chain = [bytes(data), world.middle.make()]


@pitfall("chain_untrusted")
def authority_key_identifier_of_another_key(world: Any, t: Any) -> None:
    other = world.keys["other"].public_key()
    world.leaf.put(x509.AuthorityKeyIdentifier.from_issuer_public_key(other))


@pitfall("chain_untrusted")
def authority_key_identifier_missing(world: Any, t: Any) -> None:
    world.leaf.drop(x509.AuthorityKeyIdentifier)


@pitfall("chain_untrusted", openssl=False)  # OpenSSL takes what it needs
def loop(world: Any, t: Any) -> None:
    middle = world.middle.make()
    world.chain = [world.leaf.make(), middle, middle]


@pitfall("chain_untrusted")
def two_authorities_certify_each_other(world: Any, t: Any) -> None:
    """The middle one is signed by another, which is signed by the middle one."""
    other = world.authority("root", "middle", depth=3, area="330000")
    other.subject, other.key = t.SUBJECTS["root"], world.keys["other"]
    other.put(x509.SubjectKeyIdentifier.from_public_key(world.keys["other"].public_key()))
    world.middle.signer = world.keys["other"]
    world.middle.put(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(world.keys["other"].public_key())
    )
    world.chain = [world.leaf.make(), world.middle.make(), other.make()]


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
