"""T50: a right is asked at issue and at verification, and both give the same answer."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from certsvc.issuing.errors import NotAuthorisedForType, SigningUnavailable
from certsvc.issuing.plan import check_content, check_right, choose_signer
from certsvc_sdk import sdjwt
from certsvc_sdk.trust.record import Right
from certsvc_sdk.verify import check_fresh

MARKET = "119999000000000198"
DAY = 86_400
# What each right differs in from one that fits, and whether it still fits.
TYPES = {"business-licence": True, "household-register": False, "business-licenc": False}
PLACES = {"100000": True, "990000": True, "999900": True, "999901": False, "110000": False}
# Seconds from now to its begin and its end.
TIMES = {
    (-DAY, None): True, (0, 1): True, (0, None): True,
    (1, None): False, (-DAY, 0): False, (-DAY, -1): False,
}  # fmt: skip
LONGEST = {None: True, 5 * 365 * DAY: True, 365 * DAY: False}
# Types that the key may sign; empty: all.
KEYS = {(): True, ("business-licence",): True, ("household-register",): False}
MATRIX = list(product(TYPES, PLACES, TIMES, LONGEST, KEYS))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_issue_and_verification_agree_on_every_right(world: Any, licence: Any) -> None:
    now, keys = world.clock.now, world.keys
    content = check_content(world.catalogue, licence(), now=now)
    end = now + 3 * 365 * DAY
    validity = replace(content.validity, exp=end)
    signer = keys.active(MARKET, "certificate")
    vct = content.kind.vct("https://certs.example/")
    record = world.records[MARKET]
    header = {"alg": signer.alg, "typ": "dc+sd-jwt", "kid": signer.kid}
    claims = {
        "iss": record.iss, "vct": vct, "certificate_identifier": "1.2.156.3005.2.test",
        "iat": now, "exp": end,
        "status": {"status_list": {"idx": 1, "uri": f"{record.status_prefix}1"}},
    }  # fmt: skip
    draft = sdjwt.draft(header=header, claims=claims, disclose=(), salts=iter(()))
    token = draft.finish(signer.sign(draft.signing_input))
    allowed = 0
    for case in MATRIX:
        kind, place, (begin, until), longest, types = case
        right = Right(
            vct=f"https://certs.example/vct/{kind}", division=place, not_before=now + begin,
            not_after=None if until is None else now + until, max_validity=longest,
        )  # fmt: skip
        ours = tuple(replace(key, types=types or None) for key in record.keys)
        judged = replace(record, rights=(right,), keys=ours)
        fits = all(
            table[value]
            for table, value in zip((TYPES, PLACES, TIMES, LONGEST, KEYS), case, strict=True)
        )
        assert issues(content, validity, judged, keys, vct, now) == fits, case
        code = check_fresh(token, judged, now).code
        assert code == ("valid" if fits else "issuer_not_authorised"), case
        allowed += fits
    assert 0 < allowed < len(MATRIX)


def issues(content: Any, validity: Any, record: Any, keys: Any, vct: str, now: int) -> bool:
    try:
        check_right(record, content.kind, validity, vct, now=now)
        choose_signer(keys, record, MARKET, content.kind.name, now=now)
    except (NotAuthorisedForType, SigningUnavailable):
        return False
    return True
