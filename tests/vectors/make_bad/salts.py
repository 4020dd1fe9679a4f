"""T33: salts and seeds."""

import hashlib

from frames import frame, text_of
from signing import CERT, js
from tokens import LEGAL, SHARE, claims, digest, line, salt, sd, token
from vector import Row

BAD = ("disclosure_invalid", "disclosures")
DECOY = digest("decoy")


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_salts()]


def _salts() -> Row:
    row = Row(
        "T33", "threats.md T33; RFC 9901 section 9.3; wire-formats.md, Credential and QR frame"
    )
    seed = bytes(range(16))
    own = [hashlib.sha256(b"salt %d" % n).digest()[:16] for n in range(3)]
    head, both = (
        js(CERT.header()),
        {"legal_representative": "张三", "registered_capital": "壹佰万元整"},
    )
    lines = [f'"{name}":"{value}"' for name, value in both.items()]
    row.good("seed", "盐由种子导出", "Salts from a seed", _framed(head, lines, seed=seed))
    row.good("individual", "盐各自随带", "Individual salts", _framed(head, lines, salts=own[:2]))
    row.good(
        "individual-and-withheld",
        "盐各自随带，一项未披露",
        "Individual salts, one claim withheld",
        _framed(head, lines[:1], salts=own[:1], withheld=[DECOY]),
    )
    bad = ("malformed", "frame")
    row.bad(
        "seed-beside-withheld",
        "种子与未披露项同行：可被猜出",
        "A seed beside a withheld claim lets it be guessed",
        _framed(head, lines[:1], seed=seed, withheld=[DECOY]),
        *bad,
    )
    two = [DECOY, digest("d2")]
    row.bad(
        "seed-beside-two-withheld",
        "种子与两个未披露项同行",
        "A seed beside two withheld claims",
        _framed(head, lines[:1], seed=seed, withheld=sorted(two)),
        *bad,
    )
    held = f'{{"...":"{DECOY}"}}'
    row.bad(
        "seed-beside-withheld-element",
        "种子与未披露的数组元素同行",
        "A seed beside a withheld element",
        _framed(head, lines, seed=seed, extra=f',"list":[{held}]'),
        *bad,
    )
    row.bad(
        "one-salt-too-few",
        "少一个盐",
        "One salt too few",
        _framed(head, lines, salts=own[:1]),
        *bad,
    )
    row.bad(
        "one-salt-too-many",
        "多一个盐",
        "One salt too many",
        _framed(head, lines, salts=own[:3]),
        *bad,
    )
    other = _framed(head, lines, seed=seed, carried=bytes(16))
    row.bad(
        "another-seed",
        "换了种子：摘要全不同",
        "Another seed: other digests, another payload",
        other,
        "signature_invalid",
        "signature",
    )
    swapped = _framed(head, lines, salts=own[:2], carried=own[1] + own[0])
    row.bad(
        "salts-exchanged",
        "两盐对调",
        "Two salts exchanged",
        swapped,
        "signature_invalid",
        "signature",
    )
    same = salt("same")
    twins = [line(same, "a", 1), line(same, "b", 1)]
    made = token(sd(*twins, _sd=sorted([digest(twins[0])] * 2)), *twins)
    row.bad("digests-equal", "两摘要相同", "Two equal digests", made, *BAD)
    equal = [line(same, "a", 1)] * 2
    row.bad(
        "disclosures-equal",
        "两披露全同",
        "Two equal disclosures",
        token(sd(equal[0], SHARE), *equal),
        *BAD,
    )
    guessed = line("", "legal_representative", "张三")
    row.bad(
        "guess-without-the-salt",
        "不知盐而猜中值",
        "A right guess of the value without the salt",
        token(sd(LEGAL), guessed),
        *BAD,
    )
    return row


def _framed(
    header: bytes,
    lines: list[str],
    *,
    seed: bytes | None = None,
    salts: list[bytes] | None = None,
    withheld: list[str] | None = None,
    carried: bytes | None = None,
    extra: str = "",
) -> str:
    """A QR text; it is signed for the salts given, `carried` ones travel in their place."""
    return text_of(
        frame(
            header,
            claims(),
            lines,
            seed=seed,
            salts=salts,
            withheld=withheld or [],
            carried=carried,
            extra=extra,
        )
    )
