"""The certificate authorities: founded, certifying; crashes, damage."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from certsvc.publishing.ca_errors import (
    AuthorityExists,
    AuthorityKeyAway,
    AuthorityMissing,
    CertificateRefused,
    CertificateUnknown,
)
from certsvc.publishing.ca_files import ROOT
from certsvc.publishing.ca_issuing import (
    Certified,
    Founding,
    authority_for,
    found_authority,
)
from certsvc.publishing.ca_keys import OWNER, Workshop
from certsvc.publishing.ca_lists import (
    renew_list,
)
from certsvc.publishing.errors import PublishingError, TreeUnreadable
from certsvc_sdk.x509.names import Office
from keys import KeyInfo
from keys.filestore import FileKeyStore

NOW = 1_800_000_000
DAY = 86_400
BASE = "https://certs.example/"
USCC = "119999000000000198"
OFFICE = Office(iss=f"{BASE}i/{USCC}", uscc=USCC, name="示例市市场监督管理局")
Found = Callable[..., None]
Issue = Callable[..., Certified]
Check = Callable[..., Any]


def test_a_chain_below_an_offline_root(
    found: Found, issue: Issue, key: KeyInfo, safe: FileKeyStore, check: Check
) -> None:
    found(store="safe:")
    found("city", area="999900")
    done = issue("city")
    assert (len(done.chain), done.kid, done.authority) == (2, key.kid, "city")
    assert (done.start, done.end) == (NOW, NOW + 90 * DAY)
    valid = check(done, NOW)
    assert valid.serial == done.serial
    assert valid.serial.bit_length() > 64
    lives = [one.next_update - one.this_update for one in valid.lists]
    assert lives == [7 * DAY, 180 * DAY]
    assert [one.role for one in safe.list(OWNER)] == [ROOT]


def test_the_certificate_speaks_for_the_keys_life(found: Found, issue: Issue) -> None:
    found()
    done = issue(now=NOW + 5 * DAY, since=NOW + DAY, until=NOW + 9 * DAY)
    assert (done.start, done.end) == (NOW + DAY, NOW + 9 * DAY)
    # Not longer than the authority's own life, and from a moment that has come.
    done = issue(now=NOW + 5 * DAY, since=NOW - DAY, days=3650)
    assert (done.start, done.end) == (NOW, NOW + 10 * 365 * DAY)
    assert issue(now=NOW, since=NOW + DAY).start == NOW


def test_what_cannot_be_certified(found: Found, issue: Issue, workshop: Workshop) -> None:
    with pytest.raises(AuthorityMissing):
        issue()
    found()
    found("elsewhere", area="990000")
    found("far", area="330000")
    assert issue("elsewhere").chain
    wrong: list[dict[str, Any]] = [
        {"name": "far"},
        {"until": NOW},
        {"now": NOW + 20 * 365 * DAY},
        {"now": NOW + 8 * DAY},  # the authority's own list is stale
        {"office": Office(iss="https://evil.example/i/" + USCC, uscc=USCC, name="局")},
        {"office": Office(iss=OFFICE.iss, uscc=USCC, name="局" * 65)},
        {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}},
    ]
    before = workshop.folder.issued(ROOT).keys() | workshop.folder.issued("far").keys()
    for changes in wrong:
        with pytest.raises(CertificateRefused):
            issue(**changes)
    assert before == workshop.folder.issued(ROOT).keys() | workshop.folder.issued("far").keys()


def test_what_cannot_be_founded(
    found: Found, workshop: Workshop, online: Workshop, store: FileKeyStore
) -> None:
    with pytest.raises(AuthorityMissing):
        found("city")
    with pytest.raises(CertificateRefused):
        found(area="330000")
    with pytest.raises(CertificateRefused):
        found(title="")
    found(store="safe:")
    with pytest.raises(AuthorityExists):
        found()
    for name in ("", "Root", "../x", "a" * 33):
        with pytest.raises(AuthorityMissing):
            found(name)
    with pytest.raises(AuthorityKeyAway):
        found("city", store="nowhere:")
    asked = Founding(name="city", title="市", area="999900", store=None, base_url=BASE, years=1)
    with pytest.raises(AuthorityKeyAway):
        found_authority(online, asked, now=NOW)
    assert workshop.folder.names() == (ROOT,)
    # A refused title leaves a key for the next attempt; what was away leaves nothing.
    assert [one.role for one in store.list(OWNER)] == [ROOT]


def test_the_nearest_authority_signs(found: Found, workshop: Workshop) -> None:
    with pytest.raises(AuthorityMissing):
        authority_for(workshop.folder, "999900")
    found()
    assert authority_for(workshop.folder, "999900") == ROOT
    found("all")
    found("province", area="990000")
    found("city", area="999900")
    nearest = {
        each: authority_for(workshop.folder, each) for each in ("999906", "998100", "330106")
    }
    assert nearest == {"999906": "city", "998100": "province", "330106": "all"}


def test_a_founding_that_was_broken_off_is_taken_on(
    found: Found, workshop: Workshop, store: FileKeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full at each write in turn; afterwards the same command makes it whole."""
    import certsvc.publishing.ca_files as files

    real, left = files.replace_file, 0

    def failing(path: Path, data: bytes, *, mode: int = 0o600) -> None:
        nonlocal left
        if left == 0:
            raise OSError(28, "No space left on device")
        left -= 1
        real(path, data, mode=mode)

    monkeypatch.setattr(files, "replace_file", failing)
    for writes in range(3):
        left = writes
        with pytest.raises(OSError, match="No space"):
            found()
        assert workshop.folder.names() == ()
    left = 3
    found()
    assert workshop.folder.names() == (ROOT,)
    assert len(store.list(OWNER)) == 1


def test_a_certificate_that_is_not_on_record_does_not_leave(
    found: Found, issue: Issue, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    import certsvc.publishing.ca_files as files

    found()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "replace_file", full)
    with pytest.raises(OSError, match="No space"):
        issue()
    assert workshop.folder.issued(ROOT) == {}


def test_a_serial_number_serves_once(
    found: Found, issue: Issue, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    found()
    done = issue()
    data = workshop.folder.issued(ROOT)[done.serial]
    with pytest.raises(AuthorityExists):
        workshop.folder.put_issued(ROOT, done.serial, data)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("authority.json", b"{"),
        ("authority.json", b"[]"),
        ("authority.json", b'{"version": 2}'),
        ("authority.json", b'{"version": 1, "name": "root"}'),
        ("authority.json", b" " * 70_000),
        ("authority.cer", b"junk"),
        ("authority.cer", b" " * 9000),
        ("issued/1234.cer", b"junk"),
        ("issued/xyz.cer", b"junk"),
        ("revoked/1234.json", b'{"when": 1}'),
    ],
)
def test_a_damaged_folder_is_noticed(
    found: Found, issue: Issue, workshop: Workshop, name: str, content: bytes
) -> None:
    found()
    issue()
    (workshop.folder.place(ROOT) / name).write_bytes(content)
    with pytest.raises(TreeUnreadable):
        renew_list(workshop, ROOT, stolen={"A" * 11: NOW}, tree=None, now=NOW)


def test_a_misplaced_certificate_is_noticed(found: Found, issue: Issue, workshop: Workshop) -> None:
    found()
    done = issue()
    folder = workshop.folder.place(ROOT) / "issued"
    (folder / f"{done.serial:x}.cer").rename(folder / "abcd.cer")
    with pytest.raises(TreeUnreadable):
        workshop.folder.issued(ROOT)


def test_errors_have_stable_codes() -> None:
    for error, code in (
        (AuthorityMissing, "ca_missing"),
        (AuthorityExists, "ca_exists"),
        (AuthorityKeyAway, "ca_key_away"),
        (CertificateRefused, "certificate_refused"),
        (CertificateUnknown, "certificate_unknown"),
    ):
        assert issubclass(error, PublishingError)
        assert error.code == code
