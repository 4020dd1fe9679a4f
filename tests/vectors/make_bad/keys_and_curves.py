"""T03: keys and curves that do not belong together, in trust records and in signatures."""

import hashlib
from typing import Any

from signing import CERT, ED_HOLDER, N256, P256, POLICE, Key, b64u, js, unb64u
from tokens import LEGAL, jws, police_claims, sd, token, usual
from vector import Row
from worlds import PATH, POLICE_PATH, key_record, police_record, raw, record, with_jwk, with_key

_ED_P = 2**255 - 19
# Encodings of points of small order (RFC 7748 section 7; the lists every library tests with).
_SMALL = {
    "order-1": 1,
    "order-2": _ED_P - 1,
    "order-4": 0,
    "order-8": 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
    "order-8-other": 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
    "order-1-not-canonical": _ED_P + 1,
    "order-4-not-canonical": _ED_P,
    "order-1-negative-zero": 1 + 2**255,
}


def rows() -> list[Row]:
    """Vectors of this module."""
    row = Row("T03", "threats.md T03; RFC 7518 section 6.2; RFC 8725 section 3.4")
    row.good("p256", "P-256 密钥记录", "A P-256 key record", usual(), records={PATH: record()})
    older = {"alg": "EdDSA"}
    keys = [key_record(POLICE, **older), police_record()["keys"][1]]
    row.good(
        "ed25519-as-eddsa",
        "Ed25519 密钥，记录与头部均为旧称 EdDSA",
        "An Ed25519 key, EdDSA in record and header",
        token(police_claims(), header=POLICE.header(alg="EdDSA"), key=POLICE),
        records={POLICE_PATH: police_record(keys=keys)},
    )
    _wrong_keys(row)
    _wrong_jwks(row)
    _wrong_ed25519(row)
    _wrong_signers(row)
    return [row]


def _refused(row: Row, name: str, zh: str, en: str, records: dict[str, Any], **more: Any) -> None:
    text = more.get("text", usual())
    row.bad(name, zh, en, text, "trust_unavailable", "issuer", records=records)


def _wrong_keys(row: Row) -> None:
    p384, k256 = Key("p384", "ES384"), Key("secp256k1", "ES256K")
    for name, key in {"p-384": p384, "secp256k1": k256, "ed25519": ED_HOLDER}.items():
        title = (f"记录称 ES256，密钥却是 {name}", f"The record says ES256, the key is {name}")
        made = token(sd(LEGAL), LEGAL, header=key.header(alg="ES256"), key=key)
        entry = key_record(key, alg="ES256")
        refused = {PATH: record(keys=[entry, key_record(CERT, "status")])}
        _refused(row, f"record-es256-with-{name}-key", *title, refused, text=made)
    ed = {"alg": "Ed25519"}
    title = ("记录称 Ed25519，密钥却是 P-256", "The record says Ed25519, the key is P-256")
    _refused(row, "record-ed25519-with-p-256-key", *title, {PATH: with_key(**ed)})
    for alg in ("ES384", "HS256", "none", "es256", "", "RS256"):
        title = (f"密钥记录的算法为 {alg!r}", f"The key record's algorithm is {alg!r}")
        made = token(sd(LEGAL), LEGAL, header=CERT.header(alg=alg))
        name = f"record-alg-{'of-lower-case' if alg == 'es256' else alg.lower() or 'empty'}"
        row.bad(
            name, *title, made, "algorithm_not_allowed", "header", records={PATH: with_key(alg=alg)}
        )
    for alg in ("ES384", "HS256", "none", "es256"):
        title = (f"头部为 ES256，密钥记录为 {alg}", f"ES256 in the header, {alg} in the record")
        name = f"header-es256-record-{'lower-case' if alg == 'es256' else alg.lower()}"
        _refused(row, name, *title, {PATH: with_key(alg=alg)})
    title = ("密钥记录的算法不是文本", "The key record's algorithm is no text")
    _refused(row, "record-alg-number", *title, {PATH: with_key(alg=-7)})


def _point(x: int, y: int) -> dict[str, str]:
    return CERT.jwk | {"x": b64u(x.to_bytes(32, "big")), "y": b64u(y.to_bytes(32, "big"))}


def _kid(jwk: dict[str, Any]) -> str:
    names = ("crv", "kty", "x", "y") if jwk.get("kty") == "EC" else ("crv", "kty", "x")
    members = {name: jwk.get(name) for name in names}
    return b64u(hashlib.sha256(js(members)).digest())[:11]


def _wrong_jwks(row: Row) -> None:
    x, y = (int.from_bytes(unb64u(CERT.jwk[name]), "big") for name in "xy")
    x_bytes = unb64u(CERT.jwk["x"])
    wrong: dict[str, tuple[dict[str, Any], str]] = {
        "off-curve": (_point(x, (y + 1) % P256), "点不在曲线上"),
        "infinity-as-zero": (_point(0, 0), "全零坐标"),
        "x-of-the-order": (_point(N256, y), "x 为群的阶"),
        "x-beyond-the-field": (_point((1 << 256) - 1, y), "x 超出域"),
        "x-short": (CERT.jwk | {"x": b64u(x_bytes[:31])}, "x 只有 31 字节"),
        "x-long": (CERT.jwk | {"x": b64u(b"\x00" + x_bytes)}, "x 有 33 字节"),
        "x-padded": (CERT.jwk | {"x": CERT.jwk["x"] + "="}, "x 带填充符"),
        "x-not-canonical": (CERT.jwk | {"x": _tail(CERT.jwk["x"])}, "x 末位不规范"),
        "x-with-newline": (CERT.jwk | {"x": CERT.jwk["x"] + "\n"}, "x 带换行"),
        "x-number": (CERT.jwk | {"x": 5}, "x 为数字"),
        "y-missing": ({k: v for k, v in CERT.jwk.items() if k != "y"}, "缺少 y"),
        "y-null": (CERT.jwk | {"y": None}, "y 为 null"),
        "kty-okp": (CERT.jwk | {"kty": "OKP"}, "kty 为 OKP"),
        "kty-lower-case": (CERT.jwk | {"kty": "ec"}, "kty 为小写"),
        "kty-oct": ({"kty": "oct", "k": CERT.jwk["x"]}, "对称密钥"),
        "crv-lower-case": (CERT.jwk | {"crv": "p-256"}, "crv 为小写"),
        "crv-secp256k1": (CERT.jwk | {"crv": "secp256k1"}, "crv 为 secp256k1"),
        "crv-missing": ({k: v for k, v in CERT.jwk.items() if k != "crv"}, "缺少 crv"),
    }
    for name, (jwk, zh) in wrong.items():
        title = (f"公钥：{zh}", f"Public key: {name.replace('-', ' ')}")
        _refused(row, f"jwk-{name}", *title, {PATH: with_jwk(jwk, kid=_kid(jwk))})
    for name, more, zh in (
        ("private-member", {"d": b64u(bytes(32))}, "公钥带有私钥成员"),
        ("use-encryption", {"use": "enc"}, "公钥用途为加密"),
        ("alg-of-another", {"alg": "ES384"}, "公钥自称另一算法"),
        ("key-ops", {"key_ops": ["sign"]}, "公钥带有 key_ops"),
        ("own-kid", {"kid": CERT.kid}, "公钥自带 kid"),
    ):
        title = (zh, f"Public key: {name.replace('-', ' ')}")
        _refused(row, f"jwk-{name}", *title, {PATH: with_jwk(CERT.jwk | more)})
    twice = raw(record()).replace('"y":"', f'"y":"{CERT.jwk["x"]}","y":"', 1)
    title = ("公钥中 y 出现两次", "y stands twice in the public key")
    _refused(row, "jwk-duplicate-y", *title, {PATH: twice})


def _tail(text: str) -> str:
    """Another spelling of the same 32 bytes: one of the unused bits set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) + 1]


def _wrong_ed25519(row: Row) -> None:
    points = {name: number % 2**256 for name, number in _SMALL.items()}
    points["not-on-the-curve"] = 2
    points["y-beyond-the-field"] = 2**255 - 1
    for name, number in points.items():
        jwk = POLICE.jwk | {"x": b64u(number.to_bytes(32, "little"))}
        entry = key_record(POLICE, public=jwk, kid=_kid(jwk))
        refused = police_record(keys=[entry, police_record()["keys"][1]])
        # Under a key of small order R = the point, S = 0 verifies for some messages of any kind.
        forged = token(
            police_claims(),
            header=POLICE.header(kid=_kid(jwk)),
            signature=(1).to_bytes(32, "little") + bytes(32),
        )
        title = (f"Ed25519 公钥不可用：{name}", f"An unusable Ed25519 key: {name}")
        _refused(row, f"ed25519-{name}", *title, {POLICE_PATH: refused}, text=forged)
    jwk = POLICE.jwk | {"y": POLICE.jwk["x"]}
    entry = key_record(POLICE, public=jwk)
    refused = {POLICE_PATH: police_record(keys=[entry, police_record()["keys"][1]])}
    title = ("Ed25519 公钥带有 y", "An Ed25519 key with a y")
    _refused(row, "ed25519-with-y", *title, refused, text=token(police_claims(), key=POLICE))


def _wrong_signers(row: Row) -> None:
    for name, key in {
        "p-384": Key("p384", "ES384"),
        "secp256k1": Key("secp256k1", "ES256K"),
        "ed25519": ED_HOLDER,
    }.items():
        made = jws(sd(LEGAL), CERT.header(), key=key) + f"~{LEGAL}~"
        title = (
            f"头部与记录为 ES256，却以 {name} 密钥签名",
            f"ES256 all over, signed by a {name} key",
        )
        row.bad(f"signed-by-{name}", *title, made, "signature_invalid", "signature")
