"""Histories: chained, complete by the log's own word, and nothing else believed."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc_sdk import jws, strict
from certsvc_sdk.errors import LogHistoryInvalid, LogInvalid, LogProofInvalid
from certsvc_sdk.log import history, merkle
from certsvc_sdk.log.history import MAX_EVENTS, History, draft_statement, read_history
from certsvc_sdk.log.leaf import Changed, Event

T0 = 1_799_000_000
EVENTS = ("suspended", "resumed", "revoked")


def lived(book: Any, logbooks: Any, events: tuple[str, ...] = EVENTS) -> tuple[int, ...]:
    """Places of a certificate's leaves among others'."""
    book.fill(3)
    issued = logbooks.other_leaf(1000, T0)
    places = [book.add(issued)]
    for number, event in enumerate(events, 1):
        book.fill(2)
        places.append(
            book.add(
                Changed(
                    at=T0 + 100 * number,
                    certificate_identifier=issued.certificate_identifier,
                    event=Event(event),
                    iss=issued.iss,
                    prev=merkle.leaf_hash(book.leaves[places[-1]]),
                    seq=number,
                )
            )
        )
    book.fill(1)
    return tuple(places)


@pytest.fixture
def places(book: Any, logbooks: Any) -> tuple[int, ...]:
    return lived(book, logbooks)


@pytest.fixture
def made(book: Any, places: Any) -> History:
    found: History = book.history(places, T0 + 5000)
    return found


def leaf_of(book: Any, places: Any) -> bytes:
    return merkle.leaf_hash(book.leaves[places[0]])


def test_a_life_is_proven(book: Any, places: Any, made: History) -> None:
    life = read_history(made.to_bytes()).prove(book.view, leaf_of(book, places))
    assert (life.index, life.indexes, life.as_of) == (places[0], places[1:], T0 + 5000)
    assert [event.event for event in life.events] == list(EVENTS)
    for at, event in (
        (T0, None),
        (T0 + 99, None),
        (T0 + 100, Event.SUSPENDED),
        (T0 + 199, Event.SUSPENDED),
        (T0 + 200, Event.RESUMED),
        (T0 + 300, Event.REVOKED),
        (T0 + 10**9, Event.REVOKED),
    ):
        last = life.last(at)
        assert (last and last.event) == event


def test_a_clock_that_went_back_moves_no_event_before_another(book: Any, logbooks: Any) -> None:
    places = lived(book, logbooks)
    life = book.history(places, T0 + 5000).prove(book.view, leaf_of(book, places))
    suspended, resumed, revoked = life.events
    life = replace(life, events=(suspended, replace(resumed, at=T0 + 50), revoked))
    assert life.last(T0 + 60) is None
    assert life.last(T0 + 100) == replace(resumed, at=T0 + 50)


def test_a_clock_that_was_ahead_puts_off_no_end_and_no_suspension(book: Any, logbooks: Any) -> None:
    places = lived(book, logbooks)
    life = book.history(places, T0 + 5000).prove(book.view, leaf_of(book, places))
    suspended, resumed, revoked = life.events
    ended = replace(life, events=(replace(suspended, at=T0 + 900), revoked))
    assert ended.last(T0 + 299) is None
    assert ended.last(T0 + 300) == ended.last(T0 + 1000) == revoked
    again = replace(suspended, at=T0 + 400)
    life = replace(life, events=(suspended, replace(resumed, at=T0 + 900), again))
    assert (life.last(T0 + 399), life.last(T0 + 400)) == (suspended, again)


@pytest.mark.parametrize("end", ["revoked", "superseded"])
def test_nothing_follows_an_end(end: str, book: Any, logbooks: Any) -> None:
    places = lived(book, logbooks, (end, "resumed"))
    life = book.history(places, T0 + 5000).prove(book.view, leaf_of(book, places))
    last = life.last(T0 + 4000)
    assert last is not None
    assert last.event.value == end


def test_the_longest_history_in_a_large_log_is_read(made: History) -> None:
    path = tuple(number.to_bytes(32, "big") for number in range(50))
    events = tuple(replace(made.events[0], index=n, proof=path) for n in range(MAX_EVENTS))
    whole = replace(made, events=events)
    assert read_history(whole.to_bytes()) == whole


def test_what_is_revoked_stays_so(book: Any, logbooks: Any) -> None:
    places = lived(book, logbooks, ("revoked", "resumed"))
    life = book.history(places, T0 + 5000).prove(book.view, leaf_of(book, places))
    last = life.last(T0 + 4000)
    assert last is not None
    assert last.event is Event.REVOKED


def test_another_certificates_history(book: Any, made: History) -> None:
    with pytest.raises(LogHistoryInvalid):
        made.prove(book.view, merkle.leaf_hash(book.leaves[0]))


def test_a_hidden_event_is_noticed(book: Any, places: Any, made: History) -> None:
    leaf = leaf_of(book, places)
    for kept in (made.events[:-1], made.events[1:], (made.events[0], made.events[2]), ()):
        with pytest.raises(LogHistoryInvalid):
            replace(made, events=kept).prove(book.view, leaf)
    # Even a statement of the log itself cannot leave out what stands between two.
    broken = book.history((places[0], places[1], places[3]), T0 + 5000)
    with pytest.raises(LogHistoryInvalid):
        broken.prove(book.view, leaf)
    # It can hide the tail: the statement then is the proof that the log lied.
    short = book.history(places[:-1], T0 + 5000)
    assert len(short.prove(book.view, leaf).events) == 2


def _said(book: Any, places: Any, header: dict[str, Any] | None = None, **changes: Any) -> str:
    hashes = [merkle.leaf_hash(book.leaves[place]) for place in places]
    data = draft_statement(
        header=book.signer.header(history.TYP),
        issued=hashes[0],
        events=hashes[1:],
        checkpoint=book.tree(),
        iat=T0 + 5000,
    )
    claims = strict.loads_object(
        strict.b64u_decode(data.decode().split(".")[1]), max_bytes=10_000, what="statement"
    )
    data = jws.signing_input(
        book.signer.header(history.TYP) if header is None else header,
        strict.dumps(claims | changes),
    )
    return jws.attach(data, book.signer.sign(data))


def test_only_the_logs_own_word_counts(
    book: Any, places: Any, made: History, make_signer: Any
) -> None:
    leaf, other = leaf_of(book, places), make_signer("Ed25519", 41)
    head, payload, signature = made.statement.split(".")
    header = book.signer.header(history.TYP)
    wrong = {
        "unsigned": f"{head}.{payload}.",
        "not a JWS": "x",
        "altered": f"{head}.{payload}.{signature[:-2]}AA",
        "stranger": other.jws(b"{}", header=other.header(history.TYP)),
        "stranger under its name": other.jws(b"{}", header=header),
        "typ": _said(book, places, header=header | {"typ": "dc+sd-jwt"}),
        "one more": _said(book, places, header=header | {"crit": []}),
        "size": _said(book, places, size=5),
        "root": _said(book, places, root="A" * 43),
        "origin": _said(book, places, origin="certs.example/other"),
        "issued": _said(book, places, issued="A" * 43),
        "events": _said(book, places, events=[]),
        "version": _said(book, places, v=2),
        "unknown": _said(book, places, note="x"),
        "iat below zero": _said(book, places, iat=-1),
        "iat as text": _said(book, places, iat="1"),
    }
    assert _said(book, places) == made.statement
    for statement in wrong.values():
        with pytest.raises(LogHistoryInvalid):
            replace(made, statement=statement).prove(book.view, leaf)


def test_every_leaf_needs_its_proof(book: Any, places: Any, made: History) -> None:
    leaf = leaf_of(book, places)
    event = made.events[1]
    for wrong in (
        replace(event, index=event.index + 1),
        replace(event, proof=event.proof[:-1]),
        replace(event, leaf=event.leaf.replace(b"resumed", b"revoked")),
    ):
        events = (made.events[0], wrong, made.events[2])
        with pytest.raises(LogProofInvalid):
            replace(made, events=events).prove(book.view, leaf)
    with pytest.raises(LogInvalid):
        replace(made, checkpoint=b"x").prove(book.view, leaf)


@pytest.mark.parametrize(
    "changes",
    [
        {"certificate_identifier": "1.2.156.7"},
        {"iss": "https://certs.example/i/119999000000000198"},
        {"seq": 2},
        {"prev": bytes(32)},
    ],
)
def test_a_chain_of_one_certificate(changes: Any, book: Any, logbooks: Any) -> None:
    issued = logbooks.other_leaf(1000, T0)
    first = book.add(issued)
    event = Changed(
        at=T0 + 1,
        certificate_identifier=issued.certificate_identifier,
        event=Event.REVOKED,
        iss=issued.iss,
        prev=issued.hash,
        seq=1,
    )
    second = book.add(replace(event, **changes))
    with pytest.raises(LogHistoryInvalid):
        book.history((first, second), T0 + 99).prove(book.view, issued.hash)


def test_order_and_kinds_of_leaves(book: Any, places: Any, logbooks: Any) -> None:
    backwards = (places[1], places[0])
    leaf = merkle.leaf_hash(book.leaves[places[1]])
    with pytest.raises(LogHistoryInvalid):
        book.history(backwards, T0 + 5000).prove(book.view, leaf)
    with pytest.raises(LogHistoryInvalid):
        book.history(places[1:], T0 + 5000).prove(book.view, leaf)
    twice = (places[0], places[0])
    with pytest.raises(LogHistoryInvalid):
        book.history(twice, T0 + 5000).prove(book.view, leaf_of(book, places))
    two_issues = (places[0], book.add(logbooks.other_leaf(1001, T0)))
    with pytest.raises(LogHistoryInvalid):
        book.history(two_issues, T0 + 5000).prove(book.view, leaf_of(book, places))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_altered_bit_tells_another_life(lived_once: Any, data: Any) -> None:
    book, leaf, text, life = lived_once
    raw = bytearray(text)
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    try:
        found = read_history(bytes(raw)).prove(book.view, leaf)
    except LogInvalid:
        return
    assert found == life  # a bit that says nothing: white space, a stranger's name


@pytest.fixture(scope="module")
def lived_once(logbooks: Any, make_signer: Any) -> Any:
    book = logbooks.LogBook("certs.example/log", make_signer("Ed25519", 40))
    places = lived(book, logbooks)
    made = book.history(places, T0 + 5000)
    leaf = leaf_of(book, places)
    return book, leaf, made.to_bytes(), made.prove(book.view, leaf)


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2}, {"v": ...}, {"more": 1}, {"checkpoint": 5}, {"events": {}}, {"events": [5]},
        {"issued": []}, {"issued": {}}, {"statement": None},
        {"events": [{"leaf": "", "index": 0, "proof": []}] * (MAX_EVENTS + 1)},
        {"issued": {"leaf": "", "index": "0", "proof": []}},
        {"issued": {"leaf": "", "index": 0, "proof": [5]}},
        {"issued": {"leaf": "", "index": 0, "proof": ["=="]}},
        {"issued": {"leaf": "", "index": 0, "proof": ["A"] * 60}},
        {"issued": {"leaf": "", "index": 0, "proof": [], "more": 1}},
    ],
)  # fmt: skip
def test_no_history(change: dict[str, Any], made: History) -> None:
    obj = json.loads(made.to_bytes()) | change
    kept = {name: value for name, value in obj.items() if value is not ...}
    with pytest.raises(LogHistoryInvalid):
        read_history(json.dumps(kept).encode())


def test_no_statement_is_drafted_of_another_kind(book: Any) -> None:
    for header, events in (
        ({"alg": "Ed25519", "typ": "jwt", "kid": "x"}, []),
        (book.signer.header(history.TYP), [bytes(32)] * (MAX_EVENTS + 1)),
    ):
        with pytest.raises(LogHistoryInvalid):
            draft_statement(
                header=header, issued=bytes(32), events=events, checkpoint=book.tree(), iat=T0
            )
    with pytest.raises(LogHistoryInvalid):
        read_history(b"x")
