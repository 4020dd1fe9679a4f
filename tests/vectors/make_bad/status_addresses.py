"""T39 where a list may lie, T43 lists that would tell who is being checked."""

from typing import Any

from signing import POLICE_STATUS, STRANGER
from tokens import BASE, IDENTIFIER, POLICE_PREFIX, PREFIX, URI, USCC, status, usual
from vector import Row
from worlds import PATH, POLICE_URI, record, served, status_list

BAD = ("malformed", "status_reference")
MISSING = ("status_unavailable", "status_list")


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_addresses(), _tracking()]


def _addresses() -> Row:
    row = Row("T39", "threats.md T39; RFC 3986; wire-formats.md, Status")
    row.good("under-the-prefix", "前缀之下", "Under the prefix", usual())
    deeper = f"{PREFIX}2027/1"
    row.good(
        "deeper",
        "前缀之下更深处",
        "Deeper under the prefix",
        usual(status=status(7, deeper)),
        **served(status_list(sub=deeper), deeper),
    )
    for name, uri in _strange().items():
        text = usual(status=status(7, uri))
        # The bait is served and genuine but for its place, so only the address can refuse it.
        title = (f"状态地址越界：{name}", f"A status address out of bounds: {name}")
        row.bad(name, *title, text, *BAD, **served(status_list(sub=uri), uri))
    _exchanged(row)
    return row


def _strange() -> dict[str, str]:
    return {
        "other-host": "https://evil.example/status/1",
        "other-host-same-path": f"https://evil.example/status/{USCC}/1",
        "host-as-prefix": f"https://certs.example.evil.example/status/{USCC}/1",
        "host-as-suffix": f"https://evilcerts.example/status/{USCC}/1",
        "user-in-front": f"https://certs.example@evil.example/status/{USCC}/1",
        "user-of-ours": f"https://user@certs.example/status/{USCC}/1",
        "password": f"https://u:p@certs.example/status/{USCC}/1",
        "backslash": f"https://certs.example\\@evil.example/status/{USCC}/1",
        "other-port": f"https://certs.example:8443/status/{USCC}/1",
        "port-zero": f"https://certs.example:0/status/{USCC}/1",
        "port-too-large": f"https://certs.example:65979/status/{USCC}/1",
        "plain-http": f"http://certs.example/status/{USCC}/1",
        "upper-case-scheme": f"HTTPS://certs.example/status/{USCC}/1",
        "upper-case-host": f"https://Certs.example/status/{USCC}/1",
        "trailing-dot": f"https://certs.example./status/{USCC}/1",
        "file": "file:///etc/passwd",
        "file-of-ours": f"file://certs.example/status/{USCC}/1",
        "ftp": f"ftp://certs.example/status/{USCC}/1",
        "gopher": "gopher://127.0.0.1:6379/_FLUSHALL",
        "data": "data:application/statuslist+jwt,x",
        "javascript": "javascript:alert(1)",
        "metadata-address": "http://169.254.169.254/latest/meta-data/",
        "metadata-address-by-https": "https://169.254.169.254/latest/meta-data/",
        "loopback": "http://127.0.0.1/status/1",
        "loopback-by-https": "https://127.0.0.1/status/1",
        "loopback-ipv6": "http://[::1]/status/1",
        "decimal-address": "https://2130706433/status/1",
        "private-network": "https://10.0.0.1/status/1",
        "dot-dot": f"{PREFIX}../{POLICE_PREFIX.split('/')[-2]}/1",
        "dot-dot-out": f"{PREFIX}../../trust/metadata/timestamp.json",
        "dot-dot-at-the-end": f"{PREFIX}..",
        "encoded-dot-dot": f"{PREFIX}%2e%2e/1",
        "encoded-slash": f"{PREFIX}a%2f..%2f1",
        "single-dot": f"{PREFIX}./1",
        "double-slash": f"{PREFIX}/1",
        "two-dots-in-a-name": f"{PREFIX}a..b",
        "query": f"{URI}?to=https://evil.example/",
        "empty-query": f"{URI}?",
        "fragment": f"{URI}#x",
        "empty-fragment": f"{URI}#",
        "the-prefix-itself": PREFIX,
        "the-prefix-without-slash": PREFIX.rstrip("/"),
        "the-prefix-as-text-only": PREFIX.rstrip("/") + "9/1",
        "beside-the-prefix": f"{BASE}status/1",
        "root-of-the-host": BASE,
        "space": f"{PREFIX}1 2",
        "newline": f"{URI}\n",
        "header-split": f"{URI}\r\nHost: evil.example",
        "nul-free-control": f"{PREFIX}\u0001",
        "full-width-host": f"https://ｃerts.example/status/{USCC}/1",
        "cyrillic-host": f"https://сerts.example/status/{USCC}/1",
        "zero-width-space": f"https://certs.example/status/{USCC}\u200b/1",
        "relative": f"/status/{USCC}/1",
        "scheme-relative": f"//certs.example/status/{USCC}/1",
        "empty": "",
        "long": PREFIX + "x" * 2048,
    }


def _exchanged(row: Row) -> None:
    other = f"{PREFIX}2"
    title = ("地址处放着另一份清单", "Another list of the issuer stands at the address")
    row.bad("sub-of-another-list", *title, usual(), *MISSING, **served(status_list(sub=other)))
    for name, sub in {
        "with-default-port": f"https://certs.example:443/status/{USCC}/1",
        "with-slash": URI + "/",
        "with-fragment": URI + "#",
        "upper-case-host": URI.replace("certs", "CERTS"),
        "empty": "",
    }.items():
        title = (f"sub 与地址写法不同：{name}", f"sub spelled otherwise than the address: {name}")
        row.bad(f"sub-{name}", *title, usual(), *MISSING, **served(status_list(sub=sub)))
    title = ("地址处放着另一机关的清单", "Another office's list stands at the address")
    row.bad(
        "list-of-another-office",
        *title,
        usual(),
        *MISSING,
        **served(status_list(key=POLICE_STATUS)),
    )
    title = ("地址处放着陌生人的清单", "A stranger's list stands at the address")
    row.bad("list-of-a-stranger", *title, usual(), *MISSING, **served(status_list(key=STRANGER)))
    moved: dict[str, Any] = {
        PATH: record(status_prefix=f"https://elsewhere.example/status/{USCC}/")
    }
    title = ("记录的前缀已移走", "The record's prefix is elsewhere by now")
    row.bad("prefix-moved", *title, usual(), *BAD, records=moved)
    for name, prefix in {
        "without-slash": PREFIX.rstrip("/"),
        "plain-http": PREFIX.replace("https", "http"),
        "with-query": PREFIX + "?/",
        "relative": f"/status/{USCC}/",
        "empty": "",
        "with-user": PREFIX.replace("certs", "u@certs"),
        "dot-dot": f"{PREFIX}../",
        "file": f"file:///srv/status/{USCC}/",
        "of-another-office": f"{BASE}status/119999000000000273/",
        "of-nobody": f"{BASE}status/",
    }.items():
        title = (f"记录的状态前缀不当：{name}", f"A record's status prefix is unfit: {name}")
        refused = {PATH: record(status_prefix=prefix)}
        row.bad(f"prefix-{name}", *title, usual(), "trust_unavailable", "issuer", records=refused)
    for name, address in {
        "outside-the-prefix": "https://evil.example/lists.json",
        "the-prefix-itself": PREFIX,
    }.items():
        title = (f"记录的清单目录越界：{name}", f"A record's aggregation out of bounds: {name}")
        refused = {PATH: record(status_aggregation=address)}
        row.bad(
            f"aggregation-{name}", *title, usual(), "trust_unavailable", "issuer", records=refused
        )


def _tracking() -> Row:
    row = Row("T43", "threats.md T43; Token Status List section 12.5")
    row.good("shared-list", "共用清单 131,072 项", "A shared list of 131,072 entries", usual())
    row.good(
        "list-under-the-prefix",
        "前缀之下的另一份共用清单",
        "Another shared list under the prefix",
        usual(status=status(0, f"{PREFIX}2")),
        **served(status_list({}, sub=f"{PREFIX}2"), f"{PREFIX}2"),
    )
    for name, uri in {
        "certificate-in-the-query": f"{URI}?c={IDENTIFIER}",
        "certificate-in-the-fragment": f"{URI}#{IDENTIFIER}",
        "holder-as-user": URI.replace("certs", "91999900MA0000007U@certs"),
        "counter-on-another-host": f"https://count.example/{IDENTIFIER}",
        "subdomain-for-each-certificate": f"https://c0001.certs.example/status/{USCC}/1",
    }.items():
        title = (
            f"地址透露正在核验的证照：{name}",
            f"An address that tells which certificate: {name}",
        )
        row.bad(
            name,
            *title,
            usual(status=status(0, uri)),
            *BAD,
            **served(status_list({}, sub=uri), uri),
        )
    title = ("另一机关的清单", "Under another office's prefix")
    row.bad("under-another-prefix", *title, usual(status=status(7, POLICE_URI)), *BAD)
    return row
