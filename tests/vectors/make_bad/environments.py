"""T20: demonstration and staging."""

from signing import STAGING
from tokens import (
    LEGAL,
    claims,
    sd,
    status,
    token,
    usual,
)
from vector import Row
from worlds import (
    DEMO,
    DEMO_ISS,
    DEMO_URI,
    PATH,
    demo_record,
    record,
)


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_environments()]


def _environments() -> Row:
    row = Row("T20", "threats.md T20")
    local = claims(iss=DEMO_ISS, vct=f"{DEMO}vct/business-licence/1", status=status(7, DEMO_URI))
    row.good(
        "demo-in-demo",
        "演示环境中的演示证照",
        "A demonstration's certificate, at home",
        token(local),
        world="demo",
    )
    title = ("演示证照拿到生产环境", "A demonstration's certificate in production")
    row.bad("demo-in-production", *title, token(local), "issuer_unknown", "issuer")
    made = token(sd(LEGAL), LEGAL, key=STAGING)
    title = ("测试环境的密钥签发", "Signed by a staging key")
    row.bad("staging-key", *title, made, "key_unknown", "key")
    made = token(claims(iss="https://staging.certs.example/i/119999000000000198"), key=STAGING)
    title = ("测试环境的机关", "A staging issuer")
    row.bad("staging-issuer", *title, made, "issuer_unknown", "issuer")
    refused = ("trust_unavailable", "issuer")
    title = ("生产信任清单中混入本机地址的机关", "A loopback issuer in production's trust list")
    row.bad(
        "loopback-record-in-production",
        *title,
        token(local),
        *refused,
        records={PATH: demo_record()},
    )
    alias = record(aliases=[DEMO_ISS])
    title = ("生产记录以本机地址为曾用标识", "A loopback alias in production")
    row.bad("loopback-alias-in-production", *title, usual(), *refused, records={PATH: alias})
    prefix = record(status_prefix=f"{DEMO}status/119999000000000198/")
    title = ("生产记录的状态前缀为本机地址", "A loopback status prefix in production")
    row.bad(
        "loopback-status-prefix-in-production", *title, usual(), *refused, records={PATH: prefix}
    )
    title = ("生产证照的状态地址为本机", "A loopback status address in production")
    row.bad(
        "loopback-status-in-production",
        *title,
        usual(status=status(7, DEMO_URI)),
        "malformed",
        "status_reference",
    )
    title = ("演示环境里明文访问他机", "Plain http to another machine, even in a demonstration")
    elsewhere = local | {"iss": "http://10.0.0.1/i/119999000000000198"}
    row.bad(
        "plain-http-elsewhere", *title, token(elsewhere), "issuer_unknown", "issuer", world="demo"
    )
    title = ("生产证照拿到演示环境", "A production certificate in a demonstration")
    row.bad("production-in-demo", *title, usual(), "issuer_unknown", "issuer", world="demo")
    return row
