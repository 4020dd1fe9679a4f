"""ECDSA signatures as the libraries want them: raw r ‖ s to DER (RFC 3279 section 2.2.3)."""


def from_raw(r: bytes, s: bytes) -> bytes:
    """Write r and s, 32 bytes each and neither of them zero, as `SEQUENCE { INTEGER, INTEGER }`.

    Half the time of two integers and `encode_dss_signature`; a test holds the two equal.
    """
    r, s = r.lstrip(b"\0"), s.lstrip(b"\0")
    # A leading one bit would make the number negative.
    if r[0] & 0x80:
        r = b"\0" + r
    if s[0] & 0x80:
        s = b"\0" + s
    return b"\x30%c\x02%c%b\x02%c%b" % (len(r) + len(s) + 4, len(r), r, len(s), s)
