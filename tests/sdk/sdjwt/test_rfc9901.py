"""What RFC 9901 says in words or by example and no other test here shows."""

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from certsvc_sdk import sdjwt
from certsvc_sdk.errors import DisclosureInvalid, Malformed

SALT = "AAAAAAAAAAAAAAAAAAAAAA"


def b64u(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def line(*items: Any) -> str:
    return b64u(json.dumps(list(items)).encode())


def digest(encoded: str) -> str:
    return b64u(hashlib.sha256(encoded.encode("ascii")).digest())


def claims(payload: Any, *disclosures: str) -> sdjwt.Presented:
    signed = f"eyJhbGciOiJFUzI1NiJ9.{b64u(json.dumps(payload).encode())}.AA"
    return sdjwt.parse("~".join((signed, *disclosures, ""))).claims()


# Section 4.2.1: four spellings of the same claim, each with a digest of its own.
MOEBIUS = (
    "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0",
    "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNXHUwMGY2Yml1cyJd",
    "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsImZhbWlseV9uYW1lIiwiTcO2Yml1cyJd",
    "WwoiXzI2YmM0TFQtYWM2cTJLSTZjQlc1ZXMiLAoiZmFtaWx5X25hbWUiLAoiTcO2Yml1cyIKXQ",
)


@pytest.mark.parametrize("encoded", MOEBIUS)
def test_section_4_2_1_any_spelling_and_only_the_one_that_was_signed(encoded: str) -> None:
    assert claims({"_sd": [digest(encoded)]}, encoded).claims == {"family_name": "Möbius"}
    for other in MOEBIUS:
        if other != encoded:
            with pytest.raises(DisclosureInvalid):
                claims({"_sd": [digest(encoded)]}, other)


def test_section_4_2_3_digest_of_the_text_and_in_base64url() -> None:
    assert sdjwt.digest(MOEBIUS[0]) == "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"
    raw = base64.urlsafe_b64decode(MOEBIUS[0] + "=")
    wrong = (
        b64u(hashlib.sha256(raw).digest()),  # over the bytes the text stands for
        hashlib.sha256(MOEBIUS[0].encode()).hexdigest()[:43],
    )
    for text in wrong:
        with pytest.raises(DisclosureInvalid):
            claims({"_sd": [text]}, MOEBIUS[0])


def test_section_4_2_4_2_a_withheld_element_leaves_no_gap() -> None:
    french = "WyJsa2x4RjVqTVlsR1RQVW92TU5JdkNBIiwgIkZSIl0"
    payload = {"nationalities": ["DE", {"...": digest(french)}, "US"]}
    assert claims(payload).claims == {"nationalities": ["DE", "US"]}
    assert claims(payload, french).claims == {"nationalities": ["DE", "FR", "US"]}
    assert claims({"nationalities": [{"...": digest(french)}]}).claims == {"nationalities": []}


def test_section_4_2_5_decoys_are_ignored_wherever_they_stand() -> None:
    shown = line(SALT, "a", {"b": [1, {"...": "q" * 43}], "_sd": ["r" * 43]})
    payload = {
        "_sd": sorted([digest(shown), "s" * 43, "t" * 43]),
        "list": [{"...": "u" * 43}, {"x": 1, "_sd": ["v" * 43]}],
    }
    presented = claims(payload, shown)
    assert presented.claims == {"list": [{"x": 1}], "a": {"b": [1]}}
    assert presented.withheld == 6


def test_section_4_2_6_a_child_needs_its_parent() -> None:
    children = [line(SALT[:-2] + country, country) for country in ("DE", "FR", "UK")]
    parent = line(SALT, "nationalities", [{"...": digest(child)} for child in children])
    payload = {"family_name": "Möbius", "_sd": [digest(parent)]}
    assert claims(payload).claims == {"family_name": "Möbius"}
    assert claims(payload, parent).claims["nationalities"] == []
    for order in ((parent, children[0], children[1]), (children[1], parent, children[0])):
        assert claims(payload, *order).claims["nationalities"] == ["DE", "FR"]
    for child in children:
        with pytest.raises(DisclosureInvalid):
            claims(payload, child)


def test_section_7_1_step_3e_an_object_without_properties_stays_an_object() -> None:
    assert claims({"a": {"_sd": ["x" * 43]}, "b": {"_sd": []}}).claims == {"a": {}, "b": {}}
    assert claims({"a": [{"_sd": ["x" * 43]}]}).claims == {"a": [{}]}
    empty = line(SALT, "a", {"_sd": ["x" * 43]})
    assert claims({"_sd": [digest(empty)]}, empty).claims == {"a": {}}


def test_every_json_value_can_be_disclosed() -> None:
    for value in (None, True, False, 0, -1, 1.5, "", "x", [], {}, [[]], {"a": None}):
        member, element = line(SALT, "a", value), line(SALT, value)
        assert claims({"_sd": [digest(member)]}, member).claims == {"a": value}
        assert claims({"a": [{"...": digest(element)}]}, element).claims == {"a": [value]}


def test_section_8_json_serialisation_is_not_read() -> None:
    signed = {"payload": "e30", "protected": "e30", "signature": "AA"}
    flat = json.dumps({**signed, "header": {"disclosures": [MOEBIUS[0]]}})
    general = json.dumps({"payload": "e30", "signatures": [signed]})
    for text in (flat, general, flat + "~", general + "~"):
        with pytest.raises(Malformed):
            sdjwt.parse(text)


def test_section_4_2_4_1_the_order_of_issue_does_not_show(
    numbered_salts: Callable[[int], bytes],
) -> None:
    names = [f"claim{number}" for number in range(40)]
    made = sdjwt.draft(
        header={"alg": "ES256"},
        claims=dict.fromkeys(names, 1),
        disclose={f"/{name}" for name in names},
        salts=numbered_salts,
    )
    digests = json.loads(made.payload_json)["_sd"]
    assert digests == sorted(digests)
    in_order = [digest(encoded) for encoded in made.disclosures]
    assert digests != in_order
    assert sorted(in_order) == digests


def test_no_claim_name_of_what_is_withheld_shows(numbered_salts: Callable[[int], bytes]) -> None:
    made = sdjwt.draft(
        header={"alg": "ES256"},
        claims={"clear": 1, "religion": "无", "outer": {"former_name": "x"}},
        disclose={"/religion", "/outer/former_name"},
        salts=numbered_salts,
    )
    token = sdjwt.present(made.finish(b"\x01" * 64), ())
    payload = base64.urlsafe_b64decode(token.split(".")[1] + "==").decode()
    assert "religion" not in payload
    assert "former_name" not in payload
