"""From a submission to answers: the SDK judges, this module only keeps count."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from certsvc.service.problems import RATE_LIMITED, FieldProblem, Problem, ProblemKind
from certsvc_sdk.client import FileReport, Finding
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.policy import Policy
from certsvc_sdk.verdict import Verdict
from verifier.inputs import Submission
from verifier.problems import FILE_KINDS, SEVERAL_CERTIFICATES

# A decoded page may take 100 MiB: two at once bound the memory of a process.
DECODERS = 2
# Seconds a clerk's photograph waits for a free decoder before it is sent away.
DECODER_PATIENCE = 5.0


class Checker(Protocol):
    """What the service needs of `certsvc_sdk.Verifier`."""

    def check(self, text: str, *, policy: Policy | None = None) -> Verdict:
        """The verdict on one text; never raises on input."""
        ...

    def report_file(self, data: bytes, *, policy: Policy | None = None) -> FileReport:
        """Everything in an image or PDF, with a verdict each."""
        ...


@dataclass(frozen=True, slots=True)
class Checked:
    """One verdict: `index` of the item or file, and what was found in a file (None: a text)."""

    index: int
    verdict: Verdict
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that gave no verdict, and why."""

    index: int
    kind: ProblemKind


@dataclass(frozen=True, slots=True)
class FileRead:
    """What was read of a file: `index` counts on after the texts."""

    index: int
    report: FileReport


class Gathered(NamedTuple):
    """Everything about one submission.

    Attributes:
        checked: one entry a text, code or attachment, in the order of texts, files and places.
        refused: the files that gave none.
        files: what was read of the others.
    """

    checked: list[Checked]
    refused: list[Refused]
    files: list[FileRead]


class DecoderGate:
    """Lets a bounded number of images be decoded at once (T65)."""

    def __init__(self, places: int = DECODERS, *, patience: float = DECODER_PATIENCE) -> None:
        self._places = threading.BoundedSemaphore(places)
        self._patience = patience

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place to decode in.

        Raises:
            Problem: rate_limited when none gets free in time.
        """
        if not self._places.acquire(timeout=self._patience):
            raise Problem(RATE_LIMITED, headers={"Retry-After": "1"})
        try:
            yield
        finally:
            self._places.release()


def check_all(checker: Checker, submission: Submission, gate: DecoderGate) -> Gathered:
    """Verdicts on everything, in the order of texts, files and places.

    Args:
        checker: the SDK's verifier.
        submission: what to judge; files are counted on after the texts.
        gate: bound on concurrent decoding.

    Raises:
        Problem: rate_limited when all decoders stay busy.
    """
    policy = submission.policy
    checked = [
        Checked(index, checker.check(text, policy=policy))
        for index, text in enumerate(submission.texts)
    ]
    refused, files = [], []
    for index, upload in enumerate(submission.uploads, start=len(submission.texts)):
        try:
            with gate.place():
                report = checker.report_file(upload.data, policy=policy)
        except CertsvcError as error:
            kind = file_kind(error)
            if kind is None:
                raise
            refused.append(Refused(index, kind))
        else:
            checked += [Checked(index, one.verdict, one) for one in report.findings]
            files.append(FileRead(index, report))
    return Gathered(checked, refused, files)


def file_kind(error: CertsvcError) -> ProblemKind | None:
    """The problem a file's error stands for; None when it is about something else."""
    return next((FILE_KINDS[base] for base in type(error).__mro__ if base in FILE_KINDS), None)


def refuse_files(refused: Sequence[Refused], submission: Submission) -> None:
    """One unreadable file refuses the whole API request, naming every such file.

    Raises:
        Problem: of the first such file.
    """
    if refused:
        fields = [
            FieldProblem(submission.place(one.index), one.kind.code, one.kind.zh, one.kind.en)
            for one in refused
        ]
        raise Problem(refused[0].kind, errors=fields)


def exactly_one(checked: Sequence[Checked], submission: Submission) -> list[Checked]:
    """The one certificate, for a caller that needs exactly one; nothing is chosen silently.

    Codes that are no certificates (a link, a payment code) beside it do not count. One certificate
    in several places counts once: what shows the most of it stands for all, if nothing contradicts
    it.

    Raises:
        Problem: several_certificates, with the items and files that hold them.
    """
    certificates = [one for one in checked if one.verdict.code != "not_a_certificate"]
    if not certificates:
        return list(checked)[:1]
    fullest = max(certificates, key=extent)
    if not all(is_same(one, fullest) for one in certificates):
        kind = SEVERAL_CERTIFICATES
        places = dict.fromkeys(submission.place(one.index) for one in certificates)
        fields = [FieldProblem(place, kind.code, kind.zh, kind.en) for place in places]
        raise Problem(kind, errors=fields)
    return [fullest]


def extent(one: Checked) -> int:
    """How much of a certificate is shown."""
    return len(json.dumps(_shown(one), default=str))


def _shown(one: Checked) -> Mapping[str, object]:
    return one.verdict.claims or {}


def is_same(one: Checked, other: Checked) -> bool:
    """Tell whether one shows a part, or all, of the certificate that another shows.

    What is not authentic equals nothing but itself.
    """
    if one is other:
        return True
    mine, its = one.verdict, other.verdict
    if mine.certificate_identifier is None or (mine.iss, mine.certificate_identifier) != (
        its.iss,
        its.certificate_identifier,
    ):
        return False
    whole = _shown(other)
    return all(name in whole and _equal(value, whole[name]) for name, value in _shown(one).items())


def _equal(one: object, other: object) -> bool:
    texts = [json.dumps(value, sort_keys=True, default=str) for value in (one, other)]
    return texts[0] == texts[1]
