"""Good chains: taken here, by OpenSSL, and by the library's own verifier where it answers."""

import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certsvc_sdk.errors import CertsvcError, ChainInvalid, ChainMalformed, ChainMismatch
from certsvc_sdk.x509 import certificates_file, validate_chain
from certsvc_sdk.x509.chain import certified_key, read_x5c, write_x5c

Change = Callable[[Any, Any], None]
ROWS: list[Any] = []


def good(change: Change) -> Change:
    ROWS.append(pytest.param(change, id=change.__name__))
    return change


@good
def as_it_is(world: Any, t: Any) -> None:
    pass


@good
def with_the_anchor_at_the_end(world: Any, t: Any) -> None:
    world.chain = [world.leaf.make(), world.middle.make(), world.root.make()]
    world.anchors = [world.chain[-1]]


@good
def without_limits_of_names(world: Any, t: Any) -> None:
    world.root.drop(x509.NameConstraints)
    world.middle.drop(x509.NameConstraints)


@good
def one_authority(world: Any, t: Any) -> None:
    world.leaf.issuer, world.leaf.signer = world.root.subject, world.root.key
    world.leaf.put(x509.AuthorityKeyIdentifier.from_issuer_public_key(world.root.key.public_key()))
    world.chain = [world.leaf.make()]


@good
def pinned_to_the_authority_between(world: Any, t: Any) -> None:
    world.anchors = [world.middle.make(), world.root.make()]


@good
def leaf_without_basic_constraints(world: Any, t: Any) -> None:
    world.leaf.drop(x509.BasicConstraints)


@good
def extension_that_nobody_must_know(world: Any, t: Any) -> None:
    oid = x509.ObjectIdentifier("1.2.3.4.5")
    world.leaf.put(x509.UnrecognizedExtension(oid, b"\x05\0"))


@good
def policy_asserted(world: Any, t: Any) -> None:
    oid = x509.ObjectIdentifier("1.2.3.4.5")
    world.leaf.put(x509.CertificatePolicies([x509.PolicyInformation(oid, None)]))


@good
def authority_for_documents(world: Any, t: Any) -> None:
    world.middle.put(x509.ExtendedKeyUsage([t.DOCUMENTS]))


@good
def authority_for_every_purpose(world: Any, t: Any) -> None:
    world.middle.put(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]))


@good
def code_as_serial_number(world: Any, t: Any) -> None:
    kept = [one for one in world.leaf.subject if one.oid != NameOID.ORGANIZATION_IDENTIFIER]
    plain = x509.NameAttribute(NameOID.SERIAL_NUMBER, t.USCC)
    world.leaf.subject = x509.Name([*kept, plain])


@good
def machines_below_a_domain(world: Any, t: Any) -> None:
    world.middle.put(t.limits("330000", ".example"), critical=True)


@good
def first_second(world: Any, t: Any) -> None:
    world.leaf.start = t.NOW


@good
def longest_serial(world: Any, t: Any) -> None:
    world.leaf.serial = 2**159 - 1


@good
def another_anchor_of_the_same_name(world: Any, t: Any) -> None:
    old = t.copy(world.root)
    old.key = old.signer = world.keys["other"]
    old.put(x509.SubjectKeyIdentifier.from_public_key(world.keys["other"].public_key()))
    old.put(x509.AuthorityKeyIdentifier.from_issuer_public_key(world.keys["other"].public_key()))
    world.anchors = [old.make(), world.root.make()]


@pytest.mark.parametrize("change", ROWS)
def test_a_good_chain_is_taken_everywhere(
    world: Any, tools: Any, openssl: Any, change: Change
) -> None:
    change(world, tools)
    found = validate_chain(**world.arguments())
    assert (found.organisation, len(found.lists)) == ("示例局", len(found.lists))
    good, said = openssl(world)
    assert good, said


def test_the_library_takes_what_is_taken_here(world: Any, tools: Any) -> None:
    # It refuses constraints on directory names and URIs, so they are left out.
    without_limits_of_names(world, tools)
    validate_chain(**world.arguments())
    leaf, middle, root = (
        x509.load_der_x509_certificate(plan.make())
        for plan in (world.leaf, world.middle, world.root)
    )
    critical, policy = verification.Criticality.CRITICAL, verification.ExtensionPolicy.permit_all()
    authorities = policy.require_present(x509.BasicConstraints, critical, None)
    verifier = (
        verification.PolicyBuilder()
        .store(verification.Store([root]))
        .time(leaf.not_valid_before_utc)
        .extension_policies(ca_policy=authorities, ee_policy=policy)
        .build_client_verifier()
    )
    assert [one.subject for one in verifier.verify(leaf, [middle]).chain] == [
        plan.subject for plan in (world.leaf, world.middle, world.root)
    ]
    world.middle.put(tools.limits("330000"), critical=True)
    limited = x509.load_der_x509_certificate(world.middle.make())
    with pytest.raises(verification.VerificationError, match="unsupported"):
        verifier.verify(leaf, [limited])


def test_the_last_second_belongs_to_the_period(world: Any, tools: Any) -> None:
    # RFC 5280 section 4.1.2.5; OpenSSL ends a second earlier.
    world.leaf.end = tools.NOW
    assert validate_chain(**world.arguments()).not_after == tools.NOW


def test_what_a_chain_says(world: Any, tools: Any) -> None:
    world.middle.start, world.leaf.end = tools.NOW - 5, tools.NOW + 7
    found = validate_chain(**world.arguments())
    assert (found.not_before, found.not_after) == (tools.NOW - 5, tools.NOW + 7)
    assert (found.serial, [one.number for one in found.lists]) == (3, [7, 7])
    keys = [one.issuer for one in found.lists]
    assert len(set(keys)) == 2


def test_the_name_is_compared_where_it_is_asked_for(world: Any) -> None:
    arguments = world.arguments()
    expected = arguments["expected"]
    kind = type(expected)
    for name, fits in (("示例局", True), ("示例分局", False)):
        arguments["expected"] = kind(
            public=expected.public, iss=expected.iss, uscc=expected.uscc, name=name
        )
        if fits:
            validate_chain(**arguments)
            continue
        with pytest.raises(ChainMismatch):
            validate_chain(**arguments)


def test_x5c_is_base64_of_der(world: Any) -> None:
    chain = world.offered()["chain"]
    assert read_x5c(write_x5c(chain)) == tuple(chain)
    assert certified_key(chain[0]) == world.arguments()["expected"].public
    with pytest.raises(ChainMalformed):
        read_x5c(["M="])
    with pytest.raises(ChainMalformed):
        certified_key(b"0\0")


def test_a_file_for_attaching(world: Any, tmp_path: Any, openssl: Any) -> None:
    chain = world.offered()["chain"]
    path = tmp_path / "chain.p7b"
    path.write_bytes(certificates_file(chain))
    command = ["openssl", "pkcs7", "-inform", "DER", "-in", str(path), "-print_certs", "-noout"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.count("subject=") == 2
    with pytest.raises(ChainMalformed):
        certificates_file([])


def test_no_altered_byte_goes_through(world: Any) -> None:
    """Each byte of leaf and authority changed: refused, and only by errors of this package."""
    arguments = world.arguments()
    for which, der in enumerate(arguments["chain"]):
        for place in range(len(der)):
            altered = bytearray(der)
            altered[place] ^= 1 << place % 8
            chain = list(arguments["chain"])
            chain[which] = bytes(altered)
            with pytest.raises(ChainInvalid):
                validate_chain(**{**arguments, "chain": chain})


def test_no_bit_behind_the_signature(world: Any) -> None:
    """Unused bits of the signature's BIT STRING: the same signature in another spelling."""
    for _ in range(8):
        arguments = world.arguments()
        for name in ("chain", "crls"):
            der = bytearray(arguments[name][0])
            place = der.rindex(b"\x03", 0, len(der) - 68) + 2
            assert der[place] == 0
            der[place] = 1
            items = [bytes(der), *arguments[name][1:]]
            with pytest.raises(ChainMalformed):
                validate_chain(**{**arguments, name: items})


def test_no_altered_list_goes_through(world: Any, tools: Any) -> None:
    world.lists["middle"].revoke(99, tools.NOW - 1, "superseded")
    arguments = world.arguments()
    for which, der in enumerate(arguments["crls"]):
        for place in range(len(der)):
            altered = bytearray(der)
            altered[place] ^= 1
            crls = list(arguments["crls"])
            crls[which] = bytes(altered)
            with pytest.raises(ChainInvalid):
                validate_chain(**{**arguments, "crls": crls})


@pytest.mark.parametrize("length", [0, 1, 2, 5, 40, 300])
def test_cut_files_are_refused(world: Any, length: int) -> None:
    arguments = world.arguments()
    for name in ("chain", "anchors", "crls"):
        first = arguments[name][0]
        cut = [first[: min(length, len(first) - 1)], *arguments[name][1:]]
        with pytest.raises(CertsvcError):
            validate_chain(**{**arguments, name: cut})
