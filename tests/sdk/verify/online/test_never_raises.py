"""`check` answers for every text: noise, damaged tokens, damaged codes."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from certsvc_sdk import Outcome
from certsvc_sdk.codes import CODES

QUICK = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def judge(verifier_of: Any, publisher: Any) -> Any:
    """Check over a local mirror; every answer is a whole verdict."""
    verifier = verifier_of(url=publisher.tree.as_uri())

    def check(text: str | bytes) -> Any:
        verdict = verifier.check(text)
        assert verdict.code in CODES
        assert verdict.to_json()["sentence"]["zh"]
        return verdict

    return check


@pytest.fixture
def texts(issuer: Any) -> tuple[str, str]:
    """One token and its code; signatures differ from call to call, so they are made once."""
    token = issuer.token()
    return token, issuer.qr_text(token)


@QUICK
@given(text=st.text(max_size=400) | st.binary(max_size=400))
def test_noise_is_never_valid(text: str | bytes, judge: Any) -> None:
    assert judge(text).outcome is not Outcome.VALID


@QUICK
@given(text=st.from_regex(r"[A-Za-z0-9_-]{0,20}\.[A-Za-z0-9_-]{0,20}\.[~A-Za-z0-9_.-]{0,80}"))
def test_noise_in_the_shape_of_a_token_is_never_valid(text: str, judge: Any) -> None:
    assert judge(text).outcome is not Outcome.VALID


@QUICK
@given(digits=st.text("0123456789", max_size=300), prefix=st.sampled_from(["", "https://h/v#"]))
def test_noise_in_the_shape_of_a_code_is_never_valid(digits: str, prefix: str, judge: Any) -> None:
    assert judge(prefix + digits).outcome is not Outcome.VALID


@QUICK
@given(data=st.data())
def test_one_changed_character_is_never_valid(data: Any, judge: Any, texts: Any) -> None:
    text = data.draw(st.sampled_from(texts))
    place = data.draw(st.integers(min_value=0, max_value=len(text) - 1))
    char = data.draw(st.characters(exclude_characters=text[place]))
    changed = text[:place] + char + text[place + 1 :]
    verdict = judge(changed)
    # The host in a code's text and white space around it say nothing.
    if verdict.outcome is Outcome.VALID:
        assert "v#" in changed or changed.strip() == text
        return
    assert verdict.claims is None or verdict.code == "disclosure_invalid"


@QUICK
@given(data=st.data())
def test_a_cut_text_is_never_valid_with_other_claims(
    data: Any, judge: Any, texts: Any, issuer: Any
) -> None:
    text = data.draw(st.sampled_from(texts))
    begin = data.draw(st.integers(min_value=0, max_value=len(text) - 1))
    end = data.draw(st.integers(min_value=begin, max_value=len(text)))
    verdict = judge(text[:begin] + text[end:])
    if verdict.outcome is Outcome.VALID:
        assert verdict.claims.items() <= issuer.claims().items()


@QUICK
@given(parts=st.lists(st.sampled_from(["{", "[", '"_sd":', '"...":', "1e999,", "}", "]"])))
def test_signed_nonsense_is_never_valid(parts: list[str], judge: Any, issuer: Any) -> None:
    payload = "".join(parts).encode() or b"x"
    verdict = judge(issuer.raw_token(payload))
    assert verdict.outcome is Outcome.INVALID
    assert verdict.claims is None
