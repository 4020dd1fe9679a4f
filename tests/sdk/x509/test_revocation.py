"""Lists of revocations: who may speak, how fresh, and which moment counts."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509

from certsvc_sdk.errors import ChainInvalid, ChainMalformed, ChainRevoked, ChainUntrusted
from certsvc_sdk.x509 import validate_chain
from certsvc_sdk.x509.lists import Revocation, read_own_list, revocation_list
from certsvc_sdk.x509.signing import ExternalKey, jwk_of

Change = Callable[[Any, Any], None]


def unanswered(world: Any, t: Any) -> None:
    world.lists.pop("middle")


def unanswered_for_the_authority(world: Any, t: Any) -> None:
    world.lists.pop("root")


def stale(world: Any, t: Any) -> None:
    world.lists["middle"].end = t.NOW


def from_the_future(world: Any, t: Any) -> None:
    world.lists["middle"].start = t.NOW + 1


def of_another_issuer(world: Any, t: Any) -> None:
    world.lists["middle"].issuer = t.SUBJECTS["leaf"]


def of_another_key(world: Any, t: Any) -> None:
    world.lists["middle"].signer = world.keys["other"]


def of_another_key_that_claims_to_be_this(world: Any, t: Any) -> None:
    own = x509.SubjectKeyIdentifier.from_public_key(world.keys["middle"].public_key())
    world.lists["middle"].signer = world.keys["other"]
    world.lists["middle"].key_id = own.digest


def by_the_authority_above(world: Any, t: Any) -> None:
    world.lists["middle"].signer = world.keys["root"]


def by_an_authority_that_may_not(world: Any, t: Any) -> None:
    world.middle.put(t.usage("key_cert_sign"), critical=True)


def delta(world: Any, t: Any) -> None:
    world.lists["middle"].extensions.append((x509.DeltaCRLIndicator(3), True))


def delta_not_marked(world: Any, t: Any) -> None:
    world.lists["middle"].extensions.append((x509.DeltaCRLIndicator(3), False))


def _part(**members: Any) -> x509.IssuingDistributionPoint:
    base: dict[str, Any] = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(**{**base, **members})


def indirect(world: Any, t: Any) -> None:
    world.lists["middle"].extensions.append((_part(indirect_crl=True), True))


def for_authorities_only(world: Any, t: Any) -> None:
    world.lists["middle"].extensions.append((_part(only_contains_ca_certs=True), True))


def for_some_reasons_only(world: Any, t: Any) -> None:
    some = frozenset({x509.ReasonFlags.superseded})
    world.lists["middle"].extensions.append((_part(only_some_reasons=some), False))


def unknown_critical_extension(world: Any, t: Any) -> None:
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\0")
    world.lists["middle"].extensions.append((unknown, True))


def unknown_critical_extension_of_an_entry(world: Any, t: Any) -> None:
    builder = x509.RevokedCertificateBuilder().serial_number(99)
    builder = builder.revocation_date(world.leaf_time)
    issuer = x509.CertificateIssuer([x509.DirectoryName(t.SUBJECTS["root"])])
    world.lists["middle"].entries.append(builder.add_extension(issuer, True).build())


def without_number(world: Any, t: Any) -> None:
    world.lists["middle"].number = None


SILENT = [
    unanswered,
    unanswered_for_the_authority,
    stale,
    from_the_future,
    of_another_issuer,
    of_another_key,
    of_another_key_that_claims_to_be_this,
    by_the_authority_above,
    by_an_authority_that_may_not,
    delta,
    delta_not_marked,
    indirect,
    for_authorities_only,
    for_some_reasons_only,
    unknown_critical_extension,
    unknown_critical_extension_of_an_entry,
    without_number,
]
# OpenSSL asks for less of a list in which the certificate does not stand.
OPENSSL_TAKES = [
    delta,
    delta_not_marked,
    for_some_reasons_only,
    unknown_critical_extension_of_an_entry,
    without_number,
]


@pytest.mark.parametrize("change", SILENT, ids=lambda one: one.__name__)
def test_a_list_that_cannot_answer(world: Any, tools: Any, openssl: Any, change: Change) -> None:
    world.leaf_time = x509.load_der_x509_certificate(world.leaf.make()).not_valid_before_utc
    change(world, tools)
    with pytest.raises(ChainInvalid) as caught:
        validate_chain(**world.arguments())
    assert caught.value.code == "chain_revocation_unknown"
    good, said = openssl(world)
    if change not in OPENSSL_TAKES:
        assert not good, said


def _taken(world: Any) -> bool:
    try:
        validate_chain(**world.arguments())
    except ChainRevoked:
        return False
    return True


@pytest.mark.parametrize("which", ["leaf", "middle"])
def test_a_revoked_certificate(world: Any, tools: Any, openssl: Any, which: str) -> None:
    above = {"leaf": "middle", "middle": "root"}[which]
    world.lists[above].revoke(getattr(world, which).serial, tools.NOW - 5, "superseded")
    assert not _taken(world)
    good, said = openssl(world)
    assert not good
    assert "revoked" in said


ORDERLY = ("superseded", "cessationOfOperation", "affiliationChanged")
AT_ANY_TIME = ("keyCompromise", "cACompromise", "privilegeWithdrawn", "certificateHold", None)


@pytest.mark.parametrize("which", ["leaf", "middle"])
@pytest.mark.parametrize("reason", [*ORDERLY, *AT_ANY_TIME])
@pytest.mark.parametrize("proven", [False, True])
def test_the_time_of_signing(
    world: Any, tools: Any, which: str, reason: str | None, proven: bool
) -> None:
    """Before an orderly end a signature stays good; after a theft only a proven time helps."""
    above = {"leaf": "middle", "middle": "root"}[which]
    since = tools.NOW - 10
    world.lists[above].revoke(getattr(world, which).serial, since, reason)
    world.at_is_proven = proven
    for at, before in ((since - 1, True), (since, False), (since + 1, False)):
        world.at = at
        assert _taken(world) is (before and (reason in ORDERLY or proven))


@pytest.mark.parametrize(("since", "at", "taken"), [(-50, -40, False), (-50, -51, True)])
def test_the_day_of_the_theft_counts_and_not_the_notice(
    world: Any, tools: Any, since: int, at: int, taken: bool
) -> None:
    world.lists["middle"].revoke(3, tools.NOW - 10, "keyCompromise", tools.NOW + since)
    world.at, world.at_is_proven = tools.NOW + at, True
    assert _taken(world) is taken


def test_a_later_day_of_theft_does_not_put_a_revocation_off(world: Any, tools: Any) -> None:
    world.lists["middle"].revoke(3, tools.NOW - 10, "keyCompromise", tools.NOW + 100)
    world.at_is_proven = True
    assert not _taken(world)


def test_an_old_list_counts_against_a_certificate(world: Any, tools: Any) -> None:
    """What was revoked stays so, even if a newer list has forgotten it."""
    world.lists["old"] = world.crl("middle")
    world.lists["old"].number = 6
    world.lists["old"].end = tools.NOW - 100
    assert _taken(world)
    world.lists["old"].revoke(3, tools.NOW - 200, "keyCompromise")
    assert not _taken(world)


def test_the_newest_list_answers(world: Any, tools: Any) -> None:
    world.lists["old"] = world.crl("middle")
    world.lists["old"].number = 6
    assert validate_chain(**world.arguments()).lists[0].number == 7


def test_another_serial_of_the_same_authority_does_not_matter(world: Any, tools: Any) -> None:
    world.lists["middle"].revoke(4, tools.NOW - 5, "keyCompromise")
    # The root's certificate 3 is not the middle one's.
    world.lists["root"].revoke(3, tools.NOW - 5, "keyCompromise")
    assert _taken(world)


def test_freshness_is_judged_by_now_and_validity_by_the_signing(world: Any, tools: Any) -> None:
    world.leaf.end, world.at = tools.NOW - 50, tools.NOW - 60
    assert _taken(world)
    arguments = world.arguments()
    with pytest.raises(ChainInvalid) as caught:
        validate_chain(**{**arguments, "now": tools.NOW + 10 * tools.DAY})
    assert caught.value.code == "chain_revocation_unknown"


def test_nobody_forgets_to_say_what_time_it_is(world: Any, tools: Any) -> None:
    """A list kept from before a revocation is fresh at the signing for ever."""
    world.lists["middle"].end = tools.NOW + tools.DAY
    arguments = world.arguments()
    assert validate_chain(**arguments)
    with pytest.raises(ChainInvalid):
        validate_chain(**{**arguments, "now": tools.NOW + tools.DAY})
    del arguments["now"]
    with pytest.raises(TypeError, match="now"):
        validate_chain(**arguments)


def test_a_list_is_read_as_it_was_made(world: Any, tools: Any, x509_keys: Any) -> None:
    key = x509_keys["root"]
    signer = ExternalKey(lambda data: _raw(key, data), jwk_of(key.public_key()))
    made = {
        5: Revocation(serial=5, at=tools.NOW, reason="keyCompromise", invalid_since=tools.NOW - 9),
        2**150: Revocation(serial=2**150, at=tools.NOW, reason="unspecified"),
    }
    root = world.root.make()
    data = revocation_list(root, signer, made.values(), number=3, start=1, end=2)
    found = read_own_list(data, root)
    assert (found.number, found.start, found.end, found.entries) == (3, 1, 2, made)
    with pytest.raises(ChainUntrusted):
        read_own_list(data, world.middle.make())
    world.lists["root"].number = None
    with pytest.raises(ChainMalformed):
        read_own_list(world.lists["root"].make(), root)
    for wrong in ({"number": -1}, {"start": 3}):
        given = {"number": 3, "start": 1, "end": 2, **wrong}
        with pytest.raises(ChainMalformed):
            revocation_list(root, signer, made.values(), **given)
    odd = Revocation(serial=5, at=1, reason="because")
    with pytest.raises(ChainMalformed):
        revocation_list(root, signer, [odd], number=3, start=1, end=2)


def _raw(key: Any, data: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)
