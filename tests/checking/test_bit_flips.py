"""R19: random bits are changed in tiles, lists, exports and database leaves; each one is found.

CERTSVC_FLIPS sets how many (10,000 for the promise's figure); a few go through the whole check.
"""

import os
import random  # noqa: TID251 — a drill that can be repeated by its seed
import secrets

from certsvc.checking.fsck import check_backup
from certsvc.restoring.backup import make_backup

FLIPS = int(os.environ.get("CERTSVC_FLIPS", "300"))
WHOLE = 3
NOW = 1_798_761_600


def flipped(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def test_every_flip_in_a_published_file_is_found(large):
    chance = random.Random("files")
    checker, files = large.fsck(), large.files()
    truth = checker.truth()
    assert [finding for path in files for finding in checker.file(path, truth)] == []
    logs = [path for path in files if path.startswith(("log/", "status/"))]
    for number in range(FLIPS):
        # Large files are few: each kind gets its share.
        path = chance.choice(logs if number % 4 else files)
        place = large.settings.published / path
        good = place.read_bytes()
        place.write_bytes(flipped(good, chance))
        found = large.findings() if number < WHOLE else checker.file(path, truth)
        place.write_bytes(good)
        assert found, (number, path)


def test_every_flip_in_a_leaf_of_the_database_is_found(large):
    chance = random.Random("leaves")
    checker = large.fsck()
    rows = large.rows("SELECT issuer_id, certificate_id, seq, leaf, leaf_hash FROM log_entry")
    for number in range(FLIPS):
        issuer_id, certificate_id, seq, leaf, leaf_hash = chance.choice(rows)
        leaf_bytes = leaf.encode()
        where = "WHERE certificate_id = ? AND seq = ?"
        if number % 2:
            changed = flipped(leaf_bytes, chance)
            # As text, so that what is no text any more lies there as such.
            statement = f"UPDATE log_entry SET leaf = CAST(? AS TEXT) {where}"
        else:
            changed = flipped(leaf_hash, chance)
            statement = f"UPDATE log_entry SET leaf_hash = ? {where}"
        large.execute(statement, changed, certificate_id, seq)
        whole = number < WHOLE
        found = large.findings() if whole else checker.certificate(issuer_id, certificate_id)
        restore = f"UPDATE log_entry SET leaf = ?, leaf_hash = ? {where}"
        large.execute(restore, leaf, leaf_hash, certificate_id, seq)
        assert found, (number, changed)
    assert large.findings() == []


def test_every_flip_in_a_place_of_the_log_is_found(large):
    chance = random.Random("places")
    rows = large.rows("SELECT certificate_id, seq, log_index FROM log_entry")
    change = "UPDATE log_entry SET log_index = ? WHERE certificate_id = ? AND seq = ?"
    for _ in range(max(3, FLIPS // 100)):
        certificate_id, seq, index = chance.choice(rows)
        large.execute(change, index ^ 1 << chance.randrange(40), certificate_id, seq)
        found = large.codes()
        large.execute(change, index, certificate_id, seq)
        assert "leaf_misplaced" in found


def test_every_flip_in_an_export_is_found(large, tmp_path):
    chance = random.Random("exports")
    path = tmp_path / "one.backup"
    make_backup(large.settings, large.engine, path, now=NOW, rng=secrets.token_bytes)
    assert list(check_backup(path)) == []
    good = path.read_bytes()
    for number in range(max(20, FLIPS // 10)):
        path.write_bytes(flipped(good, chance))
        assert list(check_backup(path)), number
