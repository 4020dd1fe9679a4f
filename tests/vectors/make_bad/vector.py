"""One vector and its file; rows collect them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tokens import NOW

UNKNOWN = frozenset(
    {
        "unreadable",
        "code_unknown",
        "code_unavailable",
        "format_unsupported",
        "trust_unavailable",
        "trust_stale",
        "status_unavailable",
        "status_stale",
        "log_proof_missing",
        "clock_untrusted",
    }
)
_OPTIONAL = (
    "environment",
    "trust",
    "records",
    "status_lists",
    "log",
    "before",
    "policy",
    "nonces",
    "codes",
    "at",
    "needs",
)
# A run is written as a count from this length on, so that huge inputs stay small files.
_LONG = 4096
_RUN = re.compile(r"(.{1,128}?)\1{63,}", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True, kw_only=True)
class Vector:
    """What arrives, what the world is like, and what must come out."""

    row: str
    defect: str
    content: dict[str, Any]

    @property
    def file(self) -> str:
        """Name of the file."""
        return f"{self.row}-{self.defect}.json"

    def text(self) -> str:
        """The file's text: UTF-8 with readable Chinese, lone surrogates escaped."""
        made = json.dumps(self.content, ensure_ascii=False, indent=1)
        return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", made) + "\n"


@dataclass
class Row:
    """The vectors of one row of threats.md."""

    row: str
    source: str
    vectors: list[Vector] = field(default_factory=list)

    def good(self, name: str, zh: str, en: str, arrives: str, **more: Any) -> None:
        """A positive vector: VALID, acceptable unless `reasons` say why not."""
        reasons = more.pop("reasons", None)
        expect: dict[str, Any] = {"outcome": "VALID", "code": "valid"}
        expect["acceptable"] = not reasons
        expect["reasons"] = list(reasons or ())
        self._add(f"positive-{name}", zh, en, arrives, expect, more)

    def bad(
        self, defect: str, zh: str, en: str, arrives: str, code: str, check: str | None, **more: Any
    ) -> None:
        """A negative vector: the code, and the numbered check that finds it."""
        outcome = "UNKNOWN" if code in UNKNOWN else "INVALID"
        expect: dict[str, Any] = {"outcome": outcome, "code": code}
        if check is not None:
            expect["check"] = check
        expect["acceptable"] = False
        expect["reasons"] = list(more.pop("reasons", ()))
        self._add(defect, zh, en, arrives, expect, more)

    def _add(
        self,
        defect: str,
        zh: str,
        en: str,
        arrives: str,
        expect: dict[str, Any],
        more: dict[str, Any],
    ) -> None:
        if not _NAME.fullmatch(defect):
            raise ValueError(f"{defect!r} is no name of a defect")
        for name in ("http", "claims", "issuer_name"):
            if name in more:
                expect[name] = more.pop(name)
        content: dict[str, Any] = {
            "row": self.row,
            "defect": defect,
            "title": {"zh": zh, "en": en},
            "source": more.pop("source", self.source),
            "now": more.pop("now", NOW),
            "world": more.pop("world", "standard"),
        }
        for name in _OPTIONAL:
            if name in more:
                content[name] = _packed_lists(more.pop(name))
        if more:
            raise TypeError(f"{self.row}-{defect}: unknown {sorted(more)}")
        content |= {"input": packed(arrives), "expect": expect}
        self.vectors.append(Vector(row=self.row, defect=defect, content=content))


def packed(text: str) -> Any:
    """The text, or for a long one with runs in it a list of texts and runs."""
    if len(text) < _LONG:
        return text
    parts = list(_parts(text))
    return parts if len(parts) > 1 or not isinstance(parts[0], str) else text


def _parts(text: str) -> Iterator[Any]:
    at = 0
    for run in _RUN.finditer(text):
        if run.start() > at:
            yield text[at : run.start()]
        yield {"repeat": run[1], "times": len(run[0]) // len(run[1])}
        at = run.end()
    if at < len(text):
        yield text[at:]


def _packed_lists(value: Any) -> Any:
    if isinstance(value, list):
        return [_packed_lists(item) for item in value]
    if isinstance(value, dict):
        return {name: _packed_lists(item) for name, item in value.items()}
    return packed(value) if isinstance(value, str) else value
