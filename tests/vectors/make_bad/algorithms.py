"""T01 algorithm names, T02 HMAC under a public key."""

import hashlib
import hmac
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from signing import CERT, POLICE, b64u, js
from tokens import LEGAL, jws, police_claims, sd, seal, token, usual
from vector import Row
from worlds import PATH, record, with_key

CODE = "algorithm_not_allowed"
# Spellings that no registry of this system knows.
_FOREIGN: dict[str, Any] = {
    "none": "none",
    "none-capital": "None",
    "none-upper": "NONE",
    "none-mixed": "nOnE",
    "none-with-space": "none ",
    "none-after-tab": "\tnone",
    "empty": "",
    "space": " ",
    "hs256": "HS256",
    "hs384": "HS384",
    "hs512": "HS512",
    "hs256-lower": "hs256",
    "rs256": "RS256",
    "rs384": "RS384",
    "rs512": "RS512",
    "rs1": "RS1",
    "ps256": "PS256",
    "ps384": "PS384",
    "ps512": "PS512",
    "es384": "ES384",
    "es512": "ES512",
    "es256k": "ES256K",
    "es256-lower": "es256",
    "es256-mixed": "Es256",
    "es256-with-space": "ES256 ",
    "es256-with-newline": "ES256\n",
    "es256-with-hyphen": "ES-256",
    "es256-cyrillic": "ЕS256",
    "es256-full-width": "ＥＳ256",
    "es256-listed": "ES256,none",
    "esp256": "ESP256",
    "ed25519-lower": "ed25519",
    "ed448": "Ed448",
    "dir": "dir",
    "rsa-oaep": "RSA-OAEP",
    "ecdh-es": "ECDH-ES",
    "a256gcmkw": "A256GCMKW",
    "uri-of-xml-signature": "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    "long": "A" * 2000,
}
_OF_OTHER_TYPE: dict[str, Any] = {
    "null": None,
    "zero": 0,
    "cose-number": -7,
    "true": True,
    "list": ["ES256"],
    "empty-list": [],
    "object": {"name": "ES256"},
}


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_names(), _hmac()]


def _names() -> Row:
    row = Row("T01", "threats.md T01; RFC 8725 section 3.1; RFC 7518 section 3.6")
    row.good("es256", "ES256 证照", "An ES256 certificate", usual())
    row.good(
        "ed25519", "Ed25519 证照", "An Ed25519 certificate", token(police_claims(), key=POLICE)
    )
    spelled = {"records": {PATH: with_key(alg="ES256")}}
    row.good(
        "alg-of-the-record", "算法与密钥记录一致", "alg as the record spells it", usual(), **spelled
    )
    for name, alg in (_FOREIGN | _OF_OTHER_TYPE).items():
        empty = name.startswith("none") or name in ("empty", "null")
        made = token(
            sd(LEGAL), LEGAL, header=CERT.header(alg=alg), signature=b"" if empty else None
        )
        row.bad(
            f"alg-{name}",
            f"头部算法为 {str(alg)[:20]!r}",
            f"Header alg is {str(alg)[:20]!r}",
            made,
            CODE,
            "header",
        )
    row.bad(
        "alg-missing",
        "头部没有 alg",
        "No alg in the header",
        token(sd(LEGAL), LEGAL, header=CERT.header(alg=...)),
        CODE,
        "header",
    )
    # Names of the registry, but not this key's: the record decides.
    for alg in ("EdDSA", "Ed25519", "SM2", "ML-DSA-44", "ML-DSA-65"):
        made = token(sd(LEGAL), LEGAL, header=CERT.header(alg=alg))
        title = (f"ES256 密钥，头部称 {alg}", f"An ES256 key under the name {alg}")
        row.bad(f"alg-of-another-key-{alg.lower()}", *title, made, CODE, None)
    made = token(police_claims(), header=POLICE.header(alg="EdDSA"), key=POLICE)
    row.bad(
        "alg-older-spelling",
        "密钥记录为 Ed25519，头部为旧称 EdDSA：须逐字节一致",
        "The record says Ed25519, the header EdDSA: byte for byte is asked",
        made,
        CODE,
        "algorithm",
    )
    made = token(police_claims(), header=POLICE.header(alg="ES256"), key=POLICE)
    title = ("Ed25519 密钥，头部称 ES256", "An Ed25519 key under the name ES256")
    row.bad("alg-es256-for-an-ed25519-key", *title, made, CODE, "algorithm", issuer_name=None)
    unsigned = token(sd(LEGAL), LEGAL, header=CERT.header(alg="none"))
    title = ("alg none 却带有真实签名", "alg none with a true signature behind it")
    row.bad("alg-none-with-signature", *title, unsigned, CODE, "header")
    bad = record(rights=[])
    title = ("alg none，机关也无权限", "alg none, and the issuer has no right either")
    row.bad(
        "alg-none-before-anything-else",
        *title,
        token(sd(LEGAL), LEGAL, header=CERT.header(alg="none"), signature=b""),
        CODE,
        "header",
        records={PATH: bad},
    )
    return row


def _texts() -> dict[str, bytes]:
    public = CERT.private.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {
        "pem": pem,
        "pem-without-newline": pem.rstrip(b"\n"),
        "der": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "ssh": public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
        "jwk": js(CERT.jwk),
        "point": public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
    }


def _hmac() -> Row:
    row = Row("T02", "threats.md T02; RFC 8725 section 2.1")
    row.good("own-key", "以自己的密钥签名", "Signed by the key itself", usual(name="对照"))
    for name, secret in _texts().items():
        head = js(CERT.header(alg="HS256"))
        data = f"{b64u(head)}.{b64u(js(sd(LEGAL)))}"
        mac = hmac.digest(secret, data.encode(), hashlib.sha256)
        title = (f"以公钥文本（{name}）为 HMAC 密钥", f"HMAC under the public key's text ({name})")
        made = seal(data, signature=mac) + f"~{LEGAL}~"
        row.bad(f"hmac-under-{name}", *title, made, CODE, "header")
        data = jws(sd(LEGAL)).rpartition(".")[0]
        mac = hmac.digest(secret, data.encode(), hashlib.sha512)
        title = (
            f"头部为 ES256，签名处是以公钥文本（{name}）算出的 64 字节 HMAC",
            f"ES256 in the header, 64 bytes of HMAC under the key's text ({name}) as signature",
        )
        made = seal(data, signature=mac) + f"~{LEGAL}~"
        row.bad(f"es256-with-hmac-under-{name}", *title, made, "signature_invalid", "signature")
    return row
