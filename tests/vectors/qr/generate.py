"""Make `frame-v1.json`: QR frames that every reader must read for ever, and broken ones.

Run it for new cases only (`python tests/vectors/qr/generate.py`); published bytes stay readable,
so an existing valid case is never removed. Signatures are fixed bytes: frames carry, not verify.
"""

import hashlib
import json
import zlib
from collections.abc import Callable
from pathlib import Path

from certsvc_sdk import sdjwt
from certsvc_sdk.qr import dictionaries, digits, frame, text

TARGET = Path(__file__).with_name("frame-v1.json")
HOST = "certs.example"
SEED = bytes(range(16))
SIGNATURE = bytes(range(64, 128))
HEADER = {"alg": "ES256", "typ": "dc+sd-jwt", "kid": "n4bQgYhMfWW"}
LICENCE = {
    "iss": "https://certs.example/i/119999000000000198",
    "vct": "https://certs.example/vct/business-licence/1",
    "iat": 1793491200,
    "unified_social_credit_code": "91999900MA0000007U",
    "name": "示例市甲乙丙科技有限公司",
    "business_scope": '一般项目:软件开发；销售代理 "_sd":[1] {"...":""} \\',
}
HOUSEHOLD = {
    "iss": "https://certs.example/i/119999000000000273",
    "vct": "https://certs.example/vct/household-register/1",
    "iat": 1793491200,
    "head_name": "张三",
    "address": "示例省示例市一号",
    "members": [
        {
            "name": "张三",
            "relationship_to_head": "户主",
            "sex": "男",
            "citizen_id": "999900199003070010",
        },
        {"name": "李四", "relationship_to_head": "配偶", "sex": "女"},
    ],
}
DISCLOSE = {"/head_name", "/address", "/members/*", "/members/*/sex", "/members/*/citizen_id"}

Salts = Callable[[int], bytes]


def token(claims: dict[str, object], disclose: set[str], salts: Salts) -> str:
    """Return an unverifiable token of these claims."""
    made = sdjwt.draft(header=HEADER, claims=claims, disclose=disclose, salts=salts)  # type: ignore[arg-type]
    return made.finish(SIGNATURE)


def own_salt(index: int) -> bytes:
    """Return a salt that comes from no seed."""
    return hashlib.sha256(b"vector %d" % index).digest()[:16]


def valid() -> list[dict[str, object]]:
    """Cases that unpack to exactly their token."""
    household = token(HOUSEHOLD, DISCLOSE, sdjwt.salts_from_seed(SEED))
    individual = token(HOUSEHOLD, DISCLOSE, own_salt)
    core = {"/head_name", "/members/0", "/members/1", "/members/1/sex"}
    cases = [
        ("no-disclosures", token(LICENCE, set(), own_salt), None, 1),
        ("no-disclosures-without-dictionary", token(LICENCE, set(), own_salt), None, 0),
        ("nested-seed", household, SEED, 2),
        ("nested-individual-salts", individual, None, 2),
        ("nested-some-withheld", sdjwt.present(individual, core), None, 2),
        ("nested-all-withheld", sdjwt.present(individual, set()), None, 2),
    ]
    rows: list[dict[str, object]] = []
    for name, made, seed, dictionary in cases:
        body = frame.pack(made, seed, dictionary=dictionary)
        rows.append(
            {
                "name": name,
                "text": text.to_text(body, HOST),
                "token": made,
                "seed": seed.hex() if seed else None,
                "dictionary": dictionary,
            }
        )
    return rows


def body(  # every part of a frame, so that a case can break one of them
    stream: bytes,
    *,
    head: bytes = b"\x01\x00\x02",
    salts: bytes = b"",
    packed: Callable[[bytes], bytes] | None = None,
    signature: bytes = SIGNATURE,
) -> bytes:
    """Return frame bytes with a right CRC."""
    data = (packed or deflate)(stream)
    content = head + salts + data + signature
    return content + frame.crc16(content)


def deflate(stream: bytes) -> bytes:
    """Raw DEFLATE without dictionary."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(stream) + packer.flush()


def broken_frames() -> dict[str, tuple[bytes, str]]:
    """Frames with a right CRC (but for one) that must be refused, with their error code."""
    flat = b'{"alg":"ES256"}\n{"iss":"x"}'
    one = b'{"alg":"ES256"}\n{"_sd":[1],"_sd_alg":"sha-256"}\n"a":1'
    seed = {"head": b"\x01\x00\x00", "salts": SEED}
    withheld = b"A" * 43
    good = body(flat)
    return {
        "crc-wrong": (good[:-1] + bytes((good[-1] ^ 1,)), "unreadable"),
        "version-2": (body(flat, head=b"\x02\x00\x02"), "format_unsupported"),
        "version-0": (body(flat, head=b"\x00\x00\x02"), "format_unsupported"),
        "flags-both": (body(flat, head=b"\x01\x00\x03"), "format_unsupported"),
        "flags-unknown": (body(flat, head=b"\x01\x00\x04"), "format_unsupported"),
        "dictionary-unknown": (body(flat, head=b"\x01\x63\x02"), "format_unsupported"),
        "signature-short": (
            body(flat, packed=lambda _: b"", signature=SIGNATURE[:63]),
            "malformed",
        ),
        "stream-cut": (body(flat, packed=lambda s: deflate(s)[:-2]), "malformed"),
        "stream-followed-by-bytes": (body(flat, packed=lambda s: deflate(s) + b"\0"), "malformed"),
        "stream-not-deflate": (body(flat, packed=lambda _: b"\xff\xff\xff"), "malformed"),
        "stream-over-64-kib": (body(flat + b" " * 65536), "malformed"),
        "stream-not-utf-8": (body(b'{"alg":1}\n{"iss":"\xff"}'), "malformed"),
        "stream-one-line": (body(b'{"alg":"ES256"}'), "malformed"),
        "stream-empty-header": (body(b'\n{"iss":"x"}'), "malformed"),
        "line-without-flag": (body(one), "malformed"),
        "line-missing": (body(one.replace(b"[1]", b"[2]"), **seed), "malformed"),
        "line-unused": (body(one + b'\n"b":2', **seed), "malformed"),
        "line-all-missing": (body(b'{"alg":1}\n{"_sd":[1]}'), "malformed"),
        "line-without-name": (body(one.replace(b'"a":1', b"1"), **seed), "malformed"),
        "line-without-value": (body(one.replace(b'"a":1', b'"a":'), **seed), "malformed"),
        "line-empty": (body(b'{"alg":1}\n{"m":[{"...":""}]}\n', **seed), "malformed"),
        "seed-without-lines": (body(flat, **seed), "malformed"),
        "seed-with-withheld": (
            body(one.replace(b"[1]", b'[1,"%s"]' % withheld), **seed),
            "malformed",
        ),
        "seed-with-withheld-element": (
            body(one.replace(b'{"_sd":', b'{"m":[{"...":"%s"}],"_sd":' % withheld), **seed),
            "malformed",
        ),
        "salts-too-few": (
            body(one + b"\n2", head=b"\x01\x00\x01", salts=b"\x01" + SEED),
            "malformed",
        ),
        "salts-too-many": (body(one, head=b"\x01\x00\x01", salts=b"\x02" + SEED * 2), "malformed"),
        "salts-none": (body(flat, head=b"\x01\x00\x01", salts=b"\x00"), "malformed"),
        "salts-past-the-end": (body(one, head=b"\x01\x00\x01", salts=b"\xff" + SEED), "malformed"),
        "withheld-unsorted": (
            body(
                one.replace(b"[1]", b'[1,"%s","%s"]' % (b"B" * 43, withheld)),
                head=b"\x01\x00\x01",
                salts=b"\x01" + SEED,
            ),
            "malformed",
        ),
        "sd-without-count": (body(one.replace(b"[1]", b"[]"), **seed), "malformed"),
        "sd-count-with-leading-zero": (body(one.replace(b"[1]", b"[01]"), **seed), "malformed"),
        "sd-with-white-space": (body(one.replace(b"[1]", b" [1]"), **seed), "malformed"),
        "sd-before-endless-string": (body(one.replace(b'256"}', b"256}"), **seed), "malformed"),
        "nested-too-deep": (
            body(one.replace(b'"a":1', b"\n".join([b'"a":{"_sd":[1]}'] * 20 + [b'"a":1'])), **seed),
            "malformed",
        ),
        "lines-over-256": (
            body(
                b'{"alg":1}\n{"_sd":[257]}' + b"".join(b'\n"a%d":1' % n for n in range(257)), **seed
            ),
            "malformed",
        ),
    }


def invalid() -> list[dict[str, str]]:
    """Texts that must be refused, with the code of the error."""
    prefix = f"https://{HOST}/v#"
    good = digits.encode(frame.pack(token(LICENCE, set(), own_salt), None, dictionary=1))
    texts = {
        "digits-none": (prefix, "unreadable"),
        "digits-cut": (prefix + good[:-2], "unreadable"),
        "digits-with-letter": (prefix + "l" + good[1:], "unreadable"),
        "digits-of-another-script": (prefix + "１" + good[1:], "unreadable"),
        "digits-group-above-range": (prefix + "9" * 17 + good[17:], "unreadable"),
        "digits-more-than-any-symbol": (prefix + "1" * 7091, "unreadable"),
        "digits-bare-broken": ("9" * 60, "unreadable"),
        "digits-bare-too-few": ("1" * 59, "not_a_certificate"),
        "url-foreign": ("https://example.org/pay?id=" + good, "not_a_certificate"),
        "url-other-path": (f"https://{HOST}/p#" + good[:39], "not_a_certificate"),
        "url-plain-http": (f"http://{HOST}/v#" + good, "not_a_certificate"),
        "url-user-info": (f"https://a@{HOST}/v#" + good, "not_a_certificate"),
        "url-other-script": ("https://cеrts.example/v#" + good, "not_a_certificate"),
        "url-script": ("javascript:alert(1)", "not_a_certificate"),
        "wifi": ("WIFI:S:hall;T:WPA;P:secret;;", "not_a_certificate"),
        "empty": ("", "not_a_certificate"),
        "text-longer-than-any-symbol": ("1" * 9000, "not_a_certificate"),
    }
    for name, (made, code) in broken_frames().items():
        texts[name] = (text.to_text(made, HOST), code)
    return [{"name": name, "text": made, "code": code} for name, (made, code) in texts.items()]


if __name__ == "__main__":
    pinned = {str(n): hashlib.sha256(dictionaries.load(n)).hexdigest() for n in (0, 1, 2)}
    vectors = {
        "origin": "this project; made by generate.py beside this file",
        "dictionaries_sha256": pinned,
        "valid": valid(),
        "invalid": invalid(),
    }
    TARGET.write_text(json.dumps(vectors, ensure_ascii=False, indent=1) + "\n", "utf-8")
