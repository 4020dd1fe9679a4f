"""T27-T32, T36: what `parse` and `claims` refuse."""

import base64
import hashlib
import json
from typing import Any

import pytest

from certsvc_sdk import sdjwt
from certsvc_sdk.errors import AlgorithmNotAllowed, DisclosureInvalid, Malformed

HEADER = "eyJhbGciOiJFUzI1NiJ9"
SALT = "AAAAAAAAAAAAAAAAAAAAAA"


def b64u(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def line(*items: Any, raw: str | None = None) -> str:
    return b64u((json.dumps(list(items)) if raw is None else raw).encode())


def digest(encoded: str) -> str:
    return b64u(hashlib.sha256(encoded.encode()).digest())


def token(payload: Any, *disclosures: str) -> str:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signed = f"{HEADER}.{b64u(body)}.AA"
    return "~".join((signed, *disclosures, ""))


def claims(payload: Any, *disclosures: str) -> sdjwt.Presented:
    return sdjwt.parse(token(payload, *disclosures)).claims()


A = line(SALT, "a", 1)
ELEMENT = line(SALT, "x")


def test_good_ones() -> None:
    presented = claims({"_sd": [digest(A), "x" * 43], "_sd_alg": "sha-256", "b": 2}, A)
    assert presented.claims == {"b": 2, "a": 1}
    assert presented.withheld == 1
    (disclosed,) = presented.disclosed
    assert (disclosed.encoded, disclosed.salt, disclosed.name) == (A, SALT, "a")
    assert (disclosed.path, disclosed.pointer) == (("a",), "/a")
    presented = claims({"list": [1, {"...": "y" * 43}, {"...": digest(ELEMENT)}]}, ELEMENT)
    assert presented.claims == {"list": [1, "x"]}
    assert presented.withheld == 1
    # The index is the one in the processed claims.
    assert presented.disclosed[0].path == ("list", 1)
    assert claims({"a": 1}).disclosed == ()


def test_claims_can_be_asked_twice() -> None:
    parsed = sdjwt.parse(token({"_sd": [digest(A)]}, A))
    assert parsed.claims() == parsed.claims()


def test_members_come_in_token_order() -> None:
    lines = [line(SALT, name, 1) for name in "hgfedcba"]
    presented = claims({"_sd": sorted(map(digest, lines))}, *lines)
    assert list(presented.claims) == list("hgfedcba")


def test_t27_the_same_digest_twice() -> None:
    once = digest(A)
    nested = line(SALT, "n", {"_sd": [once]})
    decoy = "z" * 43
    twice: list[tuple[Any, ...]] = [
        ({"_sd": [once, once]}, A),
        ({"_sd": [once], "b": {"_sd": [once]}}, A),
        ({"_sd": [once, digest(nested)]}, A, nested),
        ({"_sd": [once], "b": [{"...": once}]}, A),
        ({"list": [{"...": digest(ELEMENT)}, {"...": digest(ELEMENT)}]}, ELEMENT),
        ({"_sd": [once]}, A, A),
        ({"_sd": [decoy, decoy]},),
        ({"_sd": [decoy], "list": [{"...": decoy}]},),
    ]
    for payload, *disclosures in twice:
        with pytest.raises(DisclosureInvalid):
            claims(payload, *disclosures)


def test_t28_every_disclosure_is_referenced() -> None:
    child = line(SALT, "c", 1)
    parent = line(SALT, "p", {"_sd": [digest(child)]})
    assert claims({"_sd": [digest(parent)]}, child, parent).claims == {"p": {"c": 1}}
    for payload, *disclosures in (
        ({"b": 1}, A),
        ({"_sd": ["x" * 43]}, A),
        ({"_sd": []}, A),
        # The parent is withheld, so nothing references the child.
        ({"_sd": [digest(parent)]}, child),
        ({"b": digest(A)}, A),
        ({"b": {"sd": [digest(A)]}}, A),
    ):
        with pytest.raises(DisclosureInvalid):
            claims(payload, *disclosures)


@pytest.mark.parametrize(
    "items",
    [
        [], [SALT], [SALT, "a", 1, 2], [1, "a", 1], [None, "a", 1], [[SALT], "a", 1], [True,
        "a", 1],
        [SALT, 5, 1], [SALT, None, 1], [SALT, ["a"], 1], [SALT, {"a": 1}, 1],
        [SALT, "_sd", ["x" * 43]], [SALT, "...", "x"], [SALT, "_sd_alg", "sha-256"], [SALT, 1],
    ],
)  # fmt: skip
def test_t29_shape_of_a_claims_disclosure(items: list[Any]) -> None:
    encoded = line(*items)
    with pytest.raises(DisclosureInvalid):
        claims({"_sd": [digest(encoded)]}, encoded)


@pytest.mark.parametrize(
    "items", [[SALT, "a", 1], [SALT], [], [5, "x"], [None, "x"], [SALT, 1, 2, 3]]
)
def test_t29_shape_of_an_elements_disclosure(items: list[Any]) -> None:
    encoded = line(*items)
    with pytest.raises(DisclosureInvalid):
        claims({"list": [{"...": digest(encoded)}]}, encoded)


@pytest.mark.parametrize(
    "raw",
    [
        '{"salt":1}', '"text"', "null", "5", "true",
    ],
)  # fmt: skip
def test_t29_a_disclosure_is_an_array(raw: str) -> None:
    encoded = line(raw=raw)
    with pytest.raises(DisclosureInvalid):
        claims({"_sd": [digest(encoded)]}, encoded)


@pytest.mark.parametrize(
    "raw",
    [
        '["s","a",1', '["s","a",1]x', '["s","a",{"b":1,"b":2}]', '["s","a",NaN]',
        '["s","a",1e400]',
        '["s","a","\\ud800"]', '["s","a","\\u0000"]', "\ufeff[]",
        '["s","a",' + "[" * 17 + "]" * 17 + "]",
        '["s","a",99999999999999999999]', "['s','a',1]", "",
    ],
)  # fmt: skip
def test_t13_t14_t15_t17_disclosures_are_read_strictly(raw: str) -> None:
    encoded = line(raw=raw)
    with pytest.raises(Malformed):
        claims({"_sd": [digest(encoded)]}, encoded)


@pytest.mark.parametrize("name", sorted(sdjwt.ALWAYS_CLEAR))
def test_t30_protected_claims(name: str) -> None:
    encoded = line(SALT, name, {"x": 1})
    with pytest.raises(DisclosureInvalid):
        claims({"_sd": [digest(encoded)]}, encoded)
    inner = line(SALT, "x", 1)
    with pytest.raises(DisclosureInvalid):
        claims({name: {"_sd": [digest(inner)]}}, inner)
    element = line(SALT, "x")
    with pytest.raises(DisclosureInvalid):
        claims({name: [{"...": digest(element)}]}, element)
    assert claims({"member": {"_sd": [digest(encoded)]}}, encoded).claims["member"]


def test_t30_no_overwriting() -> None:
    other = line("BBBBBBBBBBBBBBBBBBBBBB", "a", 2)
    for payload, *disclosures in (
        ({"a": 0, "_sd": [digest(A)]}, A),
        ({"_sd": [digest(A), digest(other)]}, A, other),
        ({"b": {"a": None, "_sd": [digest(A)]}}, A),
    ):
        with pytest.raises(DisclosureInvalid):
            claims(payload, *disclosures)


@pytest.mark.parametrize(
    "payload",
    [
        {"_sd_alg": "md5"}, {"_sd_alg": "sha-1"}, {"_sd_alg": "SHA-256"},
        {"_sd_alg": "sha-512"}, {"_sd_alg": ""},
        {"_sd_alg": None}, {"_sd_alg": 256}, {"_sd_alg": ["sha-256"]}, {"_sd_alg": {}},
        {"a": {"_sd_alg": "sha-256"}}, {"a": [{"_sd_alg": "sha-256"}]},
        {"_sd": {}}, {"_sd": "x" * 43}, {"_sd": None}, {"_sd": 1}, {"_sd": [1]}, {"_sd": [None]},
        {"_sd": [["x" * 43]]}, {"_sd": [""]}, {"_sd": ["x" * 42]}, {"_sd": ["x" * 44]},
        {"a": {"_sd": 1}},
        {"a": [{"...": 1}]}, {"a": [{"...": ["x"]}]}, {"a": [{"...": None}]}, {"a": [{"...": ""}]},
        {"a": [{"...": "x" * 43, "b": 1}]}, {"a": [{"...": "x" * 43, "_sd": []}]},
        {"...": "x" * 43}, {"a": {"...": "x" * 43}}, {"a": [{"b": {"...": "x" * 43}}]},
        {"_sd": ["A" * 42 + "="]}, {"a": [{"...": "A" * 42 + "\n"}]}, {"_sd": ["é" * 43]},
        {"a": [[{"...": "x" * 43, "b": 1}]]},
    ],
)  # fmt: skip
def test_t31_reserved_names_in_wrong_places(payload: Any) -> None:
    with pytest.raises(DisclosureInvalid):
        claims(payload)


def test_t31_reserved_names_inside_a_disclosure() -> None:
    for value in ({"_sd_alg": "sha-256"}, {"...": "x" * 43}, {"_sd": 1}, [{"...": 1}]):
        encoded = line(SALT, "a", value)
        with pytest.raises(DisclosureInvalid):
            claims({"_sd": [digest(encoded)]}, encoded)


def test_t31_absent_means_sha_256_and_sm3_is_known_by_name() -> None:
    assert claims({"_sd": [digest(A)]}, A).claims == {"a": 1}
    with pytest.raises(AlgorithmNotAllowed):
        claims({"_sd": [digest(A)], "_sd_alg": "sm3"}, A)


def test_t31_nothing_reserved_is_left() -> None:
    child = line(SALT, "c", 1)
    parent = line(SALT, "p", [{"_sd": [digest(child), "x" * 43]}, {"...": "y" * 43}])
    presented = claims({"_sd": [digest(parent)], "_sd_alg": "sha-256"}, parent, child)
    assert presented.claims == {"p": [{"c": 1}]}
    assert presented.withheld == 2


@pytest.mark.parametrize(
    "raw", ['[ "S", "a", 1]', '["S","a",1 ]', '["\\u0053","a",1]', '["S","\\u0061",1]']
)
def test_t32_the_digest_covers_the_received_text(raw: str) -> None:
    plain, other = line(raw='["S","a",1]'), line(raw=raw)
    assert claims({"_sd": [digest(other)]}, other).claims == {"a": 1}
    with pytest.raises(DisclosureInvalid):
        claims({"_sd": [digest(plain)]}, other)
    with pytest.raises(DisclosureInvalid):
        claims({"_sd": [digest(other)]}, plain)


def test_t32_twin_spellings_of_base64url() -> None:
    encoded = line(raw='["S","a",123]')
    assert len(encoded) % 4
    twin = encoded[:-1] + chr(ord(encoded[-1]) + 1)
    with pytest.raises(Malformed):
        claims({"_sd": [digest(twin)]}, twin)


SIGNED = token({"_sd": [digest(A)]}).rstrip("~")
KB = f"{HEADER}.e30.AA"


def test_t36_good_forms() -> None:
    assert sdjwt.parse(f"{SIGNED}~").disclosures == ()
    parsed = sdjwt.parse(f"{SIGNED}~{A}~{KB}")
    assert (parsed.disclosures, parsed.kb_jwt, parsed.issuer_part) == ((A,), KB, f"{SIGNED}~{A}~")
    assert sdjwt.parse(f"{SIGNED}~{KB}").kb_jwt == KB


@pytest.mark.parametrize(
    "text",
    [
        "", "~", "~~", SIGNED, f"{SIGNED}~{A}", f"{SIGNED}~~", f"{SIGNED}~~{A}~",
        f"{SIGNED}~{A}~~", f"~{SIGNED}~",
        f"{SIGNED}~{A}~~{KB}", f"{SIGNED}~{A}~{KB}~", f"{SIGNED}~{A} ~", f"{SIGNED}~{A}=~",
        f" {SIGNED}~", f"{SIGNED}~\n",
        f"{SIGNED}~é~", f"{SIGNED}~+/~", f"{SIGNED}~{A}~.", f"{SIGNED}~{A}~a.b",
        f"{SIGNED}~{A}~a.b.c.d", f"{A}~{SIGNED}~",
        f"{SIGNED}\x00~", f"{SIGNED}~{A}\x00~",
        f'{{"payload":"{SIGNED}","disclosures":["{A}"]}}~', f"{SIGNED},{A}~",
    ],
)  # fmt: skip
def test_t36_grammar(text: str) -> None:
    with pytest.raises(Malformed):
        sdjwt.parse(text)
