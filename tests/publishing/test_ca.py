"""The certificate authorities: founded, certifying, taking back, listing; crashes, old copies."""

import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from certsvc.publishing import PublishedTree
from certsvc.publishing.ca_errors import (
    AuthorityExists,
    AuthorityKeyAway,
    AuthorityMissing,
    CertificateRefused,
    CertificateUnknown,
)
from certsvc.publishing.ca_files import ROOT, AuthorityFolder
from certsvc.publishing.ca_issuing import (
    Certified,
    Founding,
    authority_for,
    certify,
    found_authority,
    revoke,
)
from certsvc.publishing.ca_keys import OWNER, Workshop
from certsvc.publishing.ca_lists import (
    merged,
    publish_files,
    published_list,
    renew_list,
    stolen_keys,
)
from certsvc.publishing.errors import PublishingError, TreeUnreadable
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.errors import ChainRevoked
from certsvc_sdk.x509 import Expected, validate_chain
from certsvc_sdk.x509.lists import Revocation, read_own_list
from certsvc_sdk.x509.names import Office
from keys import KeyInfo, State
from keys.filestore import FileKeyStore

NOW = 1_800_000_000
DAY = 86_400
BASE = "https://certs.example/"
USCC = "119999000000000198"
OFFICE = Office(iss=f"{BASE}i/{USCC}", uscc=USCC, name="示例市市场监督管理局")
Found = Callable[..., None]
Issue = Callable[..., Certified]


@pytest.fixture
def safe(tmp_path: Path) -> FileKeyStore:
    """A store that stands elsewhere."""
    return FileKeyStore(tmp_path / "safe", passphrase=b"another", scrypt_n=2)


@pytest.fixture
def workshop(tmp_path: Path, store: FileKeyStore, safe: FileKeyStore) -> Workshop:
    numbers = count(1)
    return Workshop(
        folder=AuthorityFolder(tmp_path / "ca"),
        open_store={None: store, "safe:": safe}.get,
        rng=lambda size: next(numbers).to_bytes(size),
    )


@pytest.fixture
def online(workshop: Workshop, store: FileKeyStore) -> Workshop:
    """The same folder as the worker sees it."""
    open_store = {None: store}.get
    return Workshop(folder=workshop.folder, open_store=open_store, rng=workshop.rng)


@pytest.fixture
def found(workshop: Workshop) -> Found:
    def make(name: str = ROOT, **changes: Any) -> None:
        given: dict[str, Any] = {
            "name": name,
            "title": f"示例机构 {name}",
            "area": "100000",
            "store": None,
            "base_url": BASE,
            "years": 10,
        }
        found_authority(workshop, Founding(**{**given, **changes}), now=NOW)

    return make


@pytest.fixture
def key(make_key: Callable[..., KeyInfo]) -> KeyInfo:
    return make_key("certificate")


@pytest.fixture
def issue(workshop: Workshop, key: KeyInfo) -> Issue:
    def make(name: str = ROOT, **changes: Any) -> Certified:
        given: dict[str, Any] = {"days": 90, "now": NOW, **changes}
        jwk = dict(given.pop("jwk", key.public_jwk))
        return certify(workshop, name, given.pop("office", OFFICE), jwk, **given)

    return make


def check(workshop: Workshop, done: Certified, key: KeyInfo, at: int, **options: Any) -> Any:
    public = PublicKey.from_jwk(dict(key.public_jwk), "ES256")
    return validate_chain(
        done.chain,
        anchors=[workshop.folder.certificate(ROOT)],
        crls=[workshop.folder.list(name) for name in workshop.folder.names()],
        expected=Expected(public=public, iss=OFFICE.iss, uscc=USCC, name=OFFICE.name),
        at=at,
        **options,
    )


def test_a_chain_below_an_offline_root(
    workshop: Workshop, found: Found, issue: Issue, key: KeyInfo, safe: FileKeyStore
) -> None:
    found(store="safe:")
    found("city", area="999900")
    done = issue("city")
    assert (len(done.chain), done.kid, done.authority) == (2, key.kid, "city")
    assert (done.start, done.end) == (NOW, NOW + 90 * DAY)
    valid = check(workshop, done, key, NOW)
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


def test_a_revoked_certificate_is_listed(
    found: Found, issue: Issue, workshop: Workshop, key: KeyInfo
) -> None:
    found()
    found("city", area="999900")
    done = issue("city")
    assert revoke(workshop.folder, done.serial, reason="superseded", since=None, now=NOW) == "city"
    check(workshop, done, key, NOW)
    assert renew_list(workshop, "city", stolen={}, tree=None, now=NOW + 1)
    with pytest.raises(ChainRevoked):
        check(workshop, done, key, NOW + 1)
    assert not renew_list(workshop, "city", stolen={}, tree=None, now=NOW + 1)
    for serial, options, error in (
        (99, {"reason": "superseded", "since": None}, CertificateUnknown),
        (done.serial, {"reason": "certificateHold", "since": None}, CertificateRefused),
        (done.serial, {"reason": "superseded", "since": NOW + 1}, CertificateRefused),
    ):
        with pytest.raises(error):
            revoke(workshop.folder, serial, now=NOW, **options)


def test_a_graver_reason_replaces_a_milder_one(
    found: Found, issue: Issue, workshop: Workshop
) -> None:
    found()
    done = issue()
    revoke(workshop.folder, done.serial, reason="superseded", since=None, now=NOW + 5)
    revoke(workshop.folder, done.serial, reason="keyCompromise", since=NOW - 5, now=NOW + 9)
    revoke(workshop.folder, done.serial, reason="cessationOfOperation", since=None, now=NOW + 10)
    [said] = workshop.folder.revoked(ROOT)
    assert (said.at, said.reason, said.invalid_since) == (NOW + 5, "keyCompromise", NOW - 5)


def test_certificates_of_stolen_keys_are_listed(
    found: Found, issue: Issue, workshop: Workshop, store: FileKeyStore, key: KeyInfo
) -> None:
    """Whoever marks a key compromised need not think of its certificates."""
    found()
    found("city", area="999900")
    done = issue("city")
    store.set_state(key.issuer_id, key.kid, State.COMPROMISED, now=NOW + 5)
    stolen = stolen_keys(store)
    assert renew_list(workshop, "city", stolen=stolen, tree=None, now=NOW + 9)
    assert not renew_list(workshop, "city", stolen=stolen, tree=None, now=NOW + 99)
    listed = read_own_list(workshop.folder.list("city"), workshop.folder.certificate("city"))
    expected = Revocation(
        serial=done.serial, at=NOW + 9, reason="keyCompromise", invalid_since=NOW + 5
    )
    assert listed.entries == {done.serial: expected}
    # The day on which the theft was noticed says nothing: the signature may be backdated.
    with pytest.raises(ChainRevoked):
        check(workshop, done, key, NOW, now=NOW + 9)
    assert check(workshop, done, key, NOW, now=NOW + 9, at_is_proven=True)


def test_a_stolen_authority_is_listed_by_the_root(
    found: Found, issue: Issue, workshop: Workshop, store: FileKeyStore, key: KeyInfo
) -> None:
    found(store="safe:")
    found("city", area="999900")
    done = issue("city")
    kid = workshop.folder.facts("city").kid
    store.set_state(OWNER, kid, State.COMPROMISED, now=NOW + 5)
    stolen = stolen_keys(store)
    assert renew_list(workshop, ROOT, stolen=stolen, tree=None, now=NOW + 6)
    with pytest.raises(ChainRevoked, match="cACompromise"):
        check(workshop, done, key, NOW + 6)
    with pytest.raises(AuthorityKeyAway):
        issue("city")
    assert stolen_keys(None) == {}


@pytest.mark.parametrize(
    ("after", "due"), [(0, False), (int(3.5 * DAY) - 1, False), (int(3.5 * DAY), True), (-1, True)]
)
def test_a_list_is_renewed_at_half_of_its_life(
    found: Found, workshop: Workshop, after: int, due: bool
) -> None:
    """Or where it was signed by a clock that was ahead."""
    found()
    assert renew_list(workshop, ROOT, stolen={}, tree=None, now=NOW + after) is due


def test_an_offline_authoritys_list_is_left_to_its_people(found: Found, online: Workshop) -> None:
    found(store="safe:")
    assert not renew_list(online, ROOT, stolen={}, tree=None, now=NOW + 89 * DAY)
    with pytest.raises(AuthorityKeyAway):
        renew_list(online, ROOT, stolen={}, tree=None, now=NOW + 91 * DAY)


def test_numbers_only_grow(found: Found, workshop: Workshop, tree: PublishedTree) -> None:
    found()
    certificate = workshop.folder.certificate(ROOT)
    numbers = []
    # Twice in a second, and once by a clock that went back.
    for now in (NOW, NOW, NOW + 9, NOW - 50 * DAY):
        renew_list(workshop, ROOT, stolen={}, tree=tree, now=now, force=True)
        publish_files(workshop, tree)
        found_list = published_list(tree, ROOT, certificate)
        assert found_list is not None
        numbers.append(found_list.number)
    assert numbers == sorted(set(numbers))


def test_a_folder_from_a_backup_takes_nothing_back(
    found: Found, issue: Issue, workshop: Workshop, tree: PublishedTree, tmp_path: Path
) -> None:
    found()
    done = issue()
    publish_files(workshop, tree)
    shutil.copytree(workshop.folder.root, tmp_path / "backup")
    revoke(workshop.folder, done.serial, reason="keyCompromise", since=None, now=NOW + 5)
    renew_list(workshop, ROOT, stolen={}, tree=tree, now=NOW + 5)
    assert publish_files(workshop, tree)
    seen = tree.read("x509/root.crl")
    shutil.rmtree(workshop.folder.root)
    shutil.copytree(tmp_path / "backup", workshop.folder.root)
    assert not publish_files(workshop, tree)
    assert tree.read("x509/root.crl") == seen
    assert renew_list(workshop, ROOT, stolen={}, tree=tree, now=NOW + 6)
    publish_files(workshop, tree)
    after = published_list(tree, ROOT, workshop.folder.certificate(ROOT))
    assert after is not None
    assert done.serial in after.entries


def test_a_foreign_list_in_the_tree_is_not_believed(
    found: Found, workshop: Workshop, tree: PublishedTree
) -> None:
    found()
    publish_files(workshop, tree)
    good = tree.read("x509/root.crl")
    for junk in (b"", b"junk", good[:-1] + bytes([good[-1] ^ 1]) if good else b""):
        tree.write("x509/root.crl", junk)
        assert not renew_list(workshop, ROOT, stolen={}, tree=tree, now=NOW)
        assert publish_files(workshop, tree)
        assert tree.read("x509/root.crl") == good


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


def test_merging_keeps_the_earliest_and_the_gravest() -> None:
    def entry(at: int, reason: str, since: int | None = None) -> Revocation:
        return Revocation(serial=1, at=at, reason=reason, invalid_since=since)

    one, other = entry(5, "unspecified"), entry(7, "superseded", 3)
    for order in ([one, other], [other, one]):
        assert merged(order) == {1: entry(5, "superseded", 3)}
    assert merged([]) == {}


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
