"""T36: tildes in odd places."""

from signing import POLICE
from tokens import LEGAL, SHARE, cnf, jws, police_claims, sd, token, usual
from tokens import binding as bind
from vector import Row


def rows() -> list[Row]:
    """Vectors of this module."""
    row = Row("T36", "threats.md T36; RFC 9901 section 4")
    signed = jws(sd(LEGAL))
    row.good("no-disclosure", "没有披露", "No disclosure", f"{signed}~")
    row.good("one-disclosure", "一个披露", "One disclosure", usual())
    row.good(
        "two-disclosures", "两个披露", "Two disclosures", token(sd(LEGAL, SHARE), LEGAL, SHARE)
    )
    bound = token(sd(LEGAL, cnf=cnf()), LEGAL)
    row.good("binding", "带出示签名", "With key binding", bound + bind(bound))
    row.good(
        "ed25519", "Ed25519 证照", "An Ed25519 certificate", token(police_claims(), key=POLICE)
    )
    bad = ("malformed", "grammar")
    for name, text in {
        "tilde-missing-at-end": f"{signed}~{LEGAL}",
        "two-tildes-at-end": f"{signed}~{LEGAL}~~",
        "two-tildes-in-front": f"{signed}~~{LEGAL}~",
        "two-tildes-and-nothing": f"{signed}~~",
        "empty-disclosure-before-binding": f"{bound}~{bind(bound)}",
        "tilde-inside-a-disclosure": f"{signed}~{LEGAL[:9]}~{LEGAL[9:]}~",
        "tilde-inside-the-signature": f"{signed[:-5]}~{signed[-5:]}~{LEGAL}~",
        "tilde-inside-the-payload": f"{signed[:150]}~{signed[150:]}~{LEGAL}~",
        "space-after-tilde": f"{signed}~ {LEGAL}~",
        "two-bindings": f"{bound}{bind(bound)}~{bind(bound)}",
        "binding-first": f"{bind(bound)}~{bound}~x",
        "disclosure-with-dots": f"{signed}~a.b.c~",
        "full-width-tilde-too": f"{signed}～{LEGAL}~",
    }.items():
        row.bad(name, f"~ 的位置不对：{name}", f"A tilde out of place: {name}", text, *bad)
    for name, text in {
        "no-tilde": signed,
        "tilde-in-front": f"~{signed}~",
        "only-full-width-tilde": f"{signed}～",
        "encoded-tilde": f"{signed}%7E",
        "only-tildes": "~~~",
        "disclosures-only": f"{LEGAL}~",
    }.items():
        title = (f"不是 SD-JWT：{name}", f"No SD-JWT: {name}")
        row.bad(name, *title, text, "not_a_certificate", "frame")
    return [row]
