"""Make `frame-v1.json`: QR frames that every reader must read for ever, and broken ones.

Run it for new cases only (`python tests/vectors/qr/generate.py`); published bytes stay readable,
so an existing valid case is kept as it is. Signatures are fixed bytes: frames carry, not verify.
Readers in other languages are held to the same file (`tests/verifier/reader`).
"""

import hashlib
import json
import zlib
from collections.abc import Callable
from pathlib import Path

from broken import SEED, SIGNATURE, broken_frames

from certsvc_sdk import sdjwt
from certsvc_sdk.qr import dictionaries, digits, frame, text
from certsvc_sdk.strict import b64u_decode, b64u_encode

TARGET = Path(__file__).with_name("frame-v1.json")
HOST = "certs.example"
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

# What UTF-8 makes long or odd: beyond the basic plane, joined emoji, combining, right to left, a
# byte order mark, line separators that are no LF, every escape, and text that looks like slots.
ODD = {
    "iss": HOUSEHOLD["iss"],
    "name": "\U00020bb7\U000244d3野家 👨‍👩‍👧‍👦🇨🇳 e\u0301 \u202eabc\u202c",
    "breaks": "\ufeffa\u2028b\u2029c\u0085d\r\n\t\b\f\u007f\u001f",
    "slots": ['"_sd":[1]', '{"...":""}', "\\", '\\"', '"', '"_sd_alg":"sm3"', ""],
    '"_sd"': {"...x": {"a": None, "b": [True, -1, {"c": []}]}},
}
ODD_DISCLOSE = {"/name", "/breaks", "/slots/*", '/"_sd"', '/"_sd"/...x', '/"_sd"/...x/b/2'}

Salts = Callable[[int], bytes]


def token(
    claims: dict[str, object], disclose: set[str], salts: Salts, digest: str = "sha-256"
) -> str:
    """Return an unverifiable token of these claims."""
    made = sdjwt.draft(
        header=HEADER,
        claims=claims,  # type: ignore[arg-type]
        disclose=disclose,
        salts=salts,
        digest_algorithm=digest,
    )
    return made.finish(SIGNATURE)


def own_salt(index: int) -> bytes:
    """Return a salt that comes from no seed."""
    return hashlib.sha256(b"vector %d" % index).digest()[:16]


def valid() -> list[dict[str, object]]:
    """Cases that unpack to exactly their token."""
    household = token(HOUSEHOLD, DISCLOSE, sdjwt.salts_from_seed(SEED))
    individual = token(HOUSEHOLD, DISCLOSE, own_salt)
    salts = sdjwt.salts_from_seed(SEED)
    odd = token(ODD, ODD_DISCLOSE, own_salt)
    core = {"/head_name", "/members/0", "/members/1", "/members/1/sex"}
    cases = [
        ("no-disclosures", token(LICENCE, set(), own_salt), None, 1),
        ("no-disclosures-without-dictionary", token(LICENCE, set(), own_salt), None, 0),
        ("nested-seed", household, SEED, 2),
        ("nested-individual-salts", individual, None, 2),
        ("nested-some-withheld", sdjwt.present(individual, core), None, 2),
        ("nested-all-withheld", sdjwt.present(individual, set()), None, 2),
        ("odd-characters-seed", token(ODD, ODD_DISCLOSE, salts), SEED, 1),
        ("odd-characters-withheld", sdjwt.present(odd, {"/slots/2", "/breaks"}), None, 0),
        ("digest-sm3", token(HOUSEHOLD, DISCLOSE, salts, "sm3"), SEED, 2),
        ("decoys-count-as-withheld", decoys(), None, 0),
        ("nested-fifteen-deep", token(deep(15), every(15), salts), SEED, 0),
        ("disclosures-256", token(wide(256), {"/wide/*"}, salts), SEED, 0),
    ]
    rows: list[dict[str, object]] = []
    for name, made, seed, dictionary in cases:
        body = frame.pack(made, seed, dictionary=dictionary)
        rows.append(row(name, text.to_text(body, HOST), made, seed=seed, dictionary=dictionary))
    rows += spellings(frame.pack(household, SEED, dictionary=2), household)
    return rows


def row(
    name: str, code: str, made: str, *, seed: bytes | None, dictionary: int
) -> dict[str, object]:
    """One valid case."""
    shown = seed.hex() if seed else None
    return {"name": name, "text": code, "token": made, "seed": shown, "dictionary": dictionary}


def spellings(packed: bytes, made: str) -> list[dict[str, object]]:
    """Other ways in which the same certificate arrives: scanners, and makers of other DEFLATE."""
    stream = zlib.decompressobj(-15, dictionaries.load(2)).decompress(packed[19:-66])
    stored = b"\x01" + len(stream).to_bytes(2, "little")
    stored += (len(stream) ^ 0xFFFF).to_bytes(2, "little") + stream
    blocks = zlib.compressobj(9, zlib.DEFLATED, -15)
    several = blocks.compress(stream[:99]) + blocks.flush(zlib.Z_FULL_FLUSH)
    several += blocks.compress(stream[99:]) + blocks.flush()
    head, bare = packed[:19], digits.encode(packed)
    plain = b"\x01\x00\x00" + SEED
    codes = {
        "digits-bare": (bare, 2),
        "caps-lock": (f"HTTPS://CERTS.EXAMPLE/V#{bare}", 2),
        "white-space-around": (f" \u3000\r\n\x1c\x85https://{HOST}:8443/v#{bare}\t\n\u2028", 2),
        "deflate-stored": (text.to_text(framed(head + stored), HOST), 2),
        "deflate-several-blocks": (text.to_text(framed(plain + several), HOST), 0),
    }
    return [
        row(name, code, made, seed=SEED, dictionary=dictionary)
        for name, (code, dictionary) in codes.items()
    ]


def framed(content: bytes) -> bytes:
    """Return a frame of these bytes, with signature and CRC."""
    return content + SIGNATURE + frame.crc16(content + SIGNATURE)


def decoys() -> str:
    """A token whose digests belong to nothing, between those of claims, and nested in one."""
    plain = token(HOUSEHOLD, {"/head_name", "/members/0"}, own_salt)
    head, payload, signature = plain.partition("~")[0].split(".")
    strange = [b64u_encode(hashlib.sha256(b"decoy %d" % n).digest()) for n in range(3)]
    written = json.loads(b64u_decode(payload))
    written["_sd"] = sorted([*written["_sd"], *strange[:2]])
    written["members"].append({"...": strange[2]})
    again = json.dumps(written, ensure_ascii=False, separators=(",", ":")).encode()
    compact = ".".join((head, b64u_encode(again), signature))
    return "~".join((compact, plain.partition("~")[2]))


def deep(levels: int) -> dict[str, object]:
    """Claims nested so deep."""
    claims: dict[str, object] = {"end": 1}
    for _ in range(levels - 1):
        claims = {"a": claims}
    return claims


def every(levels: int) -> set[str]:
    """Pointers of `deep`: each level a disclosure of its own."""
    return {"/a" * n for n in range(1, levels)} | {"/a" * (levels - 1) + "/end"}


def wide(size: int) -> dict[str, object]:
    """Claims with so many elements."""
    return {"iss": HOUSEHOLD["iss"], "wide": list(range(size))}


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
        "digits-tail-impossible": (prefix + good[: 17 * 9 + 1], "unreadable"),
        "digits-tail-above-range": (prefix + good[: 17 * 9] + "256", "unreadable"),
        "digits-with-space": (prefix + good[:17] + " " + good[17:], "unreadable"),
        "digits-bare-with-letter": (good[:80] + "O" + good[80:], "not_a_certificate"),
        "digits-bare-of-another-script": ("\u0661" * 80, "not_a_certificate"),
        "prefix-in-other-letters": (f"https://{HOST}/\u1d20#" + good, "not_a_certificate"),
        "prefix-with-long-s": ("http\u017f://" + HOST + "/v#" + good, "not_a_certificate"),
        "prefix-with-nul": ("\0" + prefix + good, "not_a_certificate"),
        "prefix-with-mark": ("\ufeff" + prefix + good, "not_a_certificate"),
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
    published = json.loads(TARGET.read_text("utf-8"))["valid"] if TARGET.exists() else []
    old = {case["name"] for case in published}
    vectors = {
        "origin": "this project; made by generate.py beside this file",
        "dictionaries_sha256": pinned,
        "valid": published + [case for case in valid() if case["name"] not in old],
        "invalid": invalid(),
    }
    TARGET.write_text(json.dumps(vectors, ensure_ascii=False, indent=1) + "\n", "utf-8")
