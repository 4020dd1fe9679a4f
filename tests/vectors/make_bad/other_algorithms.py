"""T01, T03, T10 and T34 for SM2 and ML-DSA."""

import hashlib
from typing import Any

from more_keys import A, B, MlDsaKey, N, P, Sm2Key
from signing import CERT, STATUS, Key, b64u, js, pair, split, unb64u
from tokens import AUD, LEGAL, NONCE, cnf, sd, token, usual
from tokens import binding as bind
from vector import Row
from worlds import PATH, key_record, record

SM2 = Sm2Key("regulator sm2")
ML44 = MlDsaKey("regulator ml-dsa-44")
ML65 = MlDsaKey("regulator ml-dsa-65", "ML-DSA-65")
KEYS: dict[str, Key] = {"sm2": SM2, "ml-dsa-44": ML44, "ml-dsa-65": ML65}
# The point of the curve whose y is 1: 1 + p fits 32 bytes too.
Y_IS_ONE = 0x9C17043EFFE1A805A74A9A5E70B9D659705D3242094A566DC016F49311178D1F
BAD = ("signature_invalid", "signature")
REFUSED = ("trust_unavailable", "issuer")


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_names(), _signatures(), _records(), _holders()]


def _world(key: Key, **changes: Any) -> dict[str, Any]:
    keys = [key_record(key, **changes), key_record(STATUS, "status")]
    needs = {"needs": "sm2"} if key.alg == "SM2" else {}
    return {"records": {PATH: record(keys=keys)}, **needs}


def _made(key: Key, **how: Any) -> str:
    return token(sd(LEGAL), LEGAL, key=key, **how)


def _names() -> Row:
    row = Row("T01", "threats.md T01; RFC 9964; GB/T 32918.2; wire-formats.md, Credential")
    for name, key in KEYS.items():
        row.good(name, f"{key.alg} 证照", f"A certificate by {key.alg}", _made(key), **_world(key))
        for other in ("ES256", "Ed25519", "SM2", "ML-DSA-44", "ML-DSA-65"):
            if other != key.alg:
                made = _made(key, header=key.header(alg=other))
                title = (
                    f"{key.alg} 密钥，头部称 {other}",
                    f"A {key.alg} key under the name {other}",
                )
                row.bad(
                    f"{name}-key-as-{other.lower()}",
                    *title,
                    made,
                    "algorithm_not_allowed",
                    "algorithm",
                    **_world(key),
                )
    return row


def _signatures() -> Row:
    row = Row("T10", "threats.md T10; GB/T 32918.2 section 7.1; FIPS 204 algorithm 3")
    data = _made(SM2).split("~")[0].rpartition(".")[0].encode()
    good = SM2.sign(data)
    r, s = split(good)
    forms = {
        "all-zero": bytes(64),
        "r-zero": pair(0, s),
        "s-zero": pair(r, 0),
        "r-is-the-order": pair(N, s),
        "s-is-the-order": pair(r, N),
        "sum-is-the-order": pair(r, N - r),
        "swapped": pair(s, r),
        "s-negated": pair(r, N - s),
        "all-ones": b"\xff" * 64,
        "bit-flipped": good[:-1] + bytes([good[-1] ^ 1]),
        "63-bytes": good[:-1],
        "65-bytes": good + b"\x00",
        "zero-before-s": good[:32] + b"\x00" + good[32:],
        "empty": b"",
    }
    for name, signature in forms.items():
        title = (f"SM2 签名不对：{name}", f"A wrong SM2 signature: {name}")
        row.bad(f"sm2-{name}", *title, _made(SM2, signature=signature), *BAD, **_world(SM2))
    foreign = _made(SM2, signature=CERT.sign(data))
    row.bad(
        "sm2-by-p-256",
        "SM2 证照由 P-256 签名",
        "An SM2 certificate signed by P-256",
        foreign,
        *BAD,
        **_world(SM2),
    )
    for name, key in (("ml-dsa-44", ML44), ("ml-dsa-65", ML65)):
        data = _made(key).split("~")[0].rpartition(".")[0].encode()
        good = key.sign(data)
        for form, signature in {
            "bit-flipped": good[:-1] + bytes([good[-1] ^ 1]),
            "short": good[:-1],
            "long": good + b"\x00",
            "empty": b"",
            "all-zero": bytes(len(good)),
        }.items():
            title = (f"{key.alg} 签名不对：{form}", f"A wrong {key.alg} signature: {form}")
            row.bad(f"{name}-{form}", *title, _made(key, signature=signature), *BAD, **_world(key))
    return row


def _kid(jwk: dict[str, str]) -> str:
    ordered = {name: jwk[name] for name in sorted(jwk)}
    return b64u(hashlib.sha256(js(ordered)).digest())[:11]


def _records() -> Row:
    row = Row("T03", "threats.md T03; GB/T 32918.5; RFC 9964 section 3")
    y = SM2.point[1]
    x_bytes = unb64u(SM2.jwk["x"])
    wrong: dict[str, dict[str, str]] = {
        "off-curve": SM2.jwk | {"y": b64u(((y + 1) % P).to_bytes(32, "big"))},
        "zero": SM2.jwk | {"x": b64u(bytes(32)), "y": b64u(bytes(32))},
        "x-beyond-the-field": SM2.jwk | {"x": b64u(b"\xff" * 32)},
        "y-beyond-the-field": SM2.jwk | {"y": b64u(b"\xff" * 32)},
        "x-plus-the-field": _wrapped(),
        "y-plus-the-field": _point(Y_IS_ONE, 1 + P),
        "x-long": SM2.jwk | {"x": b64u(b"\x00" + x_bytes)},
        "x-short": SM2.jwk | {"x": b64u(x_bytes[:31])},
        "point-of-p-256": SM2.jwk | {"x": CERT.jwk["x"], "y": CERT.jwk["y"]},
    }
    for name, jwk in wrong.items():
        kid = _kid(jwk)
        made = _made(SM2, header=SM2.header(kid=kid))
        title = (f"SM2 公钥不可用：{name}", f"An unusable SM2 key: {name}")
        row.bad(f"sm2-{name}", *title, made, *REFUSED, **_world(SM2, public=jwk, kid=kid))
    curve = CERT.jwk | {"crv": "SM2"}
    made = token(sd(LEGAL), LEGAL, header=CERT.header(kid=_kid(curve)))
    title = ("P-256 的点称作 SM2", "A P-256 point that calls itself SM2")
    row.bad(
        "p-256-called-sm2", *title, made, *REFUSED, **_world(CERT, public=curve, kid=_kid(curve))
    )
    pub = unb64u(ML44.jwk["pub"])
    for name, changes in {
        "short": {"pub": b64u(pub[:-1])},
        "long": {"pub": b64u(pub + b"\x00")},
        "of-ml-dsa-65": {"pub": ML65.jwk["pub"]},
        "empty": {"pub": ""},
        "another-alg": {"alg": "ML-DSA-65"},
        "kty-okp": {"kty": "OKP"},
    }.items():
        jwk = ML44.jwk | changes
        kid = _kid(jwk)
        made = _made(ML44, header=ML44.header(kid=kid))
        title = (f"ML-DSA-44 公钥不可用：{name}", f"An unusable ML-DSA-44 key: {name}")
        row.bad(f"ml-dsa-44-{name}", *title, made, *REFUSED, **_world(ML44, public=jwk, kid=kid))
    return row


def _point(x: int, y: int) -> dict[str, str]:
    both = (b64u(number.to_bytes(32, "big")) for number in (x, y))
    return SM2.jwk | dict(zip("xy", both, strict=True))


def _wrapped() -> dict[str, str]:
    """A point of the curve whose x is so small that x + p fits 32 bytes too."""
    x = 1
    while True:
        square = (x**3 + A * x + B) % P
        y = pow(square, (P + 1) // 4, P)
        if y * y % P == square:
            return _point(x + P, y)
        x += 1


def _holders() -> Row:
    row = Row("T34", "threats.md T34; RFC 9901 section 4.3")
    policy: dict[str, Any] = {"require_holder_binding": True, "audience": AUD, "nonce": NONCE}
    bad = ("holder_binding_invalid", "holder_binding")
    for name, key in {"sm2": Sm2Key("holder sm2"), "ml-dsa-44": MlDsaKey("holder ml-dsa")}.items():
        bound = token(sd(LEGAL, cnf=cnf(key)), LEGAL)
        title = (
            f"持有人密钥为 {key.alg}：未启用",
            f"A holder's {key.alg} key, which is not switched on",
        )
        row.bad(f"holder-{name}", *title, bound + bind(bound, key=key), *bad, policy=policy)
    row.good("holder-not-asked", "未要求出示签名", "No binding asked for", usual())
    return row
