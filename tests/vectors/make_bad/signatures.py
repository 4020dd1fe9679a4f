"""T10 psychic and misshapen signatures, T11 high s, T12 nonces."""

from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from signing import CERT, N256, P256, POLICE, STATUS, Key, b64u, pair, split, unb64u
from tokens import (
    LEGAL,
    REVOKED,
    SUPERSEDED,
    SUSPENDED,
    claims,
    jws,
    police_claims,
    sd,
    status,
    token,
    usual,
)
from vector import Row
from worlds import served, status_list

BAD = ("signature_invalid", "signature")
DATA = jws(sd(LEGAL)).rpartition(".")[0].encode()


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_shapes(), _high_s(), _nonces()]


def _with(signature: bytes) -> str:
    return token(sd(LEGAL), LEGAL, signature=signature)


def _shapes() -> Row:
    row = Row("T10", "threats.md T10; CVE-2022-21449; FIPS 186-5 section 6.4.2; Wycheproof")
    row.good("sixty-four-bytes", "64 字节签名", "A signature of 64 bytes", usual())
    good = CERT.sign(DATA)
    r, s = split(good)
    forms: dict[str, bytes] = {
        "all-zero": bytes(64),
        "r-zero": pair(0, s),
        "s-zero": pair(r, 0),
        "r-is-the-order": pair(N256, s),
        "s-is-the-order": pair(r, N256),
        "both-the-order": pair(N256, N256),
        "s-beyond-the-order": pair(r, N256 + 1),
        "r-is-the-field-prime": pair(P256, s),
        "r-one-s-one": pair(1, 1),
        "r-beyond-by-the-order": pair((r + N256) % 2**256, s),
        "s-order-minus-one": pair(r, N256 - 1),
        "all-ones": b"\xff" * 64,
        "swapped": pair(s, r),
        "r-negated": pair(N256 - r, s),
        "first-bit-flipped": bytes([good[0] ^ 128]) + good[1:],
        "last-bit-flipped": good[:-1] + bytes([good[-1] ^ 1]),
        "empty": b"",
        "63-bytes": good[:-1],
        "65-bytes": good + b"\x00",
        "65-bytes-zero-first": b"\x00" + good,
        "65-bytes-zero-before-s": good[:32] + b"\x00" + good[32:],
        "32-bytes": good[:32],
        "128-bytes": good + good,
        "der": encode_dss_signature(r, s),
        "der-cut-to-64": encode_dss_signature(r, s)[:64],
        "of-p-384": Key("p384", "ES384").sign(DATA),
        "with-recovery-byte": b"\x1b" + good,
    }
    for name, signature in forms.items():
        title = (f"签名形状或数值不对：{name}", f"A signature of wrong shape or value: {name}")
        row.bad(f"signature-{name}", *title, _with(signature), *BAD, issuer_name=None)
    order = 2**252 + 27742317777372353535851937790883648493
    data = jws(police_claims(), key=POLICE).rpartition(".")[0].encode()
    ed = POLICE.sign(data)
    number = int.from_bytes(ed[32:], "little")
    for name, signature in {
        "s-plus-order": ed[:32] + (number + order).to_bytes(32, "little"),
        "all-zero": bytes(64),
        "r-identity-s-zero": b"\x01" + bytes(63),
        "r-flipped": bytes([ed[0] ^ 1]) + ed[1:],
        "empty": b"",
        "63-bytes": ed[:-1],
        "65-bytes": ed + b"\x00",
    }.items():
        made = token(police_claims(), key=POLICE, signature=signature)
        title = (f"Ed25519 签名不对：{name}", f"A wrong Ed25519 signature: {name}")
        row.bad(f"ed25519-{name}", *title, made, *BAD)
    wrong = status_list(signature=bytes(64))
    title = ("状态清单签名全零", "A status list whose signature is zero")
    row.bad(
        "status-list-all-zero",
        *title,
        usual(),
        "status_unavailable",
        "status_list",
        **served(wrong),
    )
    return row


def _twin(text: str) -> str:
    """The same token with n - s."""
    signed, _, rest = text.partition("~")
    data, _, signature = signed.rpartition(".")
    r, s = split(unb64u(signature))
    return f"{data}.{b64u(pair(r, N256 - s))}~{rest}"


def _high_s() -> Row:
    row = Row("T11", "threats.md T11; wire-formats.md, Credential")
    row.good("low-s", "低 s", "Low s", usual())
    row.good("high-s", "高 s：同一证照", "High s: the same certificate", _twin(usual()))
    high = _twin(status_list() + "~").rstrip("~")
    row.good(
        "status-list-high-s", "状态清单高 s", "A status list of high s", usual(), **served(high)
    )
    for name, idx, code in (
        ("revoked", REVOKED, "revoked"),
        ("suspended", SUSPENDED, "suspended"),
        ("superseded", SUPERSEDED, "superseded"),
    ):
        made = usual(status=status(idx))
        row.bad(f"{name}-low-s", f"{name}，低 s", f"{name}, low s", made, code, "status")
        title = (f"{name}，高 s 不能逃脱", f"{name}: high s is no way out")
        row.bad(f"{name}-high-s", *title, _twin(made), code, "status")
    r, s = split(CERT.sign(DATA))
    title = ("-s mod 2^256", "-s modulo 2^256 instead of n - s")
    row.bad("s-complement", *title, _with(pair(r, 2**256 - s)), *BAD)
    row.bad("r-and-s-negated", "r、s 都取负", "Both negated", _with(pair(N256 - r, N256 - s)), *BAD)
    changed = sd(LEGAL, name="另一家公司")
    title = ("内容改动而签名取高 s", "Changed content under the twin signature")
    row.bad(
        "changed-content-high-s", *title, token(changed, LEGAL, signature=pair(r, N256 - s)), *BAD
    )
    return row


def _nonces() -> Row:
    row = Row("T12", "threats.md T12; RFC 6979; FIPS 186-5 section 6.3")
    k = int.from_bytes(b"a nonce that was used twice: bad", "big")
    first, second = claims(name="甲公司"), claims(name="乙公司")
    a, b = (jws(payload).rpartition(".")[0].encode() for payload in (first, second))
    sig_a, sig_b = CERT.sign_with_nonce(a, k), CERT.sign_with_nonce(b, k)
    row.good(
        "first-under-a-nonce",
        "某随机数下第一份",
        "The first under a nonce",
        token(first, signature=sig_a),
    )
    row.good(
        "second-under-the-same-nonce",
        "同一随机数下第二份：验证方看不出，签名仍真（签发端须杜绝）",
        "The second under it: true to a verifier; it is the signer that must never do it",
        token(second, signature=sig_b),
    )
    (r_a, s_a), (r_b, s_b) = split(sig_a), split(sig_b)
    if r_a != r_b:
        raise ValueError("the signatures should share r")
    spliced: dict[str, Any] = {
        "s-of-the-other": (first, pair(r_a, s_b)),
        "difference-of-both": (first, pair(r_a, (s_a - s_b) % N256)),
        "sum-of-both": (second, pair(r_a, (s_a + s_b) % N256)),
        "r-of-a-third": (first, pair(split(CERT.sign(a))[0], s_a)),
        "high-s-of-the-other": (second, pair(r_a, N256 - s_a)),
    }
    for name, (payload, signature) in spliced.items():
        title = (f"两份同 r 签名拼接：{name}", f"Spliced from two signatures that share r: {name}")
        row.bad(f"shared-r-{name}", *title, token(payload, signature=signature), *BAD)
    by_status = Key(STATUS.label).sign_with_nonce(a, k)
    title = ("同一随机数，另一密钥", "The same nonce under another key")
    row.bad("nonce-of-another-key", *title, token(first, signature=by_status), *BAD)
    return row
