"""`certsvc-sdk history`: the life of a certificate, and whether it was in force on a day."""

import argparse
import json
import re
import sys
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from certsvc_sdk.cli.inputs import text_of
from certsvc_sdk.cli.printing import print_block, printable
from certsvc_sdk.client import Finding, Verifier
from certsvc_sdk.errors import PolicyInvalid
from certsvc_sdk.log.history import Life
from certsvc_sdk.log.leaf import ISSUED
from certsvc_sdk.verdict import Verdict, clock_text

_BEIJING: Final = timezone(timedelta(hours=8))
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?")
_BARE_DATE = 10
_WORDS: Final = {
    ISSUED: "签发",
    "suspended": "暂停",
    "resumed": "恢复",
    "revoked": "失效",
    "superseded": "换发",
}


def moment_of(text: str, now: int) -> int:
    """Return the moment that a date of the command line means, Unix seconds.

    Args:
        text: `YYYY-MM-DD`, the end of that day or `now` where it is not over, or
            `YYYY-MM-DDTHH:MM[:SS]`; Beijing time.
        now: Unix seconds.

    Raises:
        PolicyInvalid: no such date.
    """
    try:
        if _DATE.fullmatch(text) is None:
            raise ValueError(text)
        moment = datetime.fromisoformat(text).replace(tzinfo=_BEIJING)
    except ValueError as error:
        words = "--at takes YYYY-MM-DD or YYYY-MM-DDTHH:MM"
        raise PolicyInvalid(words, zh="--at 应为年-月-日，或再加时:分") from error
    if len(text) > _BARE_DATE:
        return int(moment.timestamp())
    start = int(moment.timestamp())
    end = start + 86_399
    return now if start <= now < end else end


def print_history(args: argparse.Namespace, verifier: Verifier, now: int) -> Verdict:
    """Print a certificate's life and the verdict for the moment asked about; return the verdict.

    Raises:
        CertsvcError: the text or the date cannot be read.
    """
    text = text_of(args.what)
    at = None if args.at is None else moment_of(args.at, now)
    life = verifier.history(text)
    verdict = verifier.check(text, at=at, log_proof=_proof(args.log_proof))
    if args.json:
        found = {"history": None if life is None else _life_json(life)}
        print(json.dumps(found | {"verdict": verdict.to_json()}, ensure_ascii=False, indent=2))
        return verdict
    if life is None:
        print("没有可证明的履历 No history is proven.", file=sys.stderr)
    else:
        for line in _lines(life):
            print(printable(line))
        print()
    print(f"判断时刻 Judged for {_moment(verdict.judged_at)}:")
    finding = Finding(page=None, position=None, text_kind="text", verdict=verdict)
    print_block(finding, sys.stdout, colour=False, claims=False)
    return verdict


def _proof(path: str | None) -> str | None:
    return None if path is None else text_of(path)


def _lines(life: Life) -> list[str]:
    issued, tree = life.issued, life.opened.checkpoint
    rows = [(issued.iat, ISSUED, life.index)]
    rows += [
        (event.at, event.event.value, index)
        for event, index in zip(life.events, life.indexes, strict=True)
    ]
    return [
        f"证照标识 Identifier: {issued.certificate_identifier}",
        *(
            f"  {_moment(at)}  {_WORDS[event]} {event}  日志序号 log index {index}"
            for at, event, index in rows
        ),
        f"  以上为全部 This is all, as of {_moment(life.as_of)}",
        f"  日志 Log: {tree.origin}, {tree.size} 条 entries",
    ]


def _life_json(life: Life) -> dict[str, Any]:
    tree = life.opened.checkpoint
    return {
        "certificate_identifier": life.issued.certificate_identifier,
        "issued": {"at": life.issued.iat, "log_index": life.index},
        "events": [
            {"at": event.at, "event": event.event.value, "log_index": index}
            for event, index in zip(life.events, life.indexes, strict=True)
        ],
        "as_of": life.as_of,
        "log": {"origin": tree.origin, "size": tree.size},
        "witnesses": [{"name": one.name, "at": one.at} for one in life.opened.cosigned],
    }


def _moment(moment: int) -> str:
    return f"{clock_text(moment, year=True)} (UTC+8)"
