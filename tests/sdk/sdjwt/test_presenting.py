"""What a holder shows and withholds (RFC 9901 section 7.2)."""

from collections.abc import Callable
from typing import Any

import pytest

from certsvc_sdk import sdjwt
from certsvc_sdk.errors import DisclosureInvalid, Malformed

CLAIMS: dict[str, Any] = {
    "iss": "https://certs.example/i/1",
    "head": "张三",
    "address": {"street": "东风路", "city": "示例市"},
    "members": [{"name": "张三", "sex": "男"}, {"name": "李四", "sex": "女"}],
}
DISCLOSE = {"/head", "/address", "/address/street", "/members/*", "/members/*/sex"}


@pytest.fixture
def token(es256_signer: Any, numbered_salts: Callable[[int], bytes], holder_signer: Any) -> str:
    made = sdjwt.draft(
        header=es256_signer.header(),
        claims={**CLAIMS, "cnf": {"jwk": holder_signer.jwk}},
        disclose=DISCLOSE,
        salts=numbered_salts,
    )
    return made.finish(es256_signer.sign(made.signing_input))


def shown(token: str) -> dict[str, Any]:
    claims = dict(sdjwt.parse(token).claims().claims)
    del claims["cnf"]
    return claims


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        (set(), {"members": []}),
        ({"/head"}, {"members": [], "head": "张三"}),
        ({"/address"}, {"members": [], "address": {"city": "示例市"}}),
        ({"/address/street"}, {"members": [], "address": CLAIMS["address"]}),
        ({"/members/1"}, {"members": [{"name": "李四"}]}),
        ({"/members/1/sex"}, {"members": [{"name": "李四", "sex": "女"}]}),
        ({"/members/*"}, {"members": [{"name": "张三"}, {"name": "李四"}]}),
        ({"/members/*/sex"}, {"members": CLAIMS["members"]}),
        ({"/absent", "/members/7", "/members/0/absent", "/iss"}, {"members": []}),
        (DISCLOSE, {key: CLAIMS[key] for key in ("members", "head", "address")}),
    ],
)
def test_keep(token: str, keep: set[str], expected: dict[str, Any], es256_signer: Any) -> None:
    presentation = sdjwt.present(token, keep)
    assert presentation.endswith("~")
    assert shown(presentation) == {"iss": CLAIMS["iss"], **expected}
    parsed = sdjwt.parse(presentation)
    es256_signer.public.verify(parsed.jws.signing_input, parsed.jws.signature)
    everything = sdjwt.parse(token).disclosures
    kept = [line for line in everything if line in parsed.disclosures]
    assert list(parsed.disclosures) == kept


def test_pointers_follow_the_presentation(token: str) -> None:
    second = sdjwt.present(token, {"/members/1", "/members/1/sex"})
    assert [item.pointer for item in sdjwt.parse(second).claims().disclosed] == [
        "/members/0",
        "/members/0/sex",
    ]
    assert shown(sdjwt.present(second, {"/members/0"}))["members"] == [{"name": "李四"}]


def test_what_is_withheld_leaves_no_trace(token: str) -> None:
    """RFC 9901 section 4: neither a disclosure nor a salt of what is withheld is sent."""
    everything = {item.encoded: item for item in sdjwt.parse(token).claims().disclosed}
    presentation = sdjwt.present(token, {"/members/1"})
    shown_lines = set(sdjwt.parse(presentation).disclosures)
    withheld = [item for line, item in everything.items() if line not in shown_lines]
    assert len(withheld) == 6
    for item in withheld:
        assert item.encoded not in presentation
        assert item.salt not in presentation
    assert sdjwt.parse(presentation).claims().withheld == 4  # two lie inside others


def test_a_disclosure_is_sent_once_and_with_its_parents(token: str) -> None:
    presentation = sdjwt.present(token, {"/address/street", "/address/*", "/address"})
    lines = sdjwt.parse(presentation).disclosures
    assert len(lines) == len(set(lines)) == 2
    for kept in ({"/address/street"}, {"/members/0/sex"}, {"/members/1/sex", "/head"}):
        # RFC 9901 section 7.2, step 2: every digest is found, in the payload or in a parent.
        assert sdjwt.parse(sdjwt.present(token, kept)).claims().disclosed


def test_present_refuses_what_it_cannot_read(token: str) -> None:
    with pytest.raises(Malformed):
        sdjwt.present(token.rstrip("~"), set())
    with pytest.raises(DisclosureInvalid):
        sdjwt.present(f"{token}WyJzIiwxXQ~", set())
    with pytest.raises(DisclosureInvalid):
        sdjwt.present(token, {"head"})
