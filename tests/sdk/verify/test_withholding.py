"""The whole way of a presentation that withholds: issue, choose, carry in a QR code, verify."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from certsvc_sdk import qr, sdjwt, strict
from certsvc_sdk.errors import DisclosureInvalid
from certsvc_sdk.policy import Policy
from certsvc_sdk.qr import digits
from certsvc_sdk.verify import decide_token

SEED = bytes(range(16))
MEMBERS = [
    {"name": "张三", "relationship": "户主", "sex": "男", "religion": "无"},
    {"name": "李四", "relationship": "配偶", "sex": "女", "religion": "无"},
]
DISCLOSE = ("/legal_representative", "/members/*", "/members/*/sex", "/members/*/religion")
SALTS = {
    "seed": lambda: sdjwt.salts_from_seed(SEED),
    "individual": sdjwt.individual_salts,
}
FLAG_SALTS = 0b01


@pytest.fixture(params=sorted(SALTS))
def token(request: pytest.FixtureRequest, issuer: Any) -> str:
    draft = sdjwt.draft(
        header=issuer.key.header(),
        claims=issuer.claims(members=MEMBERS),
        disclose=DISCLOSE,
        salts=SALTS[request.param](),
    )
    return str(draft.finish(issuer.key.sign(draft.signing_input)))


def code(token: str, seed: bytes | None = None) -> str:
    return qr.encode(token, seed, host="check.example", dictionary=qr.DICTIONARY_LICENCE)


def frame(text: str) -> bytes:
    return digits.decode(text.partition("#")[2])


@pytest.mark.parametrize(
    ("keep", "members", "lines"),
    [
        ((), [], 0),
        (("/legal_representative",), [], 1),
        (("/members/0",), [{"name": "张三", "relationship": "户主"}], 1),
        (("/members/1/sex",), [{"name": "李四", "relationship": "配偶", "sex": "女"}], 2),
        (("/members/*",), [{"name": one["name"], "relationship": one["relationship"]}
                           for one in MEMBERS], 2),
        (DISCLOSE, MEMBERS, 7),
    ],
)  # fmt: skip
def test_what_is_shown_is_verified_and_the_rest_stays_hidden(
    token: str, keep: Any, members: Any, lines: int, world: Any, facts: Any
) -> None:
    presentation = sdjwt.present(token, keep)
    text = code(presentation)
    body = frame(text)
    # bit 0 with as many salts as lines, or bit 1 where nothing is disclosed; never a seed.
    assert body[2] == (FLAG_SALTS if lines else 0b10)
    if lines:
        assert body[3] == lines
    back = qr.decode(text)
    assert (back.token, back.seed) == (presentation, None)
    for shown in (presentation, text):
        verdict = decide_token(shown, world=world, policy=Policy(), now=facts.now)
        assert (verdict.code, verdict.acceptable) == ("valid", True)
        assert verdict.claims is not None
        assert verdict.claims["members"] == members
        assert ("legal_representative" in verdict.claims) == ("/legal_representative" in keep)


def test_no_salt_of_what_is_withheld_travels(token: str) -> None:
    everything = sdjwt.parse(token).claims().disclosed
    presentation = sdjwt.present(token, ("/members/0",))
    body = frame(code(presentation))
    shown = sdjwt.parse(presentation).disclosures
    for item in everything:
        assert (strict.b64u_decode(item.salt) in body) == (item.encoded in shown)
    assert SEED not in body


@pytest.mark.parametrize("keep", [(), ("/legal_representative",), ("/members/*",)])
def test_the_seed_never_travels_beside_withheld_claims(issuer: Any, keep: Any) -> None:
    draft = sdjwt.draft(
        header=issuer.key.header(),
        claims=issuer.claims(members=MEMBERS),
        disclose=DISCLOSE,
        salts=sdjwt.salts_from_seed(SEED),
    )
    whole = draft.finish(issuer.key.sign(draft.signing_input))
    assert qr.decode(code(whole, SEED)).seed == SEED
    with pytest.raises(DisclosureInvalid):
        code(sdjwt.present(whole, keep), SEED)


def test_a_holder_may_withhold_step_by_step(token: str, world: Any, facts: Any) -> None:
    once = sdjwt.present(token, ("/members/*", "/members/*/sex"))
    again = qr.decode(code(once)).token
    twice = sdjwt.present(again, ("/members/1",))
    verdict = decide_token(code(twice), world=world, policy=Policy(), now=facts.now)
    assert verdict.claims is not None
    assert verdict.claims["members"] == [{"name": "李四", "relationship": "配偶"}]


def test_what_a_matter_needs_and_a_holder_withholds_is_named(
    token: str, world: Any, facts: Any
) -> None:
    policy = Policy(claims=("name", "legal_representative"))
    text = code(sdjwt.present(token, ("/members/0",)))
    verdict = decide_token(text, world=world, policy=policy, now=facts.now)
    assert (verdict.code, verdict.acceptable) == ("valid", False)
    assert verdict.missing_claims == ("legal_representative",)


def test_disclosures_swapped_between_two_certificates_are_refused(
    issuer: Any, world: Any, facts: Any, numbered_salts: Callable[[int], bytes]
) -> None:
    def issue(name: str, salts: Callable[[int], bytes]) -> str:
        draft = sdjwt.draft(
            header=issuer.key.header(),
            claims=issuer.claims(legal_representative=name),
            disclose=("/legal_representative",),
            salts=salts,
        )
        return str(draft.finish(issuer.key.sign(draft.signing_input)))

    def other(index: int) -> bytes:
        return hashlib.sha256(b"other %d" % index).digest()[:16]

    one, two = issue("张三", numbered_salts), issue("李四", other)
    mixed = one.partition("~")[0] + "~" + two.partition("~")[2]
    verdict = decide_token(mixed, world=world, policy=Policy(), now=facts.now)
    assert (verdict.code, verdict.claims) == ("disclosure_invalid", None)
    with pytest.raises(DisclosureInvalid):
        code(mixed)
