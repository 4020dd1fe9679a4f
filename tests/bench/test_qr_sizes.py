"""The sizes that QR codes must keep, on few samples; the bench measures them all."""

import re

import pytest

from bench import qr_floor, qr_heldout
from bench.qr_sizes import KINDS, Kind
from certsvc_sdk.qr import dictionaries
from certsvc_sdk.strict import b64u_decode

LICENCES = 40


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.file)
def test_bodies_stay_near_the_information_floor(kind: Kind) -> None:
    measured = qr_floor.floors(kind, every=15)
    assert len(measured) == 20
    assert all(64 < one.floor < one.body for one in measured)
    assert qr_floor.median_ratio(measured) <= 1.25


def test_licences_of_phrases_that_no_dictionary_knows() -> None:
    found = qr_heldout.fared(3, licences=LICENCES)
    assert found.phrases > 80
    assert found.known < found.heldout[LICENCES // 2] < found.plain
    assert found.kept >= 0.65
    version, _, level = qr_heldout.version(found.p95).partition("-")
    assert level in ("Q", "M")
    assert int(version) <= 23
    assert found.beyond == 0


def test_the_scopes_hold_nothing_else() -> None:
    build = qr_heldout.builder()
    phrases = build.scope_phrases()[:50]
    for token in list(qr_heldout.rephrased(phrases))[:LICENCES]:
        claims = b64u_decode(token.split(".")[1]).decode()
        found = re.search(r'"business_scope":"(.*?)","registration_authority"', claims)
        assert found is not None
        pieces = re.split(r"（(?:依法|除依法)[^）]*）|；|。|(?:一般|许可)项目[:：]", found[1])
        assert set(filter(None, pieces)) <= set(phrases)


def test_what_is_left_out_is_in_no_dictionary() -> None:
    build = qr_heldout.builder()
    assert build.licence().encode() == dictionaries.load(1)
    left_out = set(build.scope_phrases()[::5])
    shorter = build.licence(left_out)
    for phrase in left_out:
        assert f"；{phrase}；" not in shorter


def test_no_symbol_holds_a_long_body() -> None:
    assert qr_heldout.version(821) == "23-M"
    assert qr_heldout.version(822) == qr_heldout.NONE
