"""T30: claims that must stay clear, and claims that are there already."""

from typing import Any

from signing import HOLDER
from tokens import (
    LEGAL,
    claim,
    claims,
    cnf,
    digest,
    element,
    sd,
    status,
    token,
    usual,
)
from vector import Row

BAD = ("disclosure_invalid", "disclosures")


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_clear()]


def _clear() -> Row:
    row = Row("T30", "threats.md T30; SD-JWT VC section 2.2.2; RFC 9901 section 7.1, step 3.c.ii.3")
    row.good("face-claim", "证面声明可披露", "A face claim may be disclosed", usual())
    inner = claim("iss", "登记机关")
    row.good(
        "same-name-deeper",
        "下层同名声明可披露",
        "The same name deeper down may be",
        token(claims(address={"_sd": [digest(inner)]}), inner),
        claims=claims(address={"iss": "登记机关"}),
    )
    hidden: dict[str, Any] = {
        "exp": 4_000_000_000,
        "nbf": 1,
        "cnf": {"jwk": HOLDER.jwk},
        "status": status(),
        "vct#integrity": "sha256-AAAA",
        "aka_vcts": ["x"],
    }
    for name, value in hidden.items():
        made = claim(name, value)
        title = (f"{name} 只在披露中", f"{name} in a disclosure only")
        slug = name.replace("#", "-").replace("_", "-")
        row.bad(f"{slug}-disclosed", *title, token(sd(made, **{name: ...}), made), *BAD)
    for name in ("iss", "vct", "iat", "certificate_identifier"):
        made = claim(name, claims()[name])
        title = (f"{name} 只在披露中", f"{name} in a disclosure only")
        row.bad(
            f"{name.replace('_', '-')}-disclosed",
            *title,
            token(sd(made, **{name: ...}), made),
            "malformed",
            "payload",
        )
    for name, value in {
        "iss": "https://evil.example/i/0",
        "exp": 4_000_000_000,
        "status": status(9),
        "name": "另一家公司",
        "vct": "x",
        "iat": 1,
    }.items():
        made = claim(name, value)
        title = (f"披露覆盖 {name}", f"A disclosure that overwrites {name}")
        row.bad(f"{name}-overwritten", *title, token(sd(made), made), *BAD)
    first, second = claim("x", 1, "first"), claim("x", 2, "second")
    row.bad(
        "two-of-one-name",
        "两个披露同名",
        "Two disclosures of one name",
        token(sd(first, second), first, second),
        *BAD,
    )
    idx = claim("idx", 7)
    deeper = {"status_list": {"uri": status()["status_list"]["uri"], "_sd": [digest(idx)]}}
    row.bad(
        "idx-disclosed",
        "status 内 idx 被披露",
        "idx inside status in a disclosure",
        token(claims(status=deeper), idx),
        *BAD,
    )
    key = claim("jwk", HOLDER.jwk)
    row.bad(
        "jwk-disclosed",
        "cnf 内 jwk 被披露",
        "jwk inside cnf in a disclosure",
        token(claims(cnf={"_sd": [digest(key)]}), key),
        *BAD,
    )
    also = element("https://certs.example/vct/x/1")
    row.bad(
        "aka-element-disclosed",
        "aka_vcts 的元素被披露",
        "An element of aka_vcts in a disclosure",
        token(claims(aka_vcts=[{"...": digest(also)}]), also),
        *BAD,
    )
    inner = claim("inner", 1)
    made = token(claims(address={"inner": 0, "_sd": [digest(inner)]}), inner)
    row.bad("inner-overwritten", "下层声明被覆盖", "A claim deeper down overwritten", made, *BAD)
    row.good("cnf-in-the-clear", "cnf 明示", "cnf in the clear", token(sd(LEGAL, cnf=cnf()), LEGAL))
    return row
