"""Step 7 `right`: the type as an address, and the longest validity of any right that fits."""

from typing import Any

import pytest

from certsvc_sdk.policy import Policy
from certsvc_sdk.verify import decide_token


def code(token: str, world: Any, now: int) -> str:
    return decide_token(token, world=world, policy=Policy(), now=now).code


@pytest.mark.parametrize("version", ["", "\u202e1", "1\n", "1?x", "1#y", "1 ", "..", "é"])
def test_a_version_is_the_last_part_of_an_address(
    version: str, issuer: Any, world: Any, facts: Any
) -> None:
    token = issuer.token(vct=f"{facts.vct}/{version}")
    assert code(token, world, facts.now) == "issuer_not_authorised"


@pytest.mark.parametrize("wide_first", [True, False])
def test_each_right_that_fits_is_asked(
    wide_first: bool, issuer: Any, world: Any, facts: Any
) -> None:
    (wide,) = issuer.record_json()["rights"]
    narrow = {**wide, "max_validity": 30 * facts.day}
    rights = [wide, narrow] if wide_first else [narrow, wide]
    world.records[facts.iss] = issuer.record(rights=rights)
    assert code(issuer.token(), world, facts.now) == "valid"
    world.records[facts.iss] = issuer.record(rights=[narrow])
    assert code(issuer.token(), world, facts.now) == "issuer_not_authorised"
    assert code(issuer.token(exp=...), world, facts.now) == "issuer_not_authorised"
