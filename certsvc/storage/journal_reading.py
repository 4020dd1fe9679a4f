"""Reads the journal of all processes as one story, in the order of the commits.

Numbers order the records. Where several records bear one number, all but one belong to commits
that failed: the next record names the one that happened. At the very end nobody names it; then the
newest is taken, for its commit is in doubt and whoever waited for it has had no other answer.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

from certsvc.storage.errors import JournalBroken
from certsvc.storage.frames import (
    Blobs,
    FramesDamaged,
    FramesTorn,
    last_frame,
    read_frames,
    unpack_json,
)
from certsvc.storage.journal import KIND, SUFFIX, WHOLE_SERVICE
from certsvc.storage.tables import journal_head


@dataclass(frozen=True, slots=True)
class Position:
    """How far a database is: its last journaled transaction; `token` is empty before the first."""

    epoch: int
    seq: int
    token: str

    def __str__(self) -> str:
        return f"{self.epoch}/{self.seq}"


START = Position(0, 0, "")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as the driver got it; `rows` is None where the driver could not count."""

    text: str
    rows: int | None
    many: bool
    parameters: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One transaction.

    Attributes:
        position: its number and token.
        previous: token of the transaction before it.
        at: when it was written, Unix nanoseconds.
        dialect: kind of database that ran it.
        revision: schema it was made for.
        changes: rows it changed, where the database counts them for a transaction.
        place: file and byte, for messages.
        content: the whole record.
        body: its JSON.
        texts: statements of the file so far.
    """

    position: Position
    previous: str
    at: int
    dialect: str
    revision: str
    changes: int | None
    place: str
    content: bytes
    body: Mapping[str, Any]
    texts: Sequence[str]

    def statements(self) -> list[Statement]:
        """Decode what the transaction wrote, in order."""
        blobs = Blobs(self.content)
        made = []
        for number, rows, many, given in self.body["statements"]:
            filled = [_fill(one, blobs) for one in given] if many else _fill(given, blobs)
            made.append(Statement(self.texts[number], rows, many, filled))
        return made


@dataclass(slots=True)
class Notices:
    """What reading met on the way.

    Attributes:
        torn: files whose last record was never finished; the transaction did not happen.
        damaged: places where a bit was wrong: what follows in that file was left out.
    """

    torn: list[str]
    damaged: list[str]


def position_of(connection: Connection) -> Position:
    """How far a database is; `START` before its first journaled transaction."""
    head = journal_head
    row = connection.execute(head.select().where(head.c.issuer_id == WHOLE_SERVICE)).first()
    return START if row is None else Position(row.epoch, row.seq, row.token)


def newest(folder: Path) -> Record | None:
    """Find the journal's last whole record; reads the end of each file only.

    Raises:
        OSError: the journal cannot be read.
    """
    last: Record | None = None
    for path in segments(folder):
        frame = last_frame(path, kind=KIND)
        if frame is not None:
            record = _record(path, frame.offset, frame.content, [])
            if last is None or _rank(record) > _rank(last):
                last = record
    return last


def segments(folder: Path) -> list[Path]:
    """The journal's files, the oldest first."""
    return sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []


def last_seq(path: Path) -> int | None:
    """The number of a file's last record; None: it has none, or its end cannot be read.

    Raises:
        OSError: the file cannot be read.
    """
    frame = last_frame(path, kind=KIND)
    if frame is None or frame.end != path.stat().st_size:
        return None
    return int(unpack_json(frame.content)["seq"])


def records_after(
    folder: Path, position: Position, notices: Notices, *, progress: Callable[[int], object] = int
) -> Iterator[Record]:
    """Read the transactions that came after a position, in order.

    Args:
        folder: the journal.
        position: where the database stands.
        notices: is filled on the way.
        progress: takes the bytes read since the last call.

    Raises:
        JournalBroken: a record is missing, or two stories begin at one place.
        OSError: a file cannot be read.
    """
    token = position.token
    groups = _groups(_merged(folder, position, notices, progress))
    group = next(groups, None)
    while group is not None:
        following = next(groups, None)
        chosen = _choose(group, following, token)
        if chosen is not None:
            yield chosen
            position, token = chosen.position, chosen.position.token
        elif any(record.position.epoch >= position.epoch for record in group):
            raise JournalBroken(
                f"{group[0].place}: record {group[0].position} does not follow {position}"
            )
        # Else an earlier life of the database wrote it, which a recovery has given up.
        group = following


def _choose(
    group: Sequence[Record], following: Sequence[Record] | None, token: str
) -> Record | None:
    """The record of this number that happened; None: nothing follows the token."""
    fitting = [record for record in group if record.previous == token]
    if not fitting:
        return None
    newest_epoch = max(record.position.epoch for record in fitting)
    fitting = [record for record in fitting if record.position.epoch == newest_epoch]
    named = {record.previous for record in following or ()}
    happened = [record for record in fitting if record.position.token in named]
    if len(happened) > 1:
        places = ", ".join(record.place for record in happened)
        raise JournalBroken(f"two stories follow one transaction: {places}")
    return happened[0] if happened else max(fitting, key=lambda record: record.at)


def _groups(records: Iterator[Record]) -> Iterator[list[Record]]:
    """Records of one number together."""
    group: list[Record] = []
    for record in records:
        if group and record.position.seq != group[0].position.seq:
            yield group
            group = []
        group.append(record)
    if group:
        yield group


def _merged(
    folder: Path, position: Position, notices: Notices, progress: Callable[[int], object]
) -> Iterator[Record]:
    """Records of all files by their numbers; a file is opened when its turn comes."""
    waiting = []
    for path in segments(folder):
        end = last_seq(path)
        if end is not None and end <= position.seq:
            progress(path.stat().st_size)
            continue
        # A file without a whole record is read for what there is to say of it.
        first = next(_records(path, Notices([], [])), None)
        waiting.append((0 if first is None else first.position.seq, path))
    waiting.sort(reverse=True)
    heap: list[tuple[int, int, int, Record, Iterator[Record]]] = []
    number = 0
    while heap or waiting:
        while waiting and (not heap or waiting[-1][0] <= heap[0][0]):
            number += 1
            _push(heap, number, _records(waiting.pop()[1], notices, progress))
        if heap:
            _seq, _at, number_of, record, rest = heapq.heappop(heap)
            if record.position.seq > position.seq:
                yield record
            _push(heap, number_of, rest)


def _push(
    heap: list[tuple[int, int, int, Record, Iterator[Record]]],
    number: int,
    rest: Iterator[Record],
) -> None:
    record = next(rest, None)
    if record is not None:
        heapq.heappush(heap, (record.position.seq, record.at, number, record, rest))


def _records(
    path: Path, notices: Notices, progress: Callable[[int], object] = int
) -> Iterator[Record]:
    texts: list[str] = []
    try:
        for frame in read_frames(path, kind=KIND):
            yield _record(path, frame.offset, frame.content, texts)
            progress(len(frame.content))
    except FramesTorn as error:
        notices.torn.append(str(error))
    except FramesDamaged as error:
        notices.damaged.append(str(error))


def _record(path: Path, offset: int, content: bytes, texts: list[str]) -> Record:
    head = unpack_json(content)
    texts.extend(head["texts"])
    return Record(
        position=Position(head["epoch"], head["seq"], head["token"]),
        previous=head["previous"],
        at=head["at"],
        dialect=head["dialect"],
        revision=head["revision"],
        changes=head["changes"],
        place=f"{path.name}: byte {offset}",
        content=content,
        body=head,
        texts=texts,
    )


def _rank(record: Record) -> tuple[int, int, int]:
    return record.position.epoch, record.position.seq, record.at


def _fill(given: Any, blobs: Blobs) -> Any:  # noqa: ANN401 - what a driver takes
    if isinstance(given, dict):
        return {name: blobs.fill(value) for name, value in given.items()}
    return tuple(blobs.fill(value) for value in given or ())
