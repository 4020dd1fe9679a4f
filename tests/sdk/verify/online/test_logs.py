"""A verifier and a published log: proofs, histories, and logs that contradict themselves."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from certsvc_sdk.errors import LogNoteInvalid
from certsvc_sdk.log.note import Kind, NoteKey
from certsvc_sdk.log_cache import MAX_PENDING, Fork, LogCache
from certsvc_sdk.log_holding import LogHolding
from certsvc_sdk.log_trust import view_of
from certsvc_sdk.policy import Policy

ASKS = Policy(require_log_proof=True)


def of_log(server: Any) -> list[str]:
    return [path for path, _ in server.requests if path.startswith("/log/")]


def log_folder(verifier: Any) -> Path:
    folder: Path = verifier._holdings._log_folder
    return folder


def test_a_proof_is_fetched_once_and_serves_offline(
    office: Any, server: Any, verifier_of: Any
) -> None:
    verifier = verifier_of(url=server.url)
    assert verifier.check(office.token).code == "valid"
    assert of_log(server) == []
    verdict = verifier.check(office.token, policy=ASKS)
    assert verdict.code == "valid"
    assert [one.result for one in verdict.checks if one.name == "log_proof"] == ["passed"]
    (asked,) = of_log(server)
    assert asked.startswith("/log/proof/")
    assert verifier.check(office.token, policy=ASKS).code == "valid"
    assert len(of_log(server)) == 1
    offline = verifier_of(offline=True)
    assert offline.check(office.token, policy=ASKS).code == "valid"


def test_a_certificate_that_is_in_no_log(office: Any, server: Any, verifier_of: Any) -> None:
    verifier = verifier_of(url=server.url)
    other = office.issuer.token(iat=office.facts.now - 99)
    assert verifier.check(other, policy=ASKS).code == "log_proof_missing"


def test_an_office_without_a_log(
    issuer: Any, publisher: Any, server: Any, verifier_of: Any
) -> None:
    verifier = verifier_of(url=server.url)
    token = issuer.token()
    assert verifier.check(token, policy=ASKS).code == "log_proof_missing"
    assert verifier.check(token, at=issuer_now(verifier) - 1000).code == "log_proof_missing"
    assert of_log(server) == []


def issuer_now(verifier: Any) -> int:
    return int(verifier._clock())


def test_a_proof_that_came_with_the_certificate(office: Any, verifier_of: Any) -> None:
    tree = office.publisher.tree.as_uri() + "/"
    verifier_of(url=tree).check(office.token)
    proof = office.book.proof(office.places[0])
    offline = verifier_of(offline=True)
    assert offline.check(office.token, policy=ASKS).code == "log_proof_missing"
    for wrong in ("", "no proof", office.book.proof(0), proof.replace("index 5", "index 4")):
        verdict = offline.check(office.token, policy=ASKS, log_proof=wrong)
        assert verdict.code == "log_proof_missing"
    assert offline.check(office.token, policy=ASKS, log_proof=proof).code == "valid"
    # It is kept from then on.
    assert verifier_of(offline=True).check(office.token, policy=ASKS).code == "valid"


@pytest.mark.parametrize(("cut", "code"), [(6, "valid"), (5, "key_compromised")])
def test_a_compromised_key_and_the_cut(
    cut: int, code: str, office: Any, server: Any, verifier_of: Any
) -> None:
    lost = {"state": "compromised", "compromised_at": office.facts.now}
    office.record(key=lost | {"accept_before_log_index": cut})
    verifier = verifier_of(url=server.url)
    assert verifier.check(office.token).code == code
    later = office.issuer.token(iat=office.facts.now - 99)
    assert verifier.check(later).code == "log_proof_missing"


def test_a_compromised_log_key_proves_nothing(office: Any, server: Any, verifier_of: Any) -> None:
    office.record(state="compromised", compromised_at=office.facts.now)
    verifier = verifier_of(url=server.url)
    assert verifier.check(office.token, policy=ASKS).code == "log_proof_missing"


def test_a_log_that_grows_is_followed(office: Any, server: Any, verifier_of: Any) -> None:
    verifier = verifier_of(url=server.url)
    assert verifier.check(office.token, policy=ASKS).code == "valid"
    newer = office.issuer.token(iat=office.facts.now - 99)
    office.book.fill(300)
    place = office.book.issue(newer)
    office.serve()
    office.book.serve_proof(place)
    office.book.write(office.publisher.tree / "log")
    assert verifier.check(newer, policy=ASKS).code == "valid"
    head = verifier._holdings.log.cache.head(office.book.key.vkey)
    assert head == office.book.note()
    assert any(path.startswith("/log/tile/0/") for path in of_log(server))
    assert verifier.log_forks() == ()


@pytest.mark.parametrize(("common", "size"), [(6, 8), (6, 20), (3, 20), (0, 5)])
def test_a_fork_is_kept_as_evidence_and_ends_all_belief(
    common: int, size: int, office: Any, server: Any, verifier_of: Any, logbooks: Any
) -> None:
    verifier = verifier_of(url=server.url)
    assert verifier.check(office.token, policy=ASKS).code == "valid"
    other = office.forked(logbooks, common, size)
    token = office.issuer.token(iat=office.facts.now - 100)
    other.publish()
    other.serve_proof(len(other.leaves) - 1)
    if other.tree().size < office.book.tree().size:
        other.files = {path: data for path, data in other.files.items() if "proof/" in path}
    other.write(office.publisher.tree / "log")
    assert verifier.check(token, policy=ASKS).code == "log_proof_missing"
    (fork,) = verifier.log_forks()
    assert (fork.origin, fork.seen_at) == (office.book.origin, office.facts.now)
    assert fork.kept.encode() == office.book.note()
    assert fork.found.encode() == other.note()
    for again in (verifier, verifier_of(offline=True), verifier_of(url=server.url)):
        assert again.check(office.token, policy=ASKS).code == "log_proof_missing"
        assert again.check(office.token).code == "valid"
        assert len(again.log_forks()) == 1


def test_tiles_that_belong_to_no_checkpoint_accuse_nobody(
    office: Any, server: Any, verifier_of: Any
) -> None:
    verifier = verifier_of(url=server.url)
    assert verifier.check(office.token, policy=ASKS).code == "valid"
    newer = office.issuer.token(iat=office.facts.now - 99)
    place = office.book.issue(newer)
    office.serve()
    office.book.serve_proof(place)
    office.book.write(office.publisher.tree / "log")
    tile = office.publisher.tree / "log" / "tile" / "0" / "000.p" / "10"
    whole = tile.read_bytes()
    for damaged in (bytes(320), whole[:-1]):
        tile.write_bytes(damaged)
        again = verifier_of(url=server.url)
        assert again.check(newer, policy=ASKS).code == "log_proof_missing"
        assert again.log_forks() == ()
    tile.write_bytes(whole)
    assert verifier_of(url=server.url).check(newer, policy=ASKS).code == "valid"


def test_what_was_taken_without_a_line_is_compared_later(
    office: Any, server: Any, verifier_of: Any, logbooks: Any
) -> None:
    verifier = verifier_of(url=server.url)
    assert verifier.check(office.token, policy=ASKS).code == "valid"
    other = office.forked(logbooks, 3, 20)
    token = office.issuer.token(iat=office.facts.now - 100)
    proof = other.proof(len(other.leaves) - 1)
    offline = verifier_of(offline=True)
    assert offline.check(token, policy=ASKS, log_proof=proof).code == "valid"
    assert offline.log_forks() == ()
    # The true log grows beyond it; with a line the lie comes out.
    office.book.fill(40)
    newer = office.book.issue(office.issuer.token(iat=office.facts.now - 98))
    office.serve()
    office.book.serve_proof(newer)
    office.book.write(office.publisher.tree / "log")
    last = office.issuer.token(iat=office.facts.now - 98)
    assert verifier_of(url=server.url).check(last, policy=ASKS).code == "log_proof_missing"
    assert len(verifier.log_forks()) == 1


def test_what_was_taken_without_a_line_is_compared_when_it_is_asked_for_again(
    office: Any, server: Any, verifier_of: Any, logbooks: Any
) -> None:
    verifier = verifier_of(url=server.url)
    assert verifier.check(office.token, policy=ASKS).code == "valid"
    other = office.forked(logbooks, 3, 6)
    token = office.issuer.token(iat=office.facts.now - 100)
    proof = other.proof(len(other.leaves) - 1)
    assert verifier_of(offline=True).check(token, policy=ASKS, log_proof=proof).code == "valid"
    # The same certificate and no other, in the verifier that has a line again.
    assert verifier_of(url=server.url).check(token, policy=ASKS).code == "log_proof_missing"
    assert len(verifier.log_forks()) == 1
    # A verifier of the same folder that runs already notices with the next proof.
    other = office.issuer.token(iat=office.facts.now - 98)
    office.book.issue(other)
    office.serve()
    office.book.serve_proof(9)
    office.book.write(office.publisher.tree / "log")
    assert verifier.check(other, policy=ASKS).code == "log_proof_missing"


def test_the_newest_of_many_checkpoints_waits(office: Any, verifier_of: Any, server: Any) -> None:
    verifier = verifier_of(url=server.url)
    assert verifier.check(office.token, policy=ASKS).code == "valid"
    office.book.fill(MAX_PENDING + 8)
    offline = verifier_of(offline=True, cache_dir=verifier._holdings._log_folder.parents[1])
    for size in range(10, len(office.book.leaves) + 1):
        offline._holdings.log._held.clear()
        proof = office.book.proof(office.places[0], size)
        assert offline.check(office.token, policy=ASKS, log_proof=proof).code == "valid"
    waiting = verifier._holdings.log.cache.pending(office.book.key.vkey)
    assert len(waiting) == MAX_PENDING
    assert waiting[-1].encode() == office.book.note()


@pytest.mark.parametrize("mark", ['"', ",", "["])
def test_a_log_cannot_make_the_evidence_unreadable(
    mark: str, office: Any, server: Any, verifier_of: Any
) -> None:
    book = office.book
    text = {"extensions": (mark * 120_000,)}
    first = book.sign(replace(book.tree(), **text))
    second = book.sign(replace(book.tree(), root=bytes(32), **text))
    cache = LogCache(log_folder(verifier_of(url=server.url)))
    for number in range(20):
        cache.keep_fork(Fork(f"other.example/{number}", "x\n", f"{number}\n", 1))
    cache.keep_pending(book.key.vkey, [first.decode(), second.decode()])
    assert len(cache.pending(book.key.vkey)) == 2
    fork = Fork(book.origin, first.decode(), second.decode(), office.facts.now)
    cache.keep_fork(fork)
    assert fork in cache.forks()
    assert verifier_of(url=server.url).check(office.token, policy=ASKS).code == "log_proof_missing"


def test_who_only_bears_the_name_of_a_log_does_it_no_harm(
    office: Any, server: Any, verifier_of: Any, logbooks: Any
) -> None:
    verifier = verifier_of(url=server.url)
    assert verifier.check(office.token, policy=ASKS).code == "valid"
    holding = verifier._holdings.log
    rogue = logbooks.LogBook(office.book.origin, office.signer(66))
    token = office.issuer.token(iat=office.facts.now - 97)
    signing_input = logbooks.signing_input(token)
    # Its record names the true log's key too: public keys are public.
    keys = [
        office.issuer.key_json(office.issuer.key, "certificate"),
        office.issuer.key_json(rogue.signer, "log"),
        office.issuer.key_json(office.book.signer, "log"),
    ]
    record = office.issuer.record(keys=keys, log_origin=rogue.origin)
    own = office.issuer.record(keys=keys[:2], log_origin=rogue.origin)
    place = rogue.issue(token)
    for number in range(1, 4):
        rogue.add(logbooks.other_leaf(7000 + number))
    now = office.facts.now
    assert holding.index(signing_input, own, None, now, given=rogue.proof(place)) == place
    forged = rogue.sign(replace(rogue.tree(), root=bytes(32)))
    waits = rogue.proof(place, len(rogue.leaves))
    assert holding.index(signing_input, record, None, now, given=waits) is not None
    agreement = holding._agreement
    view = view_of(own)
    assert view is not None
    assert not agreement.stands(view.open(forged), view, None, now)
    assert len(verifier.log_forks()) == 1
    # The true log's newest checkpoint stands, and so do its proofs.
    assert holding.cache.head(office.book.key.vkey) == office.book.note()
    for again in (verifier, verifier_of(url=server.url)):
        assert again.check(office.token, policy=ASKS).code == "valid"


def test_evidence_outlasts_the_key_that_signed_it(
    office: Any, server: Any, verifier_of: Any, logbooks: Any, tmp_path: Path
) -> None:
    book = office.book
    cache = LogCache(log_folder(verifier_of(url=server.url)))
    found = book.sign(replace(book.tree(), root=bytes(32))).decode()
    cache.keep_fork(Fork(book.origin, book.note().decode(), found, office.facts.now))
    usual = office.issuer.record_json()
    lost = {"state": "compromised", "compromised_at": office.facts.now}
    keys = [
        *usual["keys"],
        office.issuer.key_json(book.signer, "log", **lost),
        office.issuer.key_json(office.signer(67), "log"),
    ]
    record = office.issuer.record(keys=keys, log_origin=book.origin)
    newer = logbooks.LogBook(book.origin, office.signer(67))
    place = newer.issue(office.token)
    given = {"given": newer.proof(place)}
    signing_input = logbooks.signing_input(office.token)
    now = office.facts.now
    blind = LogHolding(LogCache(tmp_path / "empty"))
    assert blind.index(signing_input, record, None, now, **given) == place
    holding = verifier_of(url=server.url)._holdings.log
    assert holding.index(signing_input, record, None, now, **given) is None


def test_a_log_that_takes_back_what_happened(office: Any, server: Any, verifier_of: Any) -> None:
    now, day = office.facts.now, office.facts.day
    verifier = verifier_of(url=server.url)
    suspended = office.book.change(office.token, "suspended", now - 9 * day, before=office.places)
    both = [*office.places, suspended]
    office.book.publish()
    office.book.serve_history(both, now - 8 * day)
    office.book.write(office.publisher.tree / "log")
    assert verifier.check(office.token, at=now - 9 * day + 1).code == "suspended"
    office.book.serve_history(office.places, now)
    office.book.write(office.publisher.tree / "log")
    assert verifier.check(office.token, at=now - 2 * day).code == "log_proof_missing"
    # What was proven stays proven.
    assert verifier.check(office.token, at=now - 9 * day + 1).code == "suspended"


def test_a_damaged_cache_accuses_nobody(office: Any, server: Any, verifier_of: Any) -> None:
    verifier = verifier_of(url=server.url)
    assert verifier.check(office.token, policy=ASKS).code == "valid"
    folder = log_folder(verifier)
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        data = bytearray(path.read_bytes())
        data[len(data) // 3] ^= 1
        path.write_bytes(data)
    (folder / "fork-broken.json").write_bytes(b"{")
    again = verifier_of(url=server.url)
    assert again.check(office.token, policy=ASKS).code == "valid"
    assert again.log_forks() == ()


def test_a_cache_that_cannot_be_written_costs_no_answer(
    office: Any, server: Any, verifier_of: Any
) -> None:
    verifier = verifier_of(url=server.url)
    verifier.check(office.token)
    log_folder(verifier).write_bytes(b"no folder")
    assert verifier.check(office.token, policy=ASKS).code == "valid"


def test_witnesses_are_asked_for(
    office: Any, server: Any, verifier_of: Any, make_signer: Any, logbooks: Any
) -> None:
    signer = make_signer("Ed25519", 60)
    key = NoteKey.of("witness.example/w", signer.public, Kind.COSIGNATURE)
    verifier = verifier_of(url=server.url, witnesses=[key.vkey], cache_dir=None)
    assert verifier.check(office.token, policy=ASKS).code == "log_proof_missing"
    note = office.book.note()
    line = logbooks.cosign(note, key, signer, office.facts.now)
    seen = office.book.proof(office.places[0], note=office.book.note(None, line))
    assert verifier.check(office.token, policy=ASKS, log_proof=seen).code == "valid"
    for vkeys, threshold in (
        ([key.vkey], 2), ([key.vkey, key.vkey], None), ([], 1), ([key.vkey], 0), (["x"], None),
        ([office.book.key.vkey], None),
    ):  # fmt: skip
        with pytest.raises(LogNoteInvalid):
            verifier_of(url=server.url, witnesses=vkeys, witness_threshold=threshold)


def test_a_moment_in_the_past_by_the_served_history(
    office: Any, server: Any, verifier_of: Any
) -> None:
    now, day = office.facts.now, office.facts.day
    verifier = verifier_of(url=server.url)
    assert verifier.check(office.token, at=now - 5 * day).code == "valid"
    place = office.book.change(office.token, "revoked", now - 2 * day, before=office.places)
    office.places.append(place)
    office.serve()
    office.publisher.status(office.issuer.status_token({7: 1}, version=2))
    fresh = verifier_of(url=server.url, status_refresh=0)
    codes = {days: fresh.check(office.token, at=now - days * day).code for days in (11, 5, 1)}
    assert codes == {11: "not_yet_valid", 5: "valid", 1: "revoked"}
    assert fresh.check(office.token).code == "revoked"
    # All of it answers offline too.
    offline = verifier_of(offline=True)
    codes = {days: offline.check(office.token, at=now - days * day).code for days in (5, 1)}
    assert codes == {5: "valid", 1: "revoked"}
    assert offline.check(office.token, at=now - 5 * day, policy=ASKS).code == "valid"


def test_an_older_history_does_not_take_the_place_of_a_newer_one(
    office: Any, server: Any, verifier_of: Any
) -> None:
    now = office.facts.now
    verifier = verifier_of(url=server.url)
    life = verifier.history(office.token)
    assert life is not None
    assert life.as_of == now
    office.book.serve_history(office.places, now - 100)
    office.book.write(office.publisher.tree / "log")
    again = verifier.history(office.token)
    assert again is not None
    assert again.as_of == now


def test_no_history_of_what_is_not_genuine(office: Any, server: Any, verifier_of: Any) -> None:
    verifier = verifier_of(url=server.url)
    assert verifier.history("x") is None
    assert verifier.history(office.issuer.token(iat=office.facts.now - 99)) is None
    assert verifier_of(offline=True, cache_dir=None).history(office.token) is None
    (office.publisher.tree / "log" / "history").rename(office.publisher.tree / "log" / "gone")
    assert verifier.history(office.token) is None
