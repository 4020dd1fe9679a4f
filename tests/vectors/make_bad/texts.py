"""T23 look-alikes and bidi, T24 comparisons that differ in one place."""

from typing import Any

from tokens import AUD, LEGAL, NONCE, USCC, binding, claims, cnf, sd, token, usual
from vector import Row
from worlds import PATH, record

NAMES = {"zh": "示例市市场监督管理局", "en": "Example Market Regulator"}
HOST = "https://certs.example"


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_confusables(), _comparisons()]


def _confusables() -> Row:
    row = Row("T23", "threats.md T23; RFC 3987; Unicode TR 36 and TR 39")
    row.good(
        "issuer-name-from-the-record",
        "机关名称只取自信任记录",
        "The issuer's name comes from the record only",
        token(claims(issuer_name="示例省公安厅", names={"zh": "假"}, issuer={"name": "x"})),
        issuer_name=NAMES,
    )
    row.good(
        "bidi-in-a-claim",
        "声明中的双向控制符原样给出",
        "Bidi controls in a claim stay what they are",
        token(claims(name="\u202e司公例示\u202c")),
        issuer_name=NAMES,
    )
    row.good(
        "markup-in-a-claim",
        "声明中的标记原样给出",
        "Markup in a claim stays text",
        token(claims(name="<script>alert(1)</script>")),
        issuer_name=NAMES,
    )
    for name, iss in {
        "cyrillic-host": f"https://сerts.example/i/{USCC}",
        "greek-host": f"https://certs.exαmple/i/{USCC}",
        "full-width-host": f"https://ｃerts.example/i/{USCC}",
        "punycode-host": f"https://xn--erts-u5a.example/i/{USCC}",
        "upper-case-host": f"https://CERTS.example/i/{USCC}",
        "upper-case-scheme": f"HTTPS://certs.example/i/{USCC}",
        "trailing-dot": f"https://certs.example./i/{USCC}",
        "ideographic-full-stop": f"https://certs。example/i/{USCC}",
        "zero-width-space": f"https://certs\u200b.example/i/{USCC}",
        "soft-hyphen": f"https://certs\u00ad.example/i/{USCC}",
        "bidi-override": f"\u202ehttps://certs.example/i/{USCC}",
        "newline-at-end": f"{HOST}/i/{USCC}\n",
        "space-at-end": f"{HOST}/i/{USCC} ",
        "slash-at-end": f"{HOST}/i/{USCC}/",
        "full-width-digits": f"{HOST}/i/１１９９９９０００００００００１９８",
        "letter-o": f"{HOST}/i/{USCC.replace('0', 'O')}",
        "lower-case-uscc": f"{HOST}/i/11999800000000019x",
        "one-digit-more": f"{HOST}/i/{USCC}0",
        "one-digit-less": f"{HOST}/i/{USCC[:-1]}",
        "percent-encoded": f"{HOST}/i/%31{USCC[1:]}",
        "query": f"{HOST}/i/{USCC}?x=1",
        "fragment": f"{HOST}/i/{USCC}#x",
        "user-in-front": f"https://certs.example@evil.example/i/{USCC}",
        "user-of-ours": f"https://evil@certs.example/i/{USCC}",
        "default-port": f"https://certs.example:443/i/{USCC}",
        "other-port": f"https://certs.example:8443/i/{USCC}",
        "plain-http": f"http://certs.example/i/{USCC}",
        "other-host": f"https://evil.example/i/{USCC}",
        "host-as-prefix": f"https://certs.example.evil.example/i/{USCC}",
        "dot-segment": f"{HOST}/./i/{USCC}",
        "double-slash": f"{HOST}//i/{USCC}",
        "backslash": f"https:\\\\certs.example/i/{USCC}",
        "another-path": f"{HOST}/x/i/{USCC}",
        "no-path": HOST,
        "empty": "",
        "only-the-code": USCC,
        "did": "did:web:certs.example",
        "unlisted-office": f"{HOST}/i/119999000000000279",
    }.items():
        title = (f"iss 形似而非：{name}", f"An iss that only looks alike: {name}")
        row.bad(f"iss-{name}", *title, usual(iss=iss), "issuer_unknown", "issuer")
    for name, zh in {
        "bidi-override": "示例市\u202e局理管督监",
        "zero-width-space": "示例市\u200b市场监督管理局",
        "newline": "示例市\n市场监督管理局",
        "empty": "",
        "space-at-end": "示例市市场监督管理局 ",
        "too-long": "市" * 201,
        "private-use": "示例市\ue000局",
        "object": {"x": "示例"},
    }.items():
        title = (f"记录中的机关名称不当：{name}", f"A record's name is unfit: {name}")
        refused = record(names={"zh": zh, "en": "Example"})
        row.bad(
            f"name-{name}", *title, usual(), "trust_unavailable", "issuer", records={PATH: refused}
        )
    for name, names in {
        "english-missing": {"zh": "示例"},
        "third-language": {"zh": "示", "en": "x", "fr": "x"},
    }.items():
        title = (f"记录中的机关名称：{name}", f"A record's names: {name}")
        row.bad(
            f"names-{name}",
            *title,
            usual(),
            "trust_unavailable",
            "issuer",
            records={PATH: record(names=names)},
        )
    return row


def _comparisons() -> Row:
    row = Row("T24", "threats.md T24; RFC 9901 section 7.3")
    bound = token(sd(LEGAL, cnf=cnf()), LEGAL)
    policy: dict[str, Any] = {"require_holder_binding": True, "audience": AUD, "nonce": NONCE}
    row.good("equal", "全同", "Equal", bound + binding(bound), policy=policy)
    wide = policy | {"nonce": "验证-" + NONCE}
    row.good(
        "equal-beyond-ascii",
        "非 ASCII 亦可比较",
        "Equal beyond ASCII",
        bound + binding(bound, nonce="验证-" + NONCE),
        policy=wide,
    )
    for member, right in {"nonce": NONCE, "aud": AUD}.items():
        for name, wrong in {
            "first-character": chr(ord(right[0]) ^ 1) + right[1:],
            "last-character": right[:-1] + chr(ord(right[-1]) ^ 1),
            "middle-character": right[:9] + chr(ord(right[9]) ^ 1) + right[10:],
            "shorter": right[:-1],
            "longer": right + "a",
            "slash-at-end": right + "/",
            "empty": "",
            "other-case": right.swapcase(),
            "space-before": " " + right,
            "full-width": right.translate({ord("e"): "ｅ"}),
        }.items():
            made = bound + binding(bound, **{member: wrong})
            title = (f"{member} 有一处不同：{name}", f"{member} differs: {name}")
            row.bad(
                f"{member}-{name}",
                *title,
                made,
                "holder_binding_invalid",
                "holder_binding",
                policy=policy,
            )
    hashed = binding(bound, sd_hash="A" * 43)
    row.bad(
        "sd-hash-all-a",
        "sd_hash 全不同",
        "sd_hash differs all over",
        bound + hashed,
        "holder_binding_invalid",
        "holder_binding",
        policy=policy,
    )
    return row
