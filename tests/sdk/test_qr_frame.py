"""The QR frame: exact for every sample, closed to what it cannot carry."""

import hashlib
import re
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from bench.qr_sizes import KINDS, Kind, tokens
from certsvc_sdk import jws, qr, sdjwt
from certsvc_sdk.errors import (
    CertsvcError,
    DisclosureInvalid,
    FormatUnsupported,
    Malformed,
)
from certsvc_sdk.qr import frame
from certsvc_sdk.sdjwt import digest as digest_of
from certsvc_sdk.strict import b64u_encode

SEED = bytes(range(16))
SIGNATURE = bytes(64)
CLAIMS: dict[str, Any] = {
    "iss": "https://certs.example/i/119999000000000273",
    "head_name": "张三",
    "address": {"street": "一号", "door": 3},
    "members": [
        {"name": "张三", "sex": "男", "former_name": "李三"},
        {"name": "李四", "sex": "女"},
    ],
}
DISCLOSE = {"/head_name", "/address", "/address/door", "/members/*", "/members/*/sex"}
Salts = Callable[[int], bytes]


def make(salts: Salts, claims: dict[str, Any] = CLAIMS, disclose: set[str] = DISCLOSE) -> str:
    header = {"alg": "ES256", "typ": "dc+sd-jwt", "kid": "n4bQgYhMfWW"}
    draft = sdjwt.draft(header=header, claims=claims, disclose=disclose, salts=salts)
    return draft.finish(SIGNATURE)


def rewritten(payload: str, *disclosures: str, signature: bytes = SIGNATURE) -> str:
    jws_part = ".".join(map(b64u_encode, (b'{"alg":"ES256"}', payload.encode(), signature)))
    return "~".join((jws_part, *(b64u_encode(item.encode()) for item in disclosures), ""))


# Median, 95th percentile and maximum of the body's bytes that the wire format aims at.
GOALS = ((405, 525, 555), (535, 721, 804))


@pytest.mark.parametrize(("kind", "goal"), [*zip(KINDS, GOALS, strict=True)])
def test_every_sample_comes_back_exactly(kind: Kind, goal: tuple[int, int, int]) -> None:
    made = list(tokens(kind))
    assert len(made) == 300
    sizes = []
    for token, seed, _ in made:
        body = frame.pack(token, seed, dictionary=kind.dictionary)
        assert frame.unpack(body) == frame.Unpacked(token, seed, kind.dictionary)
        sizes.append(len(body))
    sizes.sort()
    assert sizes[150] <= goal[0]
    assert sizes[285] <= goal[1]
    assert sizes[-1] <= goal[2]


def test_seed_salts_are_those_of_the_draft() -> None:
    salts = sdjwt.salts_from_seed(SEED)
    assert [frame._salt(SEED, i) for i in range(256)] == [salts(i) for i in range(256)]


def test_layout() -> None:
    token = make(sdjwt.salts_from_seed(SEED))
    body = frame.pack(token, SEED, dictionary=0)
    assert body[:3] == b"\x01\x00\x00"
    assert body[3:19] == SEED
    assert body[-66:-2] == SIGNATURE
    assert frame.crc16(body[:-2]) == body[-2:]
    stream = zlib.decompress(body[19:-66], -15).decode()
    # Pre-order: each disclosure before those inside it, members before `_sd`, schema order within.
    assert stream.split("\n") == [
        '{"alg":"ES256","typ":"dc+sd-jwt","kid":"n4bQgYhMfWW"}',
        '{"iss":"https://certs.example/i/119999000000000273","members":[{"...":""},{"...":""}],'
        '"_sd":[2],"_sd_alg":"sha-256"}',
        '{"name":"张三","former_name":"李三","_sd":[1]}',
        '"sex":"男"',
        '{"name":"李四","_sd":[1]}',
        '"sex":"女"',
        '"head_name":"张三"',
        '"address":{"street":"一号","_sd":[1]}',
        '"door":3',
    ]


def test_no_disclosures_need_no_salts(numbered_salts: Salts) -> None:
    token = make(numbered_salts, disclose=set())
    body = frame.pack(token, None, dictionary=1)
    assert body[:3] == b"\x01\x01\x02"
    assert frame.unpack(body) == frame.Unpacked(token, None, 1)
    assert frame.pack(token, SEED, dictionary=1) == body


def test_individual_salts(numbered_salts: Salts) -> None:
    token = make(numbered_salts)
    body = frame.pack(token, None, dictionary=2)
    assert body[:4] == b"\x01\x02\x01\x07"
    assert frame.unpack(body) == frame.Unpacked(token, None, 2)


@pytest.mark.parametrize("keep", [set(), {"/head_name"}, {"/members/1/sex"}, {"/address"}])
def test_a_presentation_that_withholds_never_carries_the_seed(keep: set[str]) -> None:
    partial = sdjwt.present(make(sdjwt.salts_from_seed(SEED)), keep)
    with pytest.raises(DisclosureInvalid, match="never travels"):
        frame.pack(partial, SEED, dictionary=2)
    body = frame.pack(partial, None, dictionary=2)
    assert frame.unpack(body) == frame.Unpacked(partial, None, 2)
    assert SEED not in body


@pytest.mark.parametrize("seed", [b"", bytes(15), bytes(16), bytes(32)])
def test_a_seed_the_salts_do_not_come_from(seed: bytes) -> None:
    with pytest.raises(DisclosureInvalid):
        frame.pack(make(sdjwt.salts_from_seed(SEED)), seed, dictionary=2)


def test_disclosures_out_of_order_are_refused(numbered_salts: Salts) -> None:
    head, *disclosures, end = make(numbered_salts).split("~")
    with pytest.raises(FormatUnsupported):
        frame.pack("~".join((head, *reversed(disclosures), end)), None, dictionary=0)


def test_a_disclosure_too_many_or_twice(numbered_salts: Salts) -> None:
    token = make(numbered_salts)
    stranger = b64u_encode(b'["AAAAAAAAAAAAAAAAAAAAAA","a",1]')
    with pytest.raises(DisclosureInvalid):
        frame.pack(f"{token}{stranger}~", None, dictionary=0)
    with pytest.raises(DisclosureInvalid):
        frame.pack(token + token.split("~")[1] + "~", None, dictionary=0)


SALTED = '["AAAAAAAAAAAAAAAAAAAAAA","a",1]'


def test_one_disclosure_under_two_digests() -> None:
    digest = digest_of(b64u_encode(SALTED.encode()))
    twice = rewritten(f'{{"_sd":["{digest}","{digest}"]}}', SALTED)
    with pytest.raises(DisclosureInvalid, match="two"):
        frame.pack(twice, None, dictionary=0)


@pytest.mark.parametrize(
    "disclosure",
    [
        '["AAAA","a",1]',
        '["AAAAAAAAAAAAAAAAAAAAAA",1]',
        '["AAAAAAAAAAAAAAAAAAAAAA", "a", 1]',
        '{"AAAAAAAAAAAAAAAAAAAAAA":1}',
        '["AAAAAAAAAAAAAAAAAAAAAA","a",\n1]',
    ],
)
def test_disclosures_of_another_form(disclosure: str) -> None:
    digest = digest_of(b64u_encode(disclosure.encode()))
    token = rewritten(f'{{"_sd":["{digest}"]}}', disclosure)
    with pytest.raises((DisclosureInvalid, FormatUnsupported)):
        frame.pack(token, None, dictionary=0)


@pytest.mark.parametrize(
    "payload",
    [
        '{"a": 1,\n"b":2}',
        '{"_sd":"text"}',
        '{"_sd":[3]}',
        '{"_sd": []}',
        f'{{"_sd":["{"B" * 43}","{"A" * 43}"]}}',
        '{"a":{"...":""}}',
        '{"_sd":[],"a":"endless}',
    ],
)
def test_payloads_a_frame_cannot_give_back(payload: str) -> None:
    with pytest.raises((FormatUnsupported, DisclosureInvalid)):
        frame.pack(rewritten(payload), None, dictionary=0)


@pytest.mark.parametrize("payload", ['{"_sd":[]}', '{ "a" : 1 }', '{"a":"_sd"}', '{"\\"_sd":[5]}'])
def test_unusual_payloads_that_come_back(payload: str) -> None:
    token = rewritten(payload)
    assert frame.unpack(frame.pack(token, None, dictionary=0)).token == token


def test_grammar_of_the_token(numbered_salts: Salts) -> None:
    token = make(numbered_salts)
    for bad in (
        "",
        token[:-1],
        token + "~",
        token + "a.b.c",
        token.replace(".", "", 1),
        "a" * (64 * 1024 + 1),
        token.replace("~", "~=", 1),
        "~".join((b64u_encode(b"\xff") + ".YQ." + "AA", "")),
    ):
        with pytest.raises(CertsvcError) as caught:
            frame.pack(bad, None, dictionary=0)
        assert isinstance(caught.value, Malformed)


def test_text_that_is_not_utf8() -> None:
    signature, broken = b64u_encode(SIGNATURE), b64u_encode(b'"\xff"')
    with pytest.raises(Malformed, match="UTF-8"):
        frame.pack(f"YQ.{broken}.{signature}~", None, dictionary=0)
    latin = b64u_encode('["AAAAAAAAAAAAAAAAAAAAAA","é"]'.encode("latin-1"))
    digest = digest_of(latin)
    token = rewritten(f'{{"m":[{{"...":"{digest}"}}]}}')
    with pytest.raises(Malformed, match="UTF-8"):
        frame.pack(f"{token}{latin}~", None, dictionary=0)


def test_signatures_of_another_size(numbered_salts: Salts) -> None:
    with pytest.raises(FormatUnsupported, match="64 bytes"):
        frame.pack(rewritten('{"a":1}', signature=bytes(96)), None, dictionary=0)
    with pytest.raises(FormatUnsupported):
        frame.pack(make(numbered_salts), None, dictionary=9)


def test_limits_of_disclosures(numbered_salts: Salts) -> None:
    names = [f"c{number}" for number in range(256)]
    claims = dict.fromkeys(names, 1)
    pointers = {f"/{name}" for name in names}
    seeded = make(sdjwt.salts_from_seed(SEED), claims, pointers)
    assert frame.unpack(frame.pack(seeded, SEED, dictionary=0)).token == seeded
    with pytest.raises(FormatUnsupported, match="255"):
        frame.pack(make(numbered_salts, claims, pointers), None, dictionary=0)
    with pytest.raises(DisclosureInvalid, match="256"):
        frame.pack(seeded + "YQ~", SEED, dictionary=0)


def test_disclosures_nested_too_deep() -> None:
    inner = "1"
    disclosures: list[str] = []
    for depth in range(20):
        text = f'["{b64u_encode(bytes([depth]) * 16)}","a",{inner}]'
        disclosures.insert(0, text)
        digest = digest_of(b64u_encode(text.encode()))
        inner = f'{{"_sd":["{digest}"]}}'
    with pytest.raises(DisclosureInvalid, match="deeper"):
        frame.pack(rewritten(inner, *disclosures), None, dictionary=0)


def test_secrets_stay_out_of_repr() -> None:
    token = make(sdjwt.salts_from_seed(SEED))
    shown = repr(frame.unpack(frame.pack(token, SEED, dictionary=0)))
    assert token[:20] not in shown
    assert "seed" not in shown


def test_text_round_trip() -> None:
    token = make(sdjwt.salts_from_seed(SEED))
    text = qr.encode(token, SEED, host="certs.example", dictionary=qr.DICTIONARY_HOUSEHOLD)
    assert re.fullmatch(r"https://certs\.example/v#[0-9]+", text)
    assert qr.decode(text) == qr.Unpacked(token, SEED, qr.DICTIONARY_HOUSEHOLD)


def test_flipped_bits_with_a_right_crc_never_pass(es256_signer: Any) -> None:
    """Whatever a changed frame yields, it is refused, the same token, or has a wrong signature."""
    draft = sdjwt.draft(
        header=es256_signer.header(),
        claims=CLAIMS,
        disclose=DISCLOSE,
        salts=sdjwt.salts_from_seed(SEED),
    )
    token = draft.finish(es256_signer.sign(draft.signing_input))
    body = frame.pack(token, SEED, dictionary=2)
    rebuilt = 0
    for number in range(3000):
        place = int.from_bytes(hashlib.sha256(b"%d" % number).digest(), "big")
        changed = bytearray(body[:-2])
        changed[place // 8 % len(changed)] ^= 1 << place % 8
        try:
            other = frame.unpack(bytes(changed) + frame.crc16(bytes(changed))).token
        except CertsvcError:
            continue
        if other == token:
            continue
        rebuilt += 1
        head = other.split("~")[0]
        assert head != token.split("~")[0]
        try:
            compact = jws.parse(head)
            es256_signer.public.verify(compact.signing_input, compact.signature)
        except CertsvcError:
            continue
        pytest.fail("a changed frame gave a token with a valid signature")
    assert rebuilt > 100
    compact = jws.parse(token.split("~")[0])
    es256_signer.public.verify(compact.signing_input, compact.signature)
