"""The log over HTTP: places in answers, look-ups by leaf hash, static tiles."""

import json
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import event
from sqlalchemy.engine import make_url

from certsvc.api.log_answers import STILL_SECONDS, LogAnswers
from certsvc.app import create_app
from certsvc.bootstrap import LOG_OWNER
from certsvc.publishing.log_files import CHECKPOINT
from certsvc.publishing.log_reader import LogReader
from certsvc.publishing.tree import PublishedTree
from certsvc.service.engine import make_engine
from certsvc.service.settings import Settings, SettingsInvalid
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.log.history import read_history
from certsvc_sdk.log.leaf import Event, issued_of
from certsvc_sdk.log.note import (
    Kind,
    Note,
    NoteKey,
    cosignature,
    cosigned_message,
    parse_note,
)
from certsvc_sdk.log.tiles import Tile
from certsvc_sdk.log.view import LogView
from certsvc_sdk.strict import b64u_decode, b64u_encode
from keys import open_store

ORIGIN = "certs.example/log"
UNKNOWN = b64u_encode(bytes(32))
NOW = 1_800_000_000


@pytest.fixture
def view(world: Any) -> LogView:
    """What a verifier trusts of the log, from an issuer's published record."""
    store = open_store(world.settings.keys_url, passphrase=world.settings.keys_passphrase())
    keys = [PublicKey.from_jwk(dict(k.public_jwk), k.alg) for k in store.list(LOG_OWNER)]
    return LogView.of(ORIGIN, keys)


@pytest.fixture
def issue(licence: Any, licence_claims: Any) -> Any:
    """Function that issues a licence of its own and returns the answer."""

    def make(key: str) -> Any:
        body = {"type": "business-licence", "claims": licence_claims[0]}
        answer = licence.post("/v1/certificates", body, key=key)
        assert answer.status_code == 201
        return answer.get_json()

    return make


@pytest.fixture
def ask(world: Any) -> Any:
    client = world.app.test_client()
    return lambda path: client.get(f"/log/{path}")


def leaf_hash(token: str) -> bytes:
    return issued_of(token.partition("~")[0].rpartition(".")[0].encode()).hash


def test_an_answer_tells_the_place_once_it_is_merged(world: Any, licence: Any, issue: Any, view):
    issued = issue("log-1")
    assert issued["log"] == {
        "origin": ORIGIN,
        "index": None,
        "leaf_hash": b64u_encode(leaf_hash(issued["token"])),
        "proof": None,
    }
    world.merge()
    for again in (issue("log-1"), licence.get(f"/v1/certificates/{issued['id']}").get_json()):
        proven = view.prove(again["log"]["proof"], leaf_hash(issued["token"]))
        assert proven.index == again["log"]["index"]
    changed = licence.post(
        f"/v1/certificates/{issued['id']}/suspend", {"reason": "other", "detail": "查"}
    )
    assert changed.get_json()["log"]["proof"] == again["log"]["proof"]


def test_a_proof_is_found_by_the_leaf_hash(world: Any, issue: Any, ask: Any, view: LogView):
    issued = issue("log-2")
    path = f"proof/{issued['log']['leaf_hash']}"
    early = ask(path)
    assert (early.status_code, early.get_json()["code"]) == (503, "log_not_merged")
    assert early.headers["Retry-After"] == "1"
    world.merge()
    answer = ask(path)
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "no-store"
    view.prove(answer.get_data(as_text=True), leaf_hash(issued["token"]))


def test_a_history_is_whole_or_not_told(world: Any, licence: Any, issue: Any, ask: Any, view):
    issued = issue("log-3")
    path = f"history/{issued['log']['leaf_hash']}"
    assert ask(path).get_json()["code"] == "log_not_merged"
    world.merge()
    assert read_history(ask(path).data).prove(view, leaf_hash(issued["token"])).events == ()
    reason = {"reason": "cancelled", "detail": "企业申请"}
    assert licence.post(f"/v1/certificates/{issued['id']}/revoke", reason).status_code == 200
    assert ask(path).get_json()["code"] == "log_not_merged"
    world.merge()
    life = read_history(ask(path).data).prove(view, leaf_hash(issued["token"]))
    assert [event.event for event in life.events] == [Event.REVOKED]
    assert life.as_of == world.clock()
    # The event has a proof of its own, and no history.
    event = b64u_encode(life.events[0].hash)
    assert ask(f"proof/{event}").status_code == 200
    assert ask(f"history/{event}").get_json()["code"] == "log_entry_unknown"


def test_a_database_that_was_put_back_gives_no_history(world: Any, licence: Any, issue: Any, ask):
    issued = issue("log-back")
    world.merge()
    file = Path(make_url(world.settings.database_url).database or "")
    before = file.read_bytes()
    reason = {"reason": "cancelled", "detail": "企业申请"}
    assert licence.post(f"/v1/certificates/{issued['id']}/revoke", reason).status_code == 200
    world.merge()
    path = f"history/{issued['log']['leaf_hash']}"
    assert ask(path).status_code == 200
    after = file.read_bytes()
    file.write_bytes(before)
    try:
        answer = ask(path)
        assert (answer.status_code, answer.get_json()["code"]) == (503, "log_unavailable")
        # That the certificate was issued stays true.
        assert ask(f"proof/{issued['log']['leaf_hash']}").status_code == 200
    finally:
        file.write_bytes(after)
    assert ask(path).status_code == 200


@pytest.mark.parametrize("kind", ["proof", "history"])
@pytest.mark.parametrize("name", [UNKNOWN, UNKNOWN + "A", "x", "%00", UNKNOWN[:-1] + "B", "证"])
def test_another_hash_is_unknown(ask: Any, kind: str, name: str):
    answer = ask(f"{kind}/{name}")
    assert (answer.status_code, answer.get_json()["code"]) == (404, "log_entry_unknown")


def test_checkpoint_and_tiles_are_static(world: Any, issue: Any, ask: Any, view: LogView):
    issue("log-4")
    world.merge()
    checkpoint = ask("checkpoint")
    assert (checkpoint.mimetype, checkpoint.headers["Cache-Control"]) == ("text/plain", "no-cache")
    size = view.open(checkpoint.data).checkpoint.size
    for level in (0, None):
        tile = ask(Tile(level, 0, size).path)
        assert (tile.status_code, tile.mimetype) == (200, "application/octet-stream")
        assert tile.headers["Cache-Control"] == "public, max-age=3600"
    tree = PublishedTree(world.settings.published)
    tree.write("log/tile/0/x001/x002/003", b"a full tile")
    deep = ask("tile/0/x001/x002/003")
    assert deep.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    tree.remove("log/tile/0/x001/x002/003")
    assert ask("checkpoint").headers["ETag"]


@pytest.mark.parametrize(
    "name", ["0", "0/1", "0/000.p/0", "0/000.p/256", "64/000", "x/000", "0/../../c"]
)
def test_no_other_name_is_a_tile(ask: Any, name: str):
    assert ask(f"tile/{name}").status_code == 404


def test_a_damaged_tree_is_told_and_issuing_goes_on(world: Any, issue: Any, ask: Any):
    issued = issue("log-5")
    world.merge()
    tree = PublishedTree(world.settings.published)
    good = tree.read(CHECKPOINT)
    tree.write(CHECKPOINT, good.replace(ORIGIN.encode(), b"certs.invalid/log"))
    answer = ask(f"proof/{issued['log']['leaf_hash']}")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "log_unavailable")
    assert issue("log-5")["log"]["proof"] is None
    ready = world.app.test_client().get("/readyz").get_json()
    assert {"check": "log", "reason": "tree_unreadable"} in ready["reasons"]
    tree.write(CHECKPOINT, good)
    assert issue("log-5")["log"]["proof"] is not None


def test_a_damaged_tile_proves_nothing(world: Any, issue: Any, ask: Any):
    issued = issue("log-6")
    world.merge()
    tree = PublishedTree(world.settings.published)
    size = int(tree.read(CHECKPOINT).split(b"\n")[1])
    issue("log-7")
    path = f"log/{Tile(0, 0, size).path}"
    data = bytearray(tree.read(path))
    data[0] ^= 1
    tree.write(path, bytes(data))
    # Another checkpoint file of the same content makes the reader look again.
    tree.write(CHECKPOINT, tree.read(CHECKPOINT))
    assert ask(f"proof/{issued['log']['leaf_hash']}").get_json()["code"] == "log_unavailable"
    data[0] ^= 1
    tree.write(path, bytes(data))
    world.merge()


def test_readiness_tells_of_a_merge_that_stands_still(world: Any, issue: Any):
    issue("log-8")
    probe = world.app.test_client()
    assert "degraded" not in probe.get("/readyz").get_json()
    world.clock.now += STILL_SECONDS + 1
    answer = probe.get("/readyz")
    assert answer.get_json()["degraded"] == [{"check": "log_merge", "reason": "log_not_merged"}]
    # Certificates are issued all the same.
    assert answer.status_code == 200
    world.merge()
    assert "degraded" not in probe.get("/readyz").get_json()


def test_look_ups_are_limited_by_address(world: Any):
    settings = Settings(**{**world.settings.model_dump(), "rate_per_second": 1.0})
    client = create_app(settings, clock=world.clock).test_client()
    codes = [client.get(f"/log/proof/{UNKNOWN}").status_code for _ in range(8)]
    assert (codes[0], codes[-1]) == (404, 429)
    assert client.get("/log/checkpoint").status_code == 200


@pytest.fixture
def statements() -> list[str]:
    """What the answers ask the database."""
    return []


@pytest.fixture
def answers(world: Any, statements: list[str]) -> Any:
    """Function that makes answers which wait."""
    engine = make_engine(world.settings.database_url)
    event.listen(engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    store = open_store(world.settings.keys_url, passphrase=world.settings.keys_passphrase())
    reader = LogReader(PublishedTree(world.settings.published), store, origin=ORIGIN)
    moment = [0.0]

    def monotonic() -> float:
        moment[0] += 0.001
        return moment[0]

    def make(wait: float) -> LogAnswers:
        return LogAnswers(engine, reader, wait=wait, monotonic=monotonic, clock=world.clock)

    yield make
    engine.dispose()


def office(issued: Any) -> tuple[str, str]:
    payload = json.loads(b64u_decode(issued["token"].split(".")[1]))
    return payload["iss"].rsplit("/", 1)[1], issued["id"]


def test_all_that_wait_get_their_places_together(world: Any, issue: Any, answers: Any):
    made = [issue(f"wait-{number}") for number in range(6)]
    waiting, found = answers(10**6), {}

    def wait(issued: Any) -> None:
        found[issued["id"]] = waiting.soon(*office(issued))

    threads = [Thread(target=wait, args=(one,)) for one in made]
    for thread in threads:
        thread.start()
    world.merge()
    for thread in threads:
        thread.join()
    assert {issued["id"] for issued in made} == found.keys()
    assert all(place.proof is not None for place in found.values())


def test_fresh_leaves_are_found_without_the_database(
    world: Any, issue: Any, answers: Any, statements: list[str]
):
    made = [issue(f"fresh-{number}") for number in range(3)]
    world.merge()
    waiting = answers(10**6)
    for issued in made:
        place = waiting.soon(*office(issued), leaf_hash(issued["token"]))
        assert place.proof is not None
    assert not any("leaf_hash" in one for one in statements)
    # Without the hash, as for an answer that is repeated, it has to be asked.
    assert waiting.soon(*office(made[0])) == waiting.now(*office(made[0]))
    assert any("leaf_hash" in one for one in statements)


def test_a_tree_that_was_put_back_is_read_anew(world: Any, issue: Any, answers: Any):
    tree, waiting = PublishedTree(world.settings.published), answers(0.05)
    first = issue("back-1")
    before = tree.read(CHECKPOINT)
    world.merge()
    after = tree.read(CHECKPOINT)
    assert waiting.soon(*office(first), leaf_hash(first["token"])).proof is not None
    second = issue("back-2")
    tree.write(CHECKPOINT, before)
    assert waiting.soon(*office(second), leaf_hash(second["token"])).proof is None
    tree.write(CHECKPOINT, after)
    world.merge()
    for issued in (first, second):
        assert waiting.soon(*office(issued), leaf_hash(issued["token"])).proof is not None


def test_nobody_waits_for_a_tree_that_cannot_be_read(world: Any, issue: Any, answers: Any):
    issued, tree = issue("unread"), PublishedTree(world.settings.published)
    world.merge()
    whole = tree.read(CHECKPOINT)
    tree.write(CHECKPOINT, whole.replace(b"log", b"gol", 1))
    try:
        place = answers(10**9).soon(*office(issued), leaf_hash(issued["token"]))
    finally:
        tree.write(CHECKPOINT, whole)
    assert (place.leaf_hash, place.proof) == (leaf_hash(issued["token"]), None)


def test_a_wait_has_an_end(issue: Any, answers: Any, world: Any):
    issued = issue("wait-end")
    place = answers(0.05).soon(*office(issued))
    assert (place.index, place.proof) == (None, None)
    world.merge()


def test_nobody_waits_for_a_merge_that_stands_still(world: Any, issue: Any, answers: Any):
    issued = issue("wait-still")
    world.clock.now += STILL_SECONDS + 1
    assert answers(10**9).soon(*office(issued)).proof is None
    world.merge()
    assert answers(10**9).soon(*office(issued)).proof is not None


def test_a_certificate_that_the_log_does_not_know_has_no_place(answers: Any):
    assert answers(10**9).soon("119999000000000198", "0" * 32) is None


def test_a_witness_sends_its_cosignature(world: Any, view: LogView):
    private = Ed25519PrivateKey.generate()
    point = b64u_encode(private.public_key().public_bytes_raw())
    public = PublicKey.from_jwk({"kty": "OKP", "crv": "Ed25519", "x": point}, "Ed25519")
    witness = NoteKey.of("witness.example", public, Kind.COSIGNATURE)
    more = {"log_witnesses": witness.vkey}
    settings = Settings(**{**world.settings.model_dump(), **more})
    client = create_app(settings, clock=world.clock).test_client()
    assert client.get("/log/witnessed").status_code == 404
    note = parse_note(client.get("/log/checkpoint").data)
    signature = cosignature(NOW, private.sign(cosigned_message(note.text, NOW)))
    sent = Note(note.text, (*note.signatures, witness.line(signature))).to_bytes()
    answer = client.post("/log/cosignatures", data=sent, content_type="text/plain")
    assert answer.status_code == 200
    for path in ("checkpoint", "witnessed"):
        assert client.get(f"/log/{path}").data == answer.data
    # A service that does not know the witness refuses it, and still reads its own checkpoint.
    unknown = world.app.test_client()
    again = unknown.post("/log/cosignatures", data=sent, content_type="text/plain")
    assert (again.status_code, again.get_json()["code"]) == (422, "cosignature_refused")
    assert view.open(unknown.get("/log/checkpoint").data).checkpoint.size >= 0
    wrong = client.post("/log/cosignatures", data=sent, content_type="application/json")
    assert wrong.status_code == 415
    large = client.post("/log/cosignatures", data=bytes(200_000), content_type="text/plain")
    assert large.status_code == 413


def test_a_witness_that_is_no_key_is_a_wrong_setting(world: Any):
    settings = Settings(**{**world.settings.model_dump(), "log_witnesses": "nobody"})
    with pytest.raises(SettingsInvalid, match="CERTSVC_LOG_WITNESSES"):
        create_app(settings)
