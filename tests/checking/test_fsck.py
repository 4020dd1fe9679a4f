"""Everything is derived anew and compared: what is sound has no finding."""

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from certsvc.checking.finding import SENTENCES, Finding
from certsvc.checking.fsck import check_backup
from certsvc.cli import cli
from certsvc.home import write_private
from certsvc.publishing.log_files import CHECKPOINT
from certsvc.publishing.log_signing import LogSigner
from certsvc_sdk.log.checkpoint import Checkpoint
from certsvc_sdk.log.leaf import read_leaf
from certsvc_sdk.log.tiles import Tile

MARKET = "119999000000000198"


def test_a_sound_world_has_no_finding(world):
    assert world.findings() == []


def test_a_sound_world_on_postgresql_has_no_finding(elsewhere):
    assert elsewhere.findings() == []
    elsewhere.execute("UPDATE log_entry SET leaf = replace(leaf, '示', '例') || ' ' WHERE seq = 1")
    assert elsewhere.codes() == {
        "leaf_altered",
        "leaf_differs",
        "tile_differs",
        "checkpoint_invalid",
    }


def test_what_grows_meanwhile_is_no_finding(world):
    world.issue(2)
    world.change(3, "revoke")
    assert world.findings() == []
    checker = world.fsck()
    world.publish()
    assert list(checker.run(lambda _: None)) == []


def test_the_progress_ends_where_it_says(world):
    done = []
    checker = world.fsck()
    list(checker.run(done.append))
    assert sum(done) >= checker.length()


CHANGES = {
    "UPDATE log_entry SET leaf = replace(leaf, '\"v\":1', '\"v\":2') WHERE seq = 1": (
        "leaf_altered leaf_differs tile_differs"
    ),
    "DELETE FROM log_entry WHERE seq = 2": "leaf_misplaced leaf_missing",
    "UPDATE log_entry SET log_index = 0 WHERE log_index = 1": "leaf_misplaced",
    "UPDATE log_entry SET seq = 9 WHERE seq = 2": "leaf_missing leaf_surplus",
    "UPDATE certificate SET state = 'valid', status_value = 0 WHERE state = 'revoked'": (
        "certificate_state list_bits"
    ),
    "UPDATE certificate SET status_value = 1 WHERE state = 'valid'": "certificate_state list_bits",
    "UPDATE certificate SET kid = 'abc' WHERE state = 'suspended'": "certificate_unreadable",
    # Its revocation would go to another certificate's bit.
    "UPDATE certificate SET list_index = 130000 WHERE state = 'superseded'": (
        "certificate_unreadable"
    ),
    "UPDATE certificate SET exp = exp + 1 WHERE state = 'valid'": "certificate_unreadable",
    "UPDATE certificate SET type_version = 9 WHERE state = 'valid'": "certificate_unreadable",
    "UPDATE log_head SET size = 1099511627788": "leaf_misplaced",
    "UPDATE log_head SET size = 13, published_size = 13": "leaf_misplaced checkpoint_invalid",
    "UPDATE status_event SET state_after = 'x' WHERE seq = 1": "database_unreadable",
    "UPDATE status_list SET size = 1099511758848": "database_unreadable",
    "UPDATE issuer SET record = 'x'": "database_unreadable",
    "DELETE FROM status_event WHERE seq = 1": "certificate_state leaf_differs",
    "UPDATE status_event SET at = at + 1 WHERE seq = 1": "leaf_differs",
    "UPDATE audit SET object = 'x' WHERE seq = 3": "audit_broken",
    "DELETE FROM audit WHERE seq = 12": "audit_broken",
}


@pytest.mark.parametrize("statement", CHANGES)
def test_what_a_database_administrator_changes_is_found(world, statement):
    world.execute(statement)
    assert world.codes() >= set(CHANGES[statement].split())


def test_a_leaf_and_its_hash_changed_together_are_found(world):
    """T60: the row is sound in itself, yet not what was published, nor what the token says."""
    ((leaf, index),) = world.rows("SELECT leaf, log_index FROM log_entry WHERE log_index = 4")
    forged = replace(read_leaf(leaf.encode()), iat=1_700_000_000)
    world.execute(
        "UPDATE log_entry SET leaf = ?, leaf_hash = ? WHERE log_index = ?",
        forged.to_bytes().decode(),
        forged.hash,
        index,
    )
    assert world.codes() == {"leaf_differs", "tile_differs", "checkpoint_invalid"}


def test_a_certificate_that_was_deleted_leaves_its_leaf(world):
    one = world.ids[4]
    for table in ("idempotency", "holder", "certificate"):
        world.execute(f"DELETE FROM {table} WHERE certificate_id = ?", one)
    assert {one.code for one in world.findings()} == {"leaf_surplus"}


def test_a_certificate_that_a_recovery_lost_is_no_finding(world):
    one = world.ids[4]
    ((identifier,),) = world.rows(
        f"SELECT certificate_identifier FROM certificate WHERE certificate_id = '{one}'"
    )
    for table in ("idempotency", "holder", "certificate"):
        world.execute(f"DELETE FROM {table} WHERE certificate_id = ?", one)
    name = hashlib.sha256(identifier.encode()).hexdigest()[:32]
    world.execute("UPDATE log_entry SET certificate_id = ? WHERE certificate_id = ?", name, one)
    assert world.findings() == []


def test_a_credential_moved_to_another_row_is_found(world):
    world.execute(
        "UPDATE certificate SET credential = (SELECT credential FROM certificate "
        f"WHERE certificate_id = '{world.ids[5]}') WHERE certificate_id = ?",
        world.ids[4],
    )
    assert world.codes() == {"certificate_unreadable"}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (CHECKPOINT, "checkpoint_invalid"),
        (f"status/{MARKET}/1", "list_invalid"),
        ("vct/business-licence/1", "metadata_differs"),
        (f".well-known/jwt-vc-issuer/i/{MARKET}", "metadata_differs"),
        (f"log/{Tile(0, 0, 12).path}", "tile_missing"),
        (f"log/{Tile(None, 0, 12).path}", "tile_missing"),
    ],
)
def test_a_file_that_is_gone_is_found(world, path, code):
    assert path in world.files()
    world.tree.remove(path)
    assert world.findings()[0].code == code


@pytest.mark.parametrize(
    "path", ["log/tile/0/001", "log/other", "status/999/1", "status/1", "vct/other/1", "more"]
)
def test_a_file_that_nobody_published_is_found(world, path):
    world.tree.write(path, b"x")
    assert world.findings() == [Finding("file_unexpected", path)]


def test_an_older_checkpoint_of_the_log_is_sound_and_a_foreign_root_is_not(world):
    signer = LogSigner(world.keys, origin="certs.example/log")
    wrong = Checkpoint(origin="certs.example/log", size=12, root=b"\x01" * 32)
    world.tree.write(CHECKPOINT, signer.checkpoint(wrong))
    assert world.codes() == {"checkpoint_invalid"}


def test_an_older_list_is_found(world):
    path = f"status/{MARKET}/1"
    old = world.tree.read(path)
    world.change(4, "revoke")
    world.publish()
    world.tree.write(path, old)
    assert [one.code for one in world.findings()] == ["list_invalid"]


def test_a_damaged_backup_is_found(tmp_path):
    path = tmp_path / "backup"
    path.write_bytes(b"no backup")
    assert list(check_backup(path)) == [Finding("backup_damaged", str(path))]
    assert list(check_backup(tmp_path / "none"))


def test_a_finding_is_told_in_two_languages():
    finding = Finding("tile_differs", "log/tile/0/000")
    assert finding.line().startswith("log/tile/0/000: 日志文件与数据库不符 / a file of the log")
    assert json.dumps(finding.to_json())
    page = (Path(__file__).parents[2] / "docs" / "transparency-log.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", page, re.M)
    assert {code: (zh, en) for code, zh, en in rows} == SENTENCES


@pytest.fixture
def command(world, monkeypatch):
    """Function that runs `certsvc fsck`; returns its exit code and what it printed."""
    monkeypatch.setenv("CERTSVC_HOME", str(world.settings.home))
    write_private(world.settings.keys_passphrase_file, b"test only")

    def run(*arguments: str):
        done = CliRunner().invoke(cli, ["fsck", *arguments])
        return done.exit_code, done.stdout

    return run


def test_the_command_says_what_it_found(world, command, tmp_path):
    assert command()[0] == 1  # set up, but for its end
    write_private(world.settings.trust_root, b"{}", mode=0o644)
    assert command() == (0, "")
    world.tree.remove(CHECKPOINT)
    code, said = command()
    assert (code, said.count("\n")) == (1, 1)
    assert said.startswith(f"{CHECKPOINT}: 日志摘要缺失")
    code, said = command("--json")
    (finding,) = json.loads(said)["findings"]
    assert (code, finding["code"], finding["place"]) == (1, "checkpoint_invalid", CHECKPOINT)
    broken = tmp_path / "broken"
    broken.write_bytes(b"x")
    assert "backup_damaged" in command("--backup", str(broken))[1]
