"""T07 crit, T08 b64 and payloads that are not there, T09 compression and encryption."""

import zlib
from typing import Any

from signing import CERT, STATUS, b64u, js
from tokens import LEGAL, claims, jws, sd, seal, token, usual
from vector import Row
from worlds import served, status_list


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_crit(), _payload(), _packed()]


def _crit() -> Row:
    row = Row("T07", "threats.md T07; RFC 7515 section 4.1.11")
    row.good("no-crit", "头部没有 crit", "No crit in the header", usual())
    forms: dict[str, Any] = {
        "registered-claim": ["exp"],
        "empty-list": [],
        "string": "exp",
        "null": None,
        "number": 1,
        "false": False,
        "object": {},
        "list-of-number": [1],
        "names-itself": ["crit"],
        "twice-the-same": ["x", "x"],
        "names-an-absent-member": ["absent"],
        "names-alg": ["alg", "typ", "kid"],
        "b64": ["b64"],
        "url": ["https://evil.example/extension"],
    }
    for name, crit in forms.items():
        more = {"exp": 1} if name == "registered-claim" else {"b64": True} if name == "b64" else {}
        made = token(sd(LEGAL), LEGAL, header=CERT.header(crit=crit, **more))
        title = (f"头部带 crit：{name}", f"crit in the header: {name}")
        row.bad(f"crit-{name}", *title, made, "malformed", "header")
    wrong = status_list(header=STATUS.header("statuslist+jwt", crit=["exp"]))
    title = ("状态清单头部带 crit", "crit in a status list's header")
    row.bad(
        "crit-in-status-list", *title, usual(), "status_unavailable", "status_list", **served(wrong)
    )
    return row


def _payload() -> Row:
    row = Row("T08", "threats.md T08; RFC 7797; RFC 7515 appendix F")
    row.good("encoded-payload", "载荷照常编码", "A payload encoded as usual", usual())
    for name, value in {"false": False, "true": True, "text": "false", "null": None}.items():
        made = token(sd(LEGAL), LEGAL, header=CERT.header(b64=value))
        row.bad(
            f"b64-{name}",
            f"头部带 b64：{name}",
            f"b64 in the header: {name}",
            made,
            "malformed",
            "header",
        )
    head = b64u(js(CERT.header(b64=False, crit=["b64"])))
    made = seal(f"{head}.{js(claims()).decode()}") + "~"
    title = ("载荷未编码（RFC 7797）", "An unencoded payload (RFC 7797)")
    row.bad("unencoded-payload", *title, made, "malformed", "grammar")
    made = seal(f"{head}.$.02") + "~"
    title = ("RFC 7797 第 4 节例子的载荷", "The payload of RFC 7797 section 4")
    row.bad("rfc7797-example", *title, made, "malformed", "grammar")
    header = b64u(js(CERT.header()))
    made = seal(f"{header}.") + "~"
    title = ("载荷分离（为空）", "A detached payload")
    row.bad("detached", *title, made, "malformed", "grammar")
    head, _, signature = jws(claims()).split(".")
    title = ("签名针对别处的载荷，此处为空", "A true signature whose payload is elsewhere")
    row.bad("detached-true-signature", *title, f"{head}..{signature}~", "malformed", "grammar")
    title = ("头部为空", "An empty header")
    made = seal(f".{b64u(js(claims()))}") + "~"
    row.bad("no-header", *title, made, "not_a_certificate", "frame")
    made = "eyJ" + made
    title = ("头部残缺", "A header that is cut short")
    row.bad("cut-header", *title, made, "malformed", "grammar")
    for name, value in {
        "empty-object": {},
        "list": [],
        "string": "x",
        "null": None,
        "true": True,
    }.items():
        made = token(js(value))
        title = (f"载荷是 {name}", f"The payload is {name}")
        row.bad(f"payload-{name}", *title, made, "malformed", "payload")
    for name in ("iss", "vct", "certificate_identifier", "iat"):
        title = (f"载荷缺少 {name}", f"The payload lacks {name}")
        slug = name.replace("_", "-")
        row.bad(
            f"payload-without-{slug}", *title, token(claims(**{name: ...})), "malformed", "payload"
        )
    title = ("载荷缺少 status", "The payload lacks status")
    made = token(claims(status=...))
    row.bad("payload-without-status", *title, made, "malformed", "status_reference")
    for name, value in {"list": ["ES256"], "string": "ES256", "null": None}.items():
        made = token(claims(), header=js(value))
        title = (f"头部是 {name}", f"The header is {name}")
        row.bad(f"header-{name}", *title, made, "malformed", None)
    return row


def _packed() -> Row:
    row = Row("T09", "threats.md T09; RFC 7516 section 4.1.3; RFC 8725 section 3.6")
    row.good("three-parts", "恰为三段", "Exactly three parts", usual())
    for name, more in {
        "zip-def": {"zip": "DEF"},
        "zip-gz": {"zip": "GZ"},
        "zip-empty": {"zip": ""},
        "enc": {"enc": "A256GCM"},
        "p2c-of-a-billion": {"p2c": 1_000_000_000, "p2s": "AAAA"},
        "epk": {"epk": CERT.jwk},
    }.items():
        made = token(sd(LEGAL), LEGAL, header=CERT.header(**more))
        row.bad(name, f"头部带 {name}", f"{name} in the header", made, "malformed", "header")
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = packer.compress(bytes(40_000_000)) + packer.flush()
    head = CERT.header(zip="DEF")
    title = ("40 MB 压缩成 39 KB 的载荷", "A payload of 39 KB that inflates to 40 MB")
    row.bad("deflate-bomb", *title, token(bomb, header=head), "malformed", "header")
    title = ("压缩后的真实载荷", "A true payload, compressed")
    small = zlib.compress(js(claims()))[2:-4]
    row.bad("deflated-payload", *title, token(small, header=head), "malformed", "header")
    title = ("压缩载荷而头部不提", "A compressed payload, unannounced")
    row.bad("deflated-unannounced", *title, token(small), "malformed", "payload")
    signed = jws(claims())
    for name, made in {
        "one-part": signed.split(".")[0] + ".~",
        "two-parts": ".".join(signed.split(".")[:2]) + "~",
        "four-parts": f"{signed}.AAAA~",
        "five-parts-of-a-jwe": f"{b64u(js({'alg': 'dir', 'enc': 'A256GCM'}))}..AAAA.AAAA.AAAA~",
        "dots-only": "e..~",
        "trailing-dot": f"{signed}.~",
    }.items():
        title = (f"段数不对：{name}", f"Another number of parts: {name}")
        row.bad(f"parts-{name}", *title, made, "malformed", "grammar")
    return row
