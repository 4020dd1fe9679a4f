"""What authorities take back: lists, their numbers and lives, old copies of the folder."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from certsvc.publishing import PublishedTree
from certsvc.publishing.ca_errors import (
    AuthorityKeyAway,
    CertificateRefused,
    CertificateUnknown,
)
from certsvc.publishing.ca_files import ROOT
from certsvc.publishing.ca_issuing import (
    Certified,
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
from certsvc_sdk.errors import ChainRevoked
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
Check = Callable[..., Any]


def test_a_revoked_certificate_is_listed(
    found: Found, issue: Issue, workshop: Workshop, check: Check
) -> None:
    found()
    found("city", area="999900")
    done = issue("city")
    assert revoke(workshop.folder, done.serial, reason="superseded", since=None, now=NOW) == "city"
    check(done, NOW)
    assert renew_list(workshop, "city", stolen={}, tree=None, now=NOW + 1)
    with pytest.raises(ChainRevoked):
        check(done, NOW + 1)
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
    found: Found, issue: Issue, workshop: Workshop, store: FileKeyStore, key: KeyInfo, check: Check
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
        check(done, NOW, now=NOW + 9)
    assert check(done, NOW, now=NOW + 9, at_is_proven=True)


def test_a_stolen_authority_is_listed_by_the_root(
    found: Found, issue: Issue, workshop: Workshop, store: FileKeyStore, check: Check
) -> None:
    found(store="safe:")
    found("city", area="999900")
    done = issue("city")
    kid = workshop.folder.facts("city").kid
    store.set_state(OWNER, kid, State.COMPROMISED, now=NOW + 5)
    stolen = stolen_keys(store)
    assert renew_list(workshop, ROOT, stolen=stolen, tree=None, now=NOW + 6)
    with pytest.raises(ChainRevoked, match="cACompromise"):
        check(done, NOW + 6)
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


def test_merging_keeps_the_earliest_and_the_gravest() -> None:
    def entry(at: int, reason: str, since: int | None = None) -> Revocation:
        return Revocation(serial=1, at=at, reason=reason, invalid_since=since)

    one, other = entry(5, "unspecified"), entry(7, "superseded", 3)
    for order in ([one, other], [other, one]):
        assert merged(order) == {1: entry(5, "superseded", 3)}
    assert merged([]) == {}
