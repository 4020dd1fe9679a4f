"""What `draft` makes: exact text, pre-order, salts, and what it refuses (T27, T30, T33)."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from certsvc_sdk import sdjwt
from certsvc_sdk.errors import DisclosureInvalid, Malformed

Salts = Callable[[int], bytes]
HOUSEHOLD: dict[str, Any] = {
    "iss": "https://certs.example/i/119999000000000273",
    "vct": "https://certs.example/vct/household-register/1",
    "head": "张三",
    "address": {"district": "城关区", "street": "东风路1号"},
    "members": [
        {"name": "张三", "relationship": "户主", "former_name": "张小三", "sex": "男"},
        {"name": "李四", "relationship": "配偶", "sex": "女"},
    ],
    "iat": 1,
}
DISCLOSE = {
    "/head",
    "/address",
    "/members/*",
    "/members/*/former_name",
    "/members/*/sex",
}


def b64u(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def text(encoded: str) -> str:
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()


def digest(encoded: str) -> str:
    return b64u(hashlib.sha256(encoded.encode()).digest())


def draft(claims: Any, disclose: Any, salts: Salts) -> sdjwt.Draft:
    header = {"alg": "ES256", "typ": "dc+sd-jwt", "kid": "k"}
    return sdjwt.draft(header=header, claims=claims, disclose=disclose, salts=salts)


def test_exact_text_and_pre_order(numbered_salts: Salts) -> None:
    made = draft(HOUSEHOLD, DISCLOSE, numbered_salts)
    salts = [b64u(numbered_salts(index)) for index in range(7)]
    lines = made.disclosures
    # The array stands before `_sd` in the text, so its lines come first; head and address last.
    sex0, sex1 = digest(lines[2]), digest(lines[4])
    former = digest(lines[1])
    sd0 = ",".join(f'"{item}"' for item in sorted([former, sex0]))
    assert [text(line) for line in lines] == [
        f'["{salts[0]}",{{"name":"张三","relationship":"户主","_sd":[{sd0}]}}]',
        f'["{salts[1]}","former_name","张小三"]',
        f'["{salts[2]}","sex","男"]',
        f'["{salts[3]}",{{"name":"李四","relationship":"配偶","_sd":["{sex1}"]}}]',
        f'["{salts[4]}","sex","女"]',
        f'["{salts[5]}","head","张三"]',
        f'["{salts[6]}","address",{{"district":"城关区","street":"东风路1号"}}]',
    ]
    top = ",".join(f'"{item}"' for item in sorted([digest(lines[5]), digest(lines[6])]))
    assert made.payload_json == (
        '{"iss":"https://certs.example/i/119999000000000273",'
        '"vct":"https://certs.example/vct/household-register/1",'
        f'"members":[{{"...":"{digest(lines[0])}"}},{{"...":"{digest(lines[3])}"}}],'
        f'"iat":1,"_sd":[{top}],"_sd_alg":"sha-256"}}'
    )
    assert made.header_json == '{"alg":"ES256","typ":"dc+sd-jwt","kid":"k"}'
    assert made.signing_input == (
        f"{b64u(made.header_json.encode())}.{b64u(made.payload_json.encode())}".encode()
    )


def test_finish_and_read_back(any_signer: Any, numbered_salts: Salts) -> None:
    made = sdjwt.draft(
        header=any_signer.header(), claims=HOUSEHOLD, disclose=DISCLOSE, salts=numbered_salts
    )
    token = made.finish(any_signer.sign(made.signing_input))
    assert token.endswith("~")
    assert token.count("~") == 8
    parsed = sdjwt.parse(token)
    any_signer.public.verify(parsed.jws.signing_input, parsed.jws.signature)
    presented = parsed.claims()
    assert presented.claims == HOUSEHOLD
    assert presented.withheld == 0
    assert [item.pointer for item in presented.disclosed] == [
        "/members/0",
        "/members/0/former_name",
        "/members/0/sex",
        "/members/1",
        "/members/1/sex",
        "/head",
        "/address",
    ]


def test_nothing_disclosable(numbered_salts: Salts) -> None:
    made = draft(HOUSEHOLD, (), numbered_salts)
    assert made.disclosures == ()
    assert json.loads(made.payload_json) == HOUSEHOLD
    assert list(json.loads(made.payload_json)) == list(HOUSEHOLD)
    assert made.finish(b"\x01" * 64).count("~") == 1
    # Pointers that meet nothing change nothing: optional fields may be absent.
    assert draft(HOUSEHOLD, {"/absent", "/members/*/absent", "/head/x"}, numbered_salts) == made


def test_single_elements_and_escaped_names(numbered_salts: Salts) -> None:
    claims = {"a/b": 1, "m~n": 2, "*": 3, "list": ["x", "y", "z"], "": 4}
    made = draft(claims, {"/a~1b", "/m~0n", "/*", "/list/1", "/"}, numbered_salts)
    assert len(made.disclosures) == 5
    token = made.finish(b"\x01" * 64)
    presented = sdjwt.parse(token).claims()
    assert presented.claims == claims
    pointers = [item.pointer for item in presented.disclosed]
    assert pointers == ["/list/1", "/a~1b", "/m~0n", "/*", "/"]
    assert [item.name for item in presented.disclosed] == [None, "a/b", "m~n", "*", ""]


def test_star_and_index_work_together(numbered_salts: Salts) -> None:
    claims = {"list": [{"a": 1, "b": {"c": 1, "d": 2}}, {"a": 1, "b": {"c": 1, "d": 2}}]}
    compiled = sdjwt.Pointers.of({"/list/*/a", "/list/*/b/c", "/list/1", "/list/1/b/d"})
    made = draft(claims, compiled, numbered_salts)
    presented = sdjwt.parse(made.finish(b"\x01" * 64)).claims()
    assert presented.claims == claims
    assert {item.pointer for item in presented.disclosed} == {
        "/list/0/a",
        "/list/0/b/c",
        "/list/1",
        "/list/1/a",
        "/list/1/b/c",
        "/list/1/b/d",
    }
    assert made == draft(claims, compiled, numbered_salts)


def test_arrays_in_arrays_and_every_json_type(numbered_salts: Salts) -> None:
    claims = {"list": [[1, 2], [3]], "values": [None, True, 1, 1.5, "s", [], {}]}
    made = draft(claims, {"/list/*", "/list/*/*", "/values/*", "/values"}, numbered_salts)
    assert len(made.disclosures) == 2 + 3 + 1 + 7
    assert sdjwt.parse(made.finish(b"\x01" * 64)).claims().claims == claims


def test_real_households(samples: Path, numbered_salts: Salts) -> None:
    disclose = {"/head_name", "/address", "/members/*", "/members/*/birthplace"}
    lines = (samples / "households.jsonl").read_text(encoding="utf-8").splitlines()
    for line in lines[:100]:
        claims = json.loads(line)
        made = draft(claims, disclose, numbered_salts)
        presented = sdjwt.parse(made.finish(b"\x01" * 64)).claims()
        assert presented.claims == claims
        assert len(made.disclosures) == 2 + len(claims["members"]) + sum(
            "birthplace" in member for member in claims["members"]
        )


@pytest.mark.parametrize("name", sorted(sdjwt.ALWAYS_CLEAR))
def test_t30_what_verifiers_need_stays_clear(name: str, numbered_salts: Salts) -> None:
    for pointer in (f"/{name}", f"/{name}/status_list", f"/{name}/*"):
        with pytest.raises(DisclosureInvalid):
            draft({name: {"status_list": {}}, "a": 1}, {pointer}, numbered_salts)
    # The same name further down is a claim like any other.
    made = draft({"member": {name: "x"}}, {f"/member/{name}"}, numbered_salts)
    assert len(made.disclosures) == 1


def test_always_clear_is_the_documented_set() -> None:
    names = "iss nbf exp cnf vct vct#integrity aka_vcts status iat certificate_identifier"
    assert names.split() == sorted(sdjwt.ALWAYS_CLEAR, key=names.split().index)


@pytest.mark.parametrize(
    "claims",
    [
        {"_sd": []},
        {"_sd_alg": "sha-256"},
        {"...": "x"},
        {"a": {"_sd": ["x"]}},
        {"a": [{"...": "x"}]},
        {"a": [[{"_sd_alg": "x"}]]},
    ],
)
def test_reserved_names_are_refused(claims: Any, numbered_salts: Salts) -> None:
    for disclose in ((), {"/a"}, {"/a/*"}):
        with pytest.raises(DisclosureInvalid):
            draft(claims, disclose, numbered_salts)


@pytest.mark.parametrize("pointer", ["", "head", "head/x", "#/head", "$.head"])
def test_pointers_start_with_a_slash(pointer: str, numbered_salts: Salts) -> None:
    with pytest.raises(DisclosureInvalid):
        draft(HOUSEHOLD, {pointer}, numbered_salts)


def test_at_most_256_disclosures(numbered_salts: Salts) -> None:
    claims: dict[str, Any] = {"list": list(range(256))}
    made = draft(claims, {"/list/*"}, numbered_salts)
    assert len(made.disclosures) == 256
    assert sdjwt.parse(made.finish(b"\x01" * 64)).claims().claims == claims
    with pytest.raises(DisclosureInvalid):
        draft({"list": list(range(257))}, {"/list/*"}, numbered_salts)


def test_depth_is_bounded(numbered_salts: Salts) -> None:
    deep: Any = 1
    for _ in range(15):
        deep = {"a": deep}
    made = draft(deep, {"/a/a"}, numbered_salts)
    assert sdjwt.parse(made.finish(b"\x01" * 64)).claims().claims == deep
    for _ in range(10_000):
        deep = {"a": deep}
    for disclose in ((), {"/a"}, {"/a/a"}):
        with pytest.raises(DisclosureInvalid):
            draft(deep, disclose, numbered_salts)


@pytest.mark.parametrize("value", [float("nan"), "\ud800", object(), b"x"])
def test_values_must_be_json(value: Any, numbered_salts: Salts) -> None:
    for disclose in ((), {"/a"}):
        with pytest.raises(Malformed):
            draft({"a": value}, disclose, numbered_salts)


def test_t33_salts_from_a_seed() -> None:
    seed = bytes(range(16))
    salt = sdjwt.salts_from_seed(seed)
    for index in (0, 1, 255):
        message = b"qr1-salt" + bytes([index])
        assert salt(index) == hmac.new(seed, message, hashlib.sha256).digest()[:16]
    assert len({salt(index) for index in range(256)}) == 256
    assert salt(0) != sdjwt.salts_from_seed(bytes(16))(0)
    for index in (-1, 256):
        with pytest.raises(DisclosureInvalid):
            salt(index)
    for wrong in (b"", bytes(15), bytes(17)):
        with pytest.raises(DisclosureInvalid):
            sdjwt.salts_from_seed(wrong)


def test_t33_individual_salts() -> None:
    salt = sdjwt.individual_salts()
    drawn = {salt(0) for _ in range(1000)}
    assert len(drawn) == 1000
    assert {len(item) for item in drawn} == {16}
    sizes: list[int] = []
    sdjwt.individual_salts(lambda size: sizes.append(size) or secrets.token_bytes(size))(3)
    assert sizes == [16]


def test_t33_salts_must_be_fresh_and_long() -> None:
    claims = {"a": 1, "b": 2}
    with pytest.raises(DisclosureInvalid, match="repeats"):
        draft(claims, {"/a", "/b"}, lambda _index: bytes(16))
    for size in (0, 8, 15, 17):
        with pytest.raises(DisclosureInvalid):
            draft(claims, {"/a"}, lambda _index, size=size: secrets.token_bytes(size))


def test_t33_a_hidden_low_entropy_claim_cannot_be_guessed() -> None:
    made = draft({"sex": "男", "b": 1}, {"/sex"}, sdjwt.individual_salts())
    hidden = json.loads(made.payload_json)["_sd"][0]
    salt = json.loads(text(made.disclosures[0]))[0]
    assert salt not in made.payload_json
    for guess in ("男", "女"):
        for weak in ("", "sex", "b", b64u(bytes(16)), b64u(bytes(range(16)))):
            line = json.dumps([weak, "sex", guess], ensure_ascii=False, separators=(",", ":"))
            assert digest(b64u(line.encode())) != hidden
