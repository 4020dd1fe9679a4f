"""T35: key binding left out."""

from typing import Any

from tokens import (
    AUD,
    LEGAL,
    NONCE,
    SHARE,
    cnf,
    sd,
    token,
    usual,
)
from tokens import binding as bind
from vector import Row

POLICY: dict[str, Any] = {"require_holder_binding": True, "audience": AUD, "nonce": NONCE}
BAD = ("holder_binding_invalid", "holder_binding")
BOUND = token(sd(LEGAL, cnf=cnf()), LEGAL)


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_stripped()]


def _stripped() -> Row:
    row = Row("T35", "threats.md T35; RFC 9901 section 7.3, step 1")
    row.good("there", "有出示签名", "It is there", BOUND + bind(BOUND), policy=POLICY)
    row.good("not-asked-for", "规则不要求", "The policy does not ask", BOUND)
    row.good(
        "no-holder-key",
        "证照无持有人密钥：有效而不可采用",
        "No holder key: valid, but not acceptable",
        usual(),
        policy=POLICY,
        reasons=["policy_not_met"],
    )
    row.bad("stripped", "剥去出示签名", "Stripped", BOUND, *BAD, policy=POLICY)
    both = token(sd(LEGAL, SHARE, cnf=cnf()), LEGAL, SHARE)
    row.bad(
        "stripped-with-disclosures",
        "剥去签名并添加披露",
        "Stripped, with more disclosed",
        both,
        *BAD,
        policy=POLICY,
    )
    row.bad(
        "stripped-to-the-token",
        "只剩令牌",
        "Stripped to the token",
        token(sd(LEGAL, cnf=cnf())),
        *BAD,
        policy=POLICY,
    )
    hidden = token(sd(LEGAL, cnf=None), LEGAL)
    row.bad(
        "cnf-null",
        "cnf 为 null 不算没有",
        "cnf null is not cnf absent",
        hidden,
        *BAD,
        policy=POLICY,
    )
    row.bad(
        "tilde-after-binding",
        "出示签名后多一个 ~",
        "A ~ after the binding",
        BOUND + bind(BOUND) + "~",
        "malformed",
        "grammar",
        policy=POLICY,
    )
    without = {"require_holder_binding": True, "audience": AUD}
    row.bad(
        "verifier-without-a-nonce",
        "核验方没有给出随机数",
        "The verifier named no nonce",
        BOUND + bind(BOUND),
        *BAD,
        policy=without,
    )
    empty = BOUND + bind(BOUND, nonce="")
    title = ("核验方无随机数，出示亦为空", "No nonce asked, an empty one given")
    row.bad("empty-nonce-for-a-verifier-without", *title, empty, *BAD, policy=without)
    empty, other = BOUND + bind(BOUND, aud=""), {"require_holder_binding": True, "nonce": NONCE}
    title = ("核验方无标识，出示亦为空", "No audience asked, an empty one given")
    row.bad("empty-audience-for-a-verifier-without", *title, empty, *BAD, policy=other)
    row.bad(
        "verifier-without-an-audience",
        "核验方没有给出标识",
        "The verifier named no audience",
        BOUND + bind(BOUND),
        *BAD,
        policy={"require_holder_binding": True, "nonce": NONCE},
    )
    return row
