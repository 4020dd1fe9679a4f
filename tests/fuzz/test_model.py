"""The model that judges the verdicts: it agrees about what is good, and names what is not."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from fuzzing import frames, model, world
from fuzzing.properties import Finding, check_presentation, fresh_world, judge, within
from fuzzing.tokens import Jws, Token
from fuzzing.world import ISSUER, NOW, STRANGER, URI
from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc_sdk import Outcome, sdjwt

RECORD = world.record_json()
LISTS = {URI: world.list_token()}
SALT = "c2FsdHNhbHRzYWx0c2FsdA"


def reason(token: str) -> str:
    return model.why_not_valid(token, record=RECORD, lists=LISTS, now=NOW)[0]


def changed(change: Callable[[dict[str, Any]], Any], *added: list[Any]) -> str:
    """The bound licence with another payload and more disclosures, signed by the right key."""
    token = Token.of(world.tokens()["bound"])
    payload = json.loads(token.jws.payload)
    texts = [world.compact(content) for content in added]
    payload["digests"] = [digest(text) for text in texts]
    change(payload)
    payload.pop("digests", None)
    jws = Jws(token.jws.header, world.compact(payload), b"").signed(ISSUER)
    return Token(jws, (*token.disclosures, *texts)).text()


def digest(disclosure: bytes) -> str:
    return world.b64u(hashlib.sha256(world.b64u(disclosure).encode()).digest())


@pytest.mark.parametrize("kind", world.tokens())
def test_model_and_verifier_agree_about_good_tokens(kind: str) -> None:
    token = world.tokens()[kind]
    verdict = judge(token, fresh_world())
    assert (verdict.outcome, reason(token)) == (Outcome.VALID, "")
    check_presentation(verdict, token, record=RECORD, lists=LISTS, original=verdict.claims)


@pytest.mark.parametrize("kind", world.codes())
def test_a_code_taken_apart_and_put_together_is_the_same(kind: str) -> None:
    code = world.codes()[kind]
    prefix, frame = frames.take_apart(code)
    again = judge(prefix + frames.digits_of(frame.body()), fresh_world())
    assert again == judge(code, fresh_world()) == judge(world.tokens()[kind], fresh_world())
    assert again.outcome is Outcome.VALID


@settings(max_examples=60, deadline=None, database=None)
@given(st.sets(st.integers(0, 8)))
def test_withholding_is_lawful_and_shows_less(kept: set[int]) -> None:
    whole = world.tokens()["household"]
    shown = [item.pointer for item in sdjwt.parse(whole).claims().disclosed]
    part = sdjwt.present(whole, {shown[place] for place in kept if place < len(shown)})
    verdict = judge(part, fresh_world())
    assert verdict.outcome is Outcome.VALID
    assert within(verdict.claims, judge(whole, fresh_world()).claims)
    check_presentation(verdict, part, record=RECORD, lists=LISTS)


def move_to(name: str, **more: Any) -> Callable[[dict[str, Any]], None]:
    def change(payload: dict[str, Any]) -> None:
        payload.pop(name, None)
        payload["_sd"] += payload["digests"]
        payload.update(more)

    return change


def under(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda payload: payload.update({name: {"_sd": payload["digests"]}})


BAD = {
    "no digest references a disclosure": (lambda _: None, [SALT, "x", 1]),
    "a disclosure holds what must stand in the clear": (move_to("exp"), [SALT, "exp", NOW + 5]),
    "a part of status is disclosed": (under("status"), [SALT, "status_list", {}]),
    "a disclosure overwrites a claim": (move_to("x", x=1), [SALT, "x", 1]),
    "a claim has a bad name": (move_to("x"), [SALT, "...", 1]),
    "a disclosure has another arity than its place": (move_to("x"), [SALT, 1]),
    "a disclosure has another form": (move_to("x"), [SALT]),
    "a digest stands twice": (
        lambda payload: payload.update(_sd=payload["digests"] * 2),
        [SALT, "x", 1],
    ),
    "a reserved name stands in an object": (lambda payload: payload.update(x={"_sd_alg": "md5"}),),
    "_sd_alg is another one": (lambda payload: payload.update(_sd_alg="md5"),),
    "expired": (lambda payload: payload.update(exp=NOW),),
    "nbf": (lambda payload: payload.update(nbf=NOW + 1),),
    "iat": (lambda payload: payload.update(iat=NOW + 10**4),),
    "exp is no integer": (lambda payload: payload.update(exp=None),),
    "another issuer": (lambda payload: payload.update(iss=f"{world.ISS}/"),),
    "no right": (lambda payload: payload.update(vct=f"{world.TYPES}passport/1"),),
    "no such list": (lambda payload: payload["status"]["status_list"].update(uri=f"{URI}0"),),
    "status": (lambda payload: payload["status"]["status_list"].update(idx=1),),
    "list: index outside": (
        lambda payload: payload["status"]["status_list"].update(idx=world.ENTRIES),
    ),
    "idx is no integer": (lambda payload: payload["status"]["status_list"].update(idx=True),),
}


@pytest.mark.parametrize("expected", BAD)
def test_the_model_names_what_is_wrong(expected: str) -> None:
    change, *added = BAD[expected]
    token = changed(change, *added)
    assert reason(token) == expected
    assert judge(token, fresh_world()).outcome is not Outcome.VALID


def test_the_model_reads_signatures_itself() -> None:
    token = Token.of(world.tokens()["clear"])
    stranger = Token(token.jws.signed(STRANGER), token.disclosures).text()
    assert reason(stranger) == "signature"
    twice = Token.of(world.tokens()["bound"])
    payload = twice.jws.payload.replace(b'"iat"', b'"\\u0069at":1,"iat"', 1)
    repeated = Jws(twice.jws.header, payload, b"").signed(ISSUER)
    assert reason(Token(repeated, twice.disclosures).text()) == "payload repeats a member"


def test_a_verdict_that_shows_too_much_is_a_finding() -> None:
    token = world.tokens()["licence"]
    verdict = judge(token, fresh_world())
    part = {name: value for name, value in (verdict.claims or {}).items() if name != "name"}
    with pytest.raises(Finding, match="more is shown than was signed"):
        check_presentation(verdict, token, record=RECORD, lists=LISTS, original=part)
    with pytest.raises(Finding, match="VALID in spite of: no such list"):
        check_presentation(verdict, token, record=RECORD, lists={})
    other = world.tokens()["household"]
    with pytest.raises(Finding, match="other claims than the model's"):
        check_presentation(verdict, other, record=RECORD, lists=LISTS)
