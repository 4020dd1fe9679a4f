"""T18: texts that are two things at once."""

from signing import b64u, js, unb64u
from tokens import LEGAL, digest, jws, line, salt, sd, seal, token, usual
from vector import Row


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_polyglots()]


def _polyglots() -> Row:
    row = Row("T18", "threats.md T18; CVE-2022-39227; RFC 7515 section 7.2; RFC 9901 section 8")
    row.good("compact", "紧凑写法", "The compact form", usual())
    row.good("white-space-around", "首尾空白", "White space around it", f" \r\n\t{usual()}\n")
    head, body, sig = jws(sd(LEGAL)).split(".")
    forged = b64u(js(sd(LEGAL, name="攻击者有限公司")))
    general = {"payload": body, "signatures": [{"protected": head, "signature": sig}]}
    flat = {"payload": body, "protected": head, "signature": sig}
    cases: dict[str, tuple[str, str, str]] = {
        "original-exploit": (
            _exploit(head, forged, body, sig),
            "not_a_certificate",
            "frame",
        ),
        "exploit-with-token-first": (
            f'{head}.{forged}.{{"protected":"{head}","payload":"{body}","signature":"{sig}"}}~',
            "malformed",
            "grammar",
        ),
        "general-serialisation": (js(general).decode(), "not_a_certificate", "frame"),
        "general-serialisation-tilde": (js(general).decode() + "~", "not_a_certificate", "frame"),
        "flattened-serialisation": (js(flat).decode() + f"~{LEGAL}~", "not_a_certificate", "frame"),
        "sd-jwt-json-serialisation": (
            js(flat | {"header": {"disclosures": [LEGAL]}}).decode(),
            "not_a_certificate",
            "frame",
        ),
        "quoted": (f'"{usual()}"', "not_a_certificate", "frame"),
        "in-a-list": (f'["{usual()}"]', "not_a_certificate", "frame"),
        "bearer": (f"Bearer {usual()}", "not_a_certificate", "frame"),
        "in-a-query": (f"https://certs.example/v?t={usual()}", "not_a_certificate", "frame"),
        "in-a-fragment": (f"https://certs.example/v#{usual()}", "unreadable", "frame"),
        "two-tokens-by-space": (f"{usual()} {usual()}", "malformed", "grammar"),
        "two-tokens-by-newline": (f"{usual()}\n{usual()}", "malformed", "grammar"),
        "two-tokens-joined": (usual() + usual(), "malformed", "grammar"),
        "token-then-json": (usual() + js(flat).decode(), "malformed", "grammar"),
        "newline-inside": (usual()[:50] + "\n" + usual()[50:], "malformed", "grammar"),
        "comma-for-dot": (usual().replace(".", ",", 1), "malformed", "grammar"),
        "unsecured-in-front": (f"e30.e30.~{usual()}", "malformed", "grammar"),
        "xml-around": (f"<token>{usual()}</token>", "not_a_certificate", "frame"),
        "jwt-scheme": (f"jwt:{usual()}", "not_a_certificate", "frame"),
    }
    for name, (text, code, check) in cases.items():
        row.bad(name, f"多义写法：{name}", f"A polyglot: {name}", text, code, check)
    inner = line(salt("inner"), "token", usual())
    wrong = token(sd(), inner)
    row.bad(
        "token-in-a-disclosure",
        "披露内藏令牌",
        "A token inside a disclosure",
        wrong,
        "disclosure_invalid",
        "disclosures",
    )
    two = seal(f"{head}.{forged}", signature=unb64u(sig)) + f"~{LEGAL}~"
    row.bad(
        "payload-exchanged",
        "换载荷、留签名",
        "Another payload under the signature",
        two,
        "signature_invalid",
        "signature",
    )
    made = token(sd(LEGAL, _sd=[digest(LEGAL), digest(inner)]), LEGAL) + inner
    row.bad(
        "disclosure-in-binding-place",
        "出示签名处放披露",
        "A disclosure in the binding's place",
        made,
        "malformed",
        "grammar",
    )
    return row


def _exploit(head: str, forged: str, body: str, sig: str) -> str:
    """A JSON object whose first member's name is an unsigned token."""
    members = {f"{head}.{forged}.": "", "protected": head, "payload": body, "signature": sig}
    return js(members).decode() + "~"
