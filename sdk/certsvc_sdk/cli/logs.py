"""`certsvc-sdk log watch` and `log cosign`: following a log as an outsider, and witnessing it."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NamedTuple

from certsvc_sdk.cli.key_files import key_in
from certsvc_sdk.cli.printing import printable
from certsvc_sdk.errors import FetchFailed, LogForked, LogInvalid, LogNoteInvalid, LogUntrusted
from certsvc_sdk.fetch import Fetcher
from certsvc_sdk.holdings import Holdings
from certsvc_sdk.log.note import Kind, Note, NoteKey, cosignature, cosigned_message, parse_note
from certsvc_sdk.log.view import LogView
from certsvc_sdk.log_source import LogSource, address_of
from certsvc_sdk.log_trust import Witnesses, view_of
from certsvc_sdk.log_watch import Look, OwnLeaves, Watcher
from certsvc_sdk.log_watch_state import WatchState, load_state
from certsvc_sdk.root_file import read_root
from certsvc_sdk.sources import Sources
from certsvc_sdk.trust.about import Environment
from certsvc_sdk.trust.record import IssuerRecord
from certsvc_sdk.verdict import clock_text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

OK, ALARM, UNREACHED = 0, 1, 3
_DEFAULT_STATE: Final = "log-watch.json"


class Log(NamedTuple):
    """A log to follow: the trust in it, where it is read, and the office that asks, if one."""

    view: LogView
    source: LogSource
    record: IssuerRecord | None


def find_log(args: argparse.Namespace, now: int) -> Log:
    """Return the log that the options name.

    Raises:
        CertsvcError: no trust, no such log, or several.
    """
    witnesses = (
        Witnesses.read(args.witness, args.witnesses) if args.witness or args.witnesses else None
    )
    if args.vkey:
        return _by_key(args, witnesses)
    with TemporaryDirectory(prefix="certsvc-sdk-") as folder:
        holdings = Holdings(
            root=read_root(args.root),
            url=args.url,
            folder=Path(args.cache or folder),
            sources={},
            trust_refresh=300,
            status_refresh=None,
            offline=args.offline,
        )
        holdings.trust.refresh(now, whole=True)
        trust = holdings.trust.current(now)
        issuers = () if trust is None else trust.view.issuers()
    if trust is None:
        raise LogUntrusted("there is no trust data that names a log")
    records = [one for one in issuers if one.log_origin is not None]
    if args.iss is not None:
        records = [one for one in records if one.answers_to(args.iss)]
    origins = sorted({one.log_origin for one in records if one.log_origin is not None})
    if len(origins) != 1:
        found = ", ".join(origins) or "none"
        raise LogUntrusted(f"the trust data must name one log, found: {found}; see --iss")
    view = view_of(records[0], witnesses)
    if view is None:
        raise LogUntrusted("the log's name cannot be a key's name")
    address = address_of(origins[0], demo=trust.env is Environment.DEMO)
    source = LogSource(address, holdings.sources(trust.view.base), Fetcher())
    return Log(view, source, records[0] if args.iss is not None else None)


def _by_key(args: argparse.Namespace, witnesses: Witnesses | None) -> Log:
    keys = tuple(NoteKey.from_vkey(vkey) for vkey in args.vkey)
    names = {key.name for key in keys}
    if len(names) != 1 or args.url is None:
        raise LogNoteInvalid("--vkey needs --url, and all keys bear the name of one log")
    origin = names.pop()
    address = address_of(origin, demo=False)
    below = args.url.rstrip("/") + "/" + origin.rpartition("/")[2] + "/"
    view = LogView(
        origin=origin,
        keys=keys,
        witnesses=() if witnesses is None else witnesses.keys,
        threshold=0 if witnesses is None else witnesses.threshold,
    )
    return Log(view, LogSource(address, Sources({address: below}), Fetcher()), None)


def watch(
    args: argparse.Namespace,
    clock: Callable[[], float],
    *,
    pause: Callable[[float], None] = time.sleep,
) -> int:
    """Follow a log until interrupted, or look at it once.

    Args:
        args: of the command line.
        clock: gives Unix seconds.
        pause: waits so many seconds between two looks.

    Raises:
        CertsvcError: no such log, or a damaged state.
    """
    log = find_log(args, int(clock()))
    path = Path(args.state or _DEFAULT_STATE)
    own = None
    if log.record is not None:
        own = OwnLeaves(record=log.record, backdating=args.backdating)
    watcher = Watcher(view=log.view, read=log.source.read, own=own, progress=_progress)
    code = OK
    while True:
        now = int(clock())
        try:
            look = watcher.look(load_state(path, log.view.origin), now)
        except FetchFailed as error:
            print(f"日志未能读取 The log was not read: {printable(str(error))}", file=sys.stderr)
            found = UNREACHED
        else:
            _save(look.state, path)
            _print_look(look, now)
            found = ALARM if look.alarms or look.state.forks else OK
        if args.once:
            return found
        code = max(code, found) if found == ALARM else code
        try:
            pause(args.interval)
        except KeyboardInterrupt:
            return code


def cosign(args: argparse.Namespace, clock: Callable[[], float]) -> int:
    """Print the newest checkpoint that the watcher verified, with a cosignature of its own key.

    Raises:
        CertsvcError: no such log, no state, evidence of a fork, or no usable key.
    """
    private, key = _witness_key(Path(args.key), args.name, new=args.new_key)
    if args.new_key:
        print(key.vkey)
        return OK
    log = find_log(args, int(clock()))
    state = load_state(Path(args.state or _DEFAULT_STATE), log.view.origin)
    if state.checkpoint is None:
        raise LogUntrusted("nothing was verified yet: run log watch first")
    if state.forks:
        raise LogForked("there is evidence of a fork: such a log has no witnesses")
    # Its own root is computed again from what was seen: a changed file is not witnessed.
    state.opened(log.view)
    note = parse_note(state.checkpoint)
    at = int(clock())
    made = cosignature(at, private.sign(cosigned_message(note.text, at)))
    others = tuple(one for one in note.signatures if not key.made(one))
    sys.stdout.write(Note(note.text, (*others, key.line(made))).to_bytes().decode("utf-8"))
    return OK


def _witness_key(path: Path, name: str, *, new: bool) -> "tuple[Ed25519PrivateKey, NoteKey]":
    """Return a witness's key pair; a new one is written where there is none."""
    private = key_in(path, new=new, whose="witness", refusal=LogNoteInvalid)
    return private, NoteKey.from_bytes(
        name, private.public_key().public_bytes_raw(), Kind.COSIGNATURE
    )


def _save(state: WatchState, path: Path) -> None:
    try:
        state.save(path)
    except OSError as error:
        raise LogInvalid(f"the state cannot be written: {error.strerror}") from error


def _progress(done: int, total: int) -> None:
    # One line that is written over: reading a whole log takes minutes.
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\r已读 read {done}/{total}", end=end, file=sys.stderr, flush=True)


def _print_look(look: Look, now: int) -> None:
    if look.opened is not None:
        tree = look.opened.checkpoint
        seen = "".join(f" {one.name}" for one in look.opened.cosigned)
        print(
            f"{clock_text(now, year=True)} 日志 log {printable(tree.origin)}:"
            f" {tree.size} 条 entries (+{look.grown}), 根 root {tree.root.hex()}"
            + (f", 见证 witnesses{printable(seen)}" if seen else "")
        )
    for alarm in look.alarms:
        place = "" if alarm.index is None else f" #{alarm.index}"
        words = printable(f"{alarm.zh} {alarm.en}")
        print(f"警报 ALARM [{alarm.kind}]{place} {words}", file=sys.stderr)
    for fork in look.state.forks:
        when = clock_text(fork.seen_at, year=True)
        print(f"分叉证据 evidence of a fork, seen {when}", file=sys.stderr)


def run(args: argparse.Namespace, clock: Callable[[], float]) -> int:
    """Run `log watch` or `log cosign`.

    Raises:
        CertsvcError: it cannot be carried out.
    """
    return watch(args, clock) if args.action == "watch" else cosign(args, clock)
