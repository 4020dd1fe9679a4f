"""`certsvc-sdk history`, `log watch` and `log cosign`."""

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from certsvc_sdk import strict
from certsvc_sdk.cli import logs
from certsvc_sdk.cli.histories import moment_of
from certsvc_sdk.errors import LogForked, PolicyInvalid
from certsvc_sdk.log import tiles
from certsvc_sdk.log.note import Kind, Note, NoteKey, parse_note
from certsvc_sdk.log.view import LogView


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "watch" / "state.json"


@pytest.fixture
def watch(run: Any, state: Path, office: Any) -> Any:
    """`watch()`: one look at the office's log."""

    def look(*argv: str, **changes: Any) -> Any:
        return run("log", "watch", "--once", "--state", str(state), *argv, **changes)

    return look


def republish(office: Any) -> None:
    office.book.publish()
    office.book.write(office.publisher.tree / "log")


# history


def test_the_life_of_a_certificate_is_printed(run: Any, office: Any, facts: Any) -> None:
    office.places.append(
        office.book.change(
            office.token, "suspended", facts.now - 3 * facts.day, before=office.places
        )
    )
    office.serve()
    office.publisher.status(office.issuer.status_token({7: 2}, version=2))
    done = run("history", office.token)
    assert done.code == 1
    assert "签发 issued  日志序号 log index 5" in done.out
    assert "暂停 suspended  日志序号 log index 9" in done.out
    assert "2027-01-12 16:00 (UTC+8)  暂停" in done.out  # NOW is 2027-01-15 16:00 in Beijing
    assert "以上为全部 This is all, as of 2027-01-15 16:00 (UTC+8)" in done.out
    assert "[suspended]" in done.out
    for at, code, word in (
        ("2027-01-10", 0, "valid"),
        ("2027-01-12", 1, "suspended"),
        ("2027-01-12T15:59", 0, "valid"),
        ("2027-01-12 16:00:00", 1, "suspended"),
        ("2026-12-31", 1, "not_yet_valid"),
        ("2027-01-15", 1, "suspended"),
        ("2027-02-01", 3, "log_proof_missing"),
    ):
        done = run("history", office.token, "--at", at)
        assert (done.code, f"[{word}]" in done.out) == (code, True), at


def test_history_as_json(run: Any, office: Any, facts: Any, tmp_path: Path) -> None:
    file = tmp_path / "token.txt"
    file.write_text(office.token, encoding="utf-8")
    done = run("history", str(file), "--at", "2027-01-10", "--json")
    found = json.loads(done.out)
    assert found["history"] == {
        "certificate_identifier": facts.identifier,
        "issued": {"at": facts.now - 10 * facts.day, "log_index": 5},
        "events": [],
        "as_of": facts.now,
        "log": {"origin": "certs.example/log", "size": 9},
        "witnesses": [],
    }
    assert found["verdict"]["code"] == "valid"
    assert found["verdict"]["judged_at"] == moment_of("2027-01-10", facts.now)


def test_without_a_history(run: Any, office: Any, tmp_path: Path) -> None:
    other = office.issuer.token(iat=office.facts.now - 99)
    done = run("history", other, "--at", "2027-01-14")
    assert (done.code, "没有可证明的履历" in done.err) == (1, True)  # not issued by then
    done = run("history", other, "--json")
    assert json.loads(done.out)["history"] is None
    assert run("history", office.token, "--at", "yesterday").code == 2
    assert run("history", office.token, "--at", "2027-13-01").code == 2
    picture = tmp_path / "picture.pdf"
    picture.write_bytes(b"%PDF-1.7")
    assert run("history", str(picture)).code == 2


@pytest.mark.parametrize("text", ["", "2027-1-1", "2027-01-01T", "2027-01-01T10", "1800000000"])
def test_no_date(text: str) -> None:
    with pytest.raises(PolicyInvalid):
        moment_of(text, 0)


def test_a_bare_date_is_the_end_of_the_day_or_now() -> None:
    end = moment_of("2027-01-14", 1_800_000_000)
    assert end == moment_of("2027-01-14T23:59:59", 0)
    assert moment_of("2027-01-15", 1_800_000_000) == 1_800_000_000


def test_a_proof_beside_the_certificate(run: Any, office: Any, tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text('{"require_log_proof": true}')
    proof = tmp_path / "paper.tlog-proof"
    proof.write_text(office.book.proof(5), encoding="utf-8")
    asks = ("verify", office.token, "--policy", str(policy))
    (office.publisher.tree / "log" / "proof").rename(tmp_path / "gone")
    assert run(*asks).code == 3
    assert run(*asks, "--log-proof", str(proof)).code == 0
    assert run(*asks, "--log-proof", str(tmp_path / "none.tlog-proof")).code == 2
    key = NoteKey.of("w.example", office.signer(61).public, Kind.COSIGNATURE)
    assert run(*asks, "--log-proof", str(proof), "--witness", key.vkey).code == 3
    assert run(*asks, "--witness", "x").code == 2


# log watch


def test_a_log_is_followed(watch: Any, office: Any, state: Path) -> None:
    first = watch()
    assert (first.code, "9 条 entries (+9)" in first.out) == (0, True)
    assert office.book.tree().root.hex() in first.out
    office.book.fill(600)
    republish(office)
    assert "609 条 entries (+600)" in watch().out
    again = watch()
    assert (again.code, "(+0)" in again.out, again.err) == (0, True, "")
    assert json.loads(state.read_bytes())["forks"] == []


def test_partial_tiles_may_be_gone(watch: Any, office: Any) -> None:
    office.book.fill(300)
    republish(office)
    assert watch().code == 0
    office.book.fill(300)
    republish(office)
    for path in sorted((office.publisher.tree / "log").rglob("*.p")):
        if "000" in path.name or "001" in path.name:
            for child in path.iterdir():
                child.unlink()
    office.book.write(office.publisher.tree / "log")
    assert watch().code == 0


@pytest.mark.parametrize("size", [9, 6, 30])
def test_two_checkpoints_that_contradict_each_other(
    size: int, watch: Any, office: Any, logbooks: Any, state: Path
) -> None:
    assert watch().code == 0
    other = office.forked(logbooks, 3, size - 1)
    other.publish()
    tree = office.publisher.tree / "log"
    if size < 9:
        (tree / "checkpoint").write_bytes(other.note())
    else:
        other.write(tree)
    done = watch()
    assert (done.code, "警报 ALARM [fork]" in done.err) == (1, True)
    (fork,) = json.loads(state.read_bytes())["forks"]
    assert (fork["kept"].encode(), fork["found"].encode()) == (office.book.note(), other.note())
    # The evidence outlasts a log that behaves again, and is not written twice.
    watch()
    republish(office)
    done = watch()
    assert (done.code, "分叉证据" in done.err) == (1, True)
    assert len(json.loads(state.read_bytes())["forks"]) == 1


def test_a_log_that_goes_back(watch: Any, office: Any) -> None:
    watch()
    (office.publisher.tree / "log" / "checkpoint").write_bytes(office.book.note(6))
    done = watch()
    assert (done.code, "[went_back]" in done.err) == (1, True)


def test_a_checkpoint_that_nobody_trusted_signed(watch: Any, office: Any, logbooks: Any) -> None:
    other = logbooks.LogBook(office.book.origin, office.signer(62))
    other.fill(3)
    (office.publisher.tree / "log" / "checkpoint").write_bytes(other.note())
    done = watch()
    assert (done.code, "[untrusted]" in done.err, done.out) == (1, True, "")


def test_flipped_bits_of_what_is_published(watch: Any, office: Any, state: Path) -> None:
    office.book.fill(290)
    republish(office)
    root = office.publisher.tree / "log"
    files = [path for path in sorted((root / "tile").rglob("*")) if path.is_file()]
    live = {tile.path for tile in (*tiles.edge_of(299), *tiles.bundles(0, 299))}
    live.add("tile/0/000")
    for path in files:
        if str(path.relative_to(root)) not in live:
            continue
        whole = path.read_bytes()
        for bit in (0, len(whole) * 4, len(whole) * 8 - 1):
            data = bytearray(whole)
            data[bit // 8] ^= 1 << bit % 8
            path.write_bytes(data)
            state.unlink(missing_ok=True)
            done = watch()
            assert (done.code, "[damaged]" in done.err) == (1, True), (path, bit)
        path.write_bytes(whole)
    state.unlink(missing_ok=True)
    assert watch().code == 0


def test_leaves_that_an_office_did_not_make(watch: Any, office: Any, facts: Any) -> None:
    iss = ("--iss", facts.iss)
    assert watch(*iss).code == 0
    book, stranger = office.book, office.signer(63)
    book.issue(office.issuer.token(signer=stranger, header=stranger.header()))
    book.issue(office.issuer.token(iat=facts.now - 500 * facts.day, nbf=...))
    book.issue(office.issuer.token(iat=facts.now - 7200))
    book.issue(office.issuer.token(iat=facts.now + 301))
    book.issue(office.issuer.token(iat=facts.now - 60))
    book.change(office.token, "suspended", facts.now - 9000, before=office.places)
    book.fill(1, iat=facts.now - 500 * facts.day)
    book.add(b"no leaf")
    republish(office)
    done = watch(*iss)
    assert done.code == 1
    found = [line.split()[2:4] for line in done.err.splitlines()]
    assert sorted((kind, place) for kind, place in found) == [
        ("[key_unknown]", "#10"),
        ("[key_unknown]", "#9"),
        ("[leaf_invalid]", "#16"),
        ("[wrong_time]", "#10"),
        ("[wrong_time]", "#11"),
        ("[wrong_time]", "#12"),
        ("[wrong_time]", "#14"),
        ("[wrong_time]", "#9"),
    ]


def test_a_log_is_found_by_its_key_alone(run: Any, office: Any, server: Any, state: Path) -> None:
    keys = ("--vkey", office.book.key.vkey)
    done = run(
        "log", "watch", "--once", "--state", str(state), *keys,
        CERTSVC_TRUST_ROOT=None,
    )  # fmt: skip
    assert (done.code, "9 条 entries" in done.out) == (0, True)
    other = NoteKey.of("other.example/log", office.signer(64).public).vkey
    assert run("log", "watch", "--once", *keys, "--vkey", other).code == 2


def test_logs_that_cannot_be_followed(
    run: Any, watch: Any, office: Any, state: Path, facts: Any
) -> None:
    assert run("log", "watch", "--once", "--iss", f"{facts.base}i/119999000000000199").code == 2
    assert watch("--witness", "x").code == 2
    state.parent.mkdir()
    state.write_bytes(b"{}")
    assert watch().code == 2
    state.unlink()
    assert watch().code == 0
    saved = state.read_bytes()
    for altered in (
        saved.replace(b"certs.example/log", b"certs.example/lag"),
        saved.replace(b'"v":1', b'"v":2'),
        saved.replace(b'"rows":["', b'"rows":["AAAA'),
        saved.replace(b'"forks":[]', b'"forks":[5]'),
    ):
        state.write_bytes(altered)
        assert watch().code == 2
    state.write_bytes(saved)
    (office.publisher.tree / "log" / "checkpoint").unlink()
    done = watch()
    assert (done.code, "未能读取" in done.err) == (3, True)


def test_a_watcher_goes_on_until_it_is_interrupted(
    office: Any, state: Path, tmp_path: Path, server: Any, clock: Any, capsys: Any
) -> None:
    looks = []
    root = tmp_path / "root.json"
    root.write_bytes(office.publisher.root)
    args = Namespace(
        root=str(root), url=server.url, cache=None, offline=False, iss=None, vkey=[], witness=[],
        witnesses=None, state=str(state), once=False, interval=7.0, backdating=3600,
    )  # fmt: skip

    def pause(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 2:
            (office.publisher.tree / "log" / "checkpoint").unlink()
        if len(looks) == 3:
            raise KeyboardInterrupt
        office.book.fill(1)
        republish(office)

    assert logs.watch(args, clock, pause=pause) == 0
    assert looks == [7.0] * 3
    assert "10 条 entries (+1)" in capsys.readouterr().out


# log cosign


def test_a_witness_signs_what_it_has_seen(
    run: Any, watch: Any, office: Any, state: Path, tmp_path: Path, facts: Any
) -> None:
    key = ("--key", str(tmp_path / "witness.pem"), "--name", "witness.example/w")
    made = run("log", "cosign", *key, "--new-key", CERTSVC_TRUST_ROOT=None)
    vkey = made.out.strip()
    assert NoteKey.from_vkey(vkey).kind is Kind.COSIGNATURE
    assert (tmp_path / "witness.pem").stat().st_mode & 0o777 == 0o600
    assert run("log", "cosign", *key, "--new-key").code == 2  # never written over
    cosign = ("log", "cosign", "--state", str(state), *key)
    assert run(*cosign).code == 2  # nothing was seen yet
    watch()
    done = run(*cosign)
    assert done.code == 0
    view = LogView.of(
        office.book.origin,
        [office.book.signer.public],
        witnesses=[NoteKey.from_vkey(vkey)],
        threshold=1,
    )
    opened = view.open(done.out.encode())
    assert opened.checkpoint == office.book.tree()
    assert [(one.name, one.at) for one in opened.cosigned] == [("witness.example/w", facts.now)]
    # Published with the log's own signature it satisfies who asks for the witness.
    (office.publisher.tree / "log" / "checkpoint").write_bytes(done.out.encode())
    asked = watch("--witness", vkey)
    assert (asked.code, "见证 witnesses witness.example/w" in asked.out) == (0, True)
    assert run(*cosign).out.count("witness.example/w") == 1
    (office.publisher.tree / "log" / "checkpoint").write_bytes(office.book.note())
    assert watch("--witness", vkey).code == 1


def test_no_witness_for_a_fork_or_an_altered_state(
    run: Any, watch: Any, office: Any, logbooks: Any, state: Path, tmp_path: Path
) -> None:
    key = ("--key", str(tmp_path / "witness.pem"), "--name", "witness.example/w")
    run("log", "cosign", *key, "--new-key")
    watch()
    cosign = ("log", "cosign", "--state", str(state), *key)
    assert run(*cosign, "--name", "a name").code == 2
    (tmp_path / "witness.pem").write_bytes(b"no key")
    assert run(*cosign).code == 2
    (tmp_path / "witness.pem").unlink()
    run("log", "cosign", *key, "--new-key")
    other = office.forked(logbooks, 3, 8)
    (office.publisher.tree / "log" / "checkpoint").write_bytes(other.note())
    watch()
    done = run(*cosign)
    assert (done.code, LogForked.code in done.err) == (2, True)
    saved = json.loads(state.read_bytes())
    note = parse_note(saved["checkpoint"].encode())
    text = note.text.replace("9\n", "8\n", 1)
    saved |= {"forks": [], "checkpoint": Note(text, note.signatures).to_bytes().decode()}
    state.write_bytes(strict.dumps(saved))
    assert run(*cosign).code == 2
