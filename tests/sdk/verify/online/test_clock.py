"""A verifier's own clock: behind it is noticed, and what it said while it was ahead is forgotten.

Only what is signed proves a time. That the verifier itself saw the trust data live at some time is
the word of its own clock, and a later live sight by a clock that nothing signed contradicts is as
good (ADR 33).
"""

from typing import Any

import pytest

from certsvc_sdk.verdict import Outcome

HOUR = 3600


def renew(publisher: Any, issuer: Any, facts: Any, now: int) -> None:
    """Let the heart beat: status list and timestamp are signed anew."""
    publisher.publish(now=now)
    publisher.status(issuer.status_token(version=9, iat=now))


@pytest.mark.parametrize("ahead", [600, HOUR, 20 * HOUR])
def test_a_clock_that_was_ahead_is_right_again_with_the_next_look(
    verifier_of: Any, server: Any, issuer: Any, facts: Any, clock: Any, ahead: int
) -> None:
    verifier = verifier_of(url=server.url)
    clock.now += ahead
    assert verifier.check(issuer.token()).trust_as_of == clock.now
    clock.now -= ahead
    for one in (verifier, verifier_of(url=server.url)):
        verdict = one.check(issuer.token())
        assert (verdict.code, verdict.trust_as_of) == ("valid", clock.now)
    # Once is enough.
    server.requests.clear()
    assert verifier.check(issuer.token()).code == "valid"
    assert server.requests == []


def test_a_clock_that_was_ahead_did_not_stop_the_looking(
    verifier_of: Any, server: Any, publisher: Any, issuer: Any, facts: Any, clock: Any
) -> None:
    verifier = verifier_of(url=server.url)
    clock.now += 20 * HOUR
    verifier.check(issuer.token())
    clock.now -= 20 * HOUR
    publisher.publish(issuer.record(rights=()))
    assert verifier.check(issuer.token()).code == "issuer_not_authorised"


def test_without_a_line_its_own_word_still_counts(
    verifier_of: Any, server: Any, issuer: Any, clock: Any
) -> None:
    verifier = verifier_of(url=server.url)
    clock.now += HOUR
    verifier.check(issuer.token())
    clock.now -= HOUR
    server.answer = lambda handler: handler.reply(503, b"") or True
    for one in (verifier, verifier_of(url=server.url), verifier_of(offline=True)):
        verdict = one.check(issuer.token())
        assert (verdict.outcome, verdict.code) == (Outcome.UNKNOWN, "clock_untrusted")
    server.answer = None
    assert verifier_of(url=server.url).check(issuer.token()).code == "valid"
    assert verifier_of(offline=True).check(issuer.token()).code == "valid"


@pytest.mark.parametrize("behind", [301, HOUR, 730 * 86_400])
def test_a_clock_set_back_behind_what_is_signed_is_noticed_online_too(
    verifier_of: Any,
    server: Any,
    publisher: Any,
    issuer: Any,
    facts: Any,
    clock: Any,
    behind: int,
) -> None:
    renew(publisher, issuer, facts, facts.now + 60 * 86_400)
    clock.now += 60 * 86_400
    verifier = verifier_of(url=server.url)
    assert verifier.check(issuer.token()).code == "valid"
    clock.now -= behind
    server.requests.clear()
    for one in (verifier, verifier_of(url=server.url), verifier_of(offline=True)):
        verdict = one.check(issuer.token())
        assert (verdict.outcome, verdict.code) == (Outcome.UNKNOWN, "clock_untrusted")
    # Nothing was fetched that this clock would have stamped.
    assert not [path for path, _ in server.requests if "trust" in path]


def test_an_explicit_refresh_by_a_clock_behind_what_is_signed_lowers_nothing(
    verifier_of: Any, server: Any, issuer: Any, facts: Any, clock: Any
) -> None:
    verifier = verifier_of(url=server.url)
    verifier.check(issuer.token())
    clock.now -= 2 * HOUR
    verifier.refresh()
    assert verifier.check(issuer.token()).code == "clock_untrusted"
    clock.now += 2 * HOUR
    verdict = verifier.check(issuer.token())
    assert (verdict.code, verdict.trust_as_of) == ("valid", facts.now)


def test_longer_lived_timestamps_prove_no_time_that_has_not_come(
    verifier_of: Any, server: Any, publisher: Any, issuer: Any, facts: Any, clock: Any
) -> None:
    publisher.publish(life=30 * 86_400)
    verifier = verifier_of(url=server.url)
    for _ in range(3):
        assert verifier.check(issuer.token()).code == "valid"
        clock.now += HOUR
    assert verifier.check(issuer.token()).trust_age == 0
