"""Texts that a code may carry and that are no certificate of ours, or nearly one."""

from collections.abc import Iterator

from odd import symbols
from odd.files import saved


def said(ours: str) -> Iterator[bytes]:
    """Sixty files; `ours` is the text of a valid certificate."""
    for text in (*_foreign(), *_almost(ours), *_long()):
        data = text.encode()
        version = 40 if len(data) > 1200 else 29
        yield saved(symbols.picture(version, symbols.bytes_segment(data, version), scale=2))


def _foreign() -> tuple[str, ...]:
    """What other codes do, and what programs stumble over."""
    return (
        *("", " ", "\0", "\n", "javascript:alert(1)", "tel:110", "sms:110:x", "mailto:a@b.example"),
        *("WIFI:T:WPA;S=x;P=y;;", "https://example.org/", "https://certs.example/", "data:,x"),
        *("file:///etc/passwd", "eyJhbGciOiJub25lIn0.e30.", "a.b.c~", '{"iss":"x"}'),
        *("<svg onload=alert(1)>", "'; DROP TABLE certificates;", "%s%n" * 99, "../" * 300),
        *("7K3F-92CD-XW4M-83HR", "00000000000000000000", "٣" * 60, "３" * 90),
    )


def _almost(ours: str) -> tuple[str, ...]:
    """Our address with other digits, our digits at other addresses, parts of both."""
    digits = ours.partition("#")[2]
    base = "https://certs.example/v#"
    return (
        *(base, base + "1", base + " " + digits[:200], base + "-" + digits[:200]),
        *(base + digits[:-1], base + digits[1:], base + "0" + digits, base + digits[17:]),
        *(base + digits[:-17], base + digits + digits, "https://certs.example/p#" + digits[:39]),
        *("https://certs.example/v?" + digits, "https://сerts.example/v#" + digits),
        *("https://certs.example@evil.example/v#" + digits, "https://certs.example/v/#" + digits),
        *("http://certs.example/v#" + digits, "//certs.example/v#" + digits),
        *("https://certs.example:99999/v#" + digits, "https://[::1]/v#" + digits),
        *("certs.example/v#" + digits, "\u202e" + digits, "\ufeff" + digits),
        *(digits[:59], digits[:60]),
    )


def _long() -> tuple[str, ...]:
    """Much of the same."""
    return (
        *("0" * 60, "9" * 1000, "1" * 2900, "1" * 17, "eyJ" * 500, "~" * 300, "{" * 800),
        *("[" * 2000, "中华人民共和国" * 60, "\U0001f600" * 300, "A" * 2900, "#" * 900),
    )
