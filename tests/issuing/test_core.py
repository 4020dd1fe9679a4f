"""Paper carries the core profile where no printable symbol holds the whole certificate."""

import json
from dataclasses import replace

import pytest

from certsvc.face.errors import SymbolTooLarge
from certsvc.face.qr import symbol_size
from certsvc.issuing.core import fits_paper
from certsvc_sdk import qr, sdjwt
from certsvc_sdk.strict import b64u_decode, b64u_encode
from certsvc_sdk.verdict import Outcome
from certsvc_sdk.verify import check_fresh

MARKET = "119999000000000198"
POLICE = "119999000000000273"
CORE_OF_A_MEMBER = {"name", "relationship_to_head", "relationship_code"}
UNKNOWN = "".join(chr(0x4E00 + (number * 7919) % 20000) for number in range(900))


def drawn(prefix: str, digits: str) -> bool:
    try:
        symbol_size(prefix, digits)
    except SymbolTooLarge:
        return False
    return True


@pytest.mark.parametrize("host", ["a", "certs.example", "verify.a-longer-name.example.gov.cn:8443"])
def test_it_is_the_rule_by_which_symbols_are_drawn(host: str) -> None:
    prefix = f"https://{host}/v#"
    edge = next(n for n in range(1900, 2100) if not fits_paper(prefix, "1" * n))
    for count in range(edge - 4, edge + 4):
        assert fits_paper(prefix, "1" * count) == drawn(prefix, "1" * count) == (count < edge)


def test_the_paper_carries_a_second_token_of_the_same_certificate(world, licence):
    request = licence(0, business_scope=UNKNOWN)
    issued = world.service.issue(world.caller(), request, "key-1")
    assert (issued.profile, issued.qr_profile) == ("full", "core")

    paper = qr.decode(issued.qr_text).token
    verdicts = [
        check_fresh(one, world.records[MARKET], world.clock.now) for one in (issued.token, paper)
    ]
    assert [one.outcome for one in verdicts] == [Outcome.VALID] * 2
    assert len({(one.certificate_identifier, one.issued_at, one.vct) for one in verdicts}) == 1
    whole, core = (dict(one.claims or {}) for one in verdicts)
    assert whole.pop("business_scope") == UNKNOWN
    assert core == whole

    stored = world.service.get(world.caller(), issued.certificate_id)
    assert (stored.qr_text, stored.qr_profile) == (issued.qr_text, "core")
    replayed = world.service.issue(world.caller(), request, "key-1")
    assert (replayed.qr_text, replayed.qr_profile) == (issued.qr_text, "core")


def test_what_fits_has_one_token(world, licence):
    issued = world.service.issue(world.caller(), licence(), "key-1")
    assert issued.qr_profile is None
    assert qr.decode(issued.qr_text).token == issued.token


def test_a_household_falls_back_too_and_its_seed_tells_nothing(world, household):
    request = household(0)
    members = [
        {
            **one,
            "employer": UNKNOWN[90 * n : 90 * n + 90],
            "birthplace": UNKNOWN[n * 60 : n * 60 + 60],
        }
        for n, one in enumerate(request.claims["members"])
    ]
    claims = {**request.claims, "members": members, "address": UNKNOWN[:180]}
    issued = world.service.issue(world.caller(POLICE), replace(request, claims=claims), "key-1")
    assert (issued.profile, issued.qr_profile) == ("standard", "core")
    found = qr.decode(issued.qr_text)
    core = check_fresh(found.token, world.records[POLICE], world.clock.now).claims
    assert [set(one) for one in core["members"]] == [CORE_OF_A_MEMBER] * len(members)
    salts = sdjwt.salts_from_seed(found.seed)
    guesses = {b64u_encode(salts(index)) for index in range(256)}
    used = {json.loads(b64u_decode(one))[0] for one in sdjwt.parse(issued.token).disclosures}
    assert used
    assert not used & guesses
