"""From a submission to answers: the SDK judges, this module only keeps count."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from certsvc.service.problems import RATE_LIMITED, FieldProblem, Problem, ProblemKind
from certsvc_sdk.client import Finding
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

    def check_file(self, data: bytes, *, policy: Policy | None = None) -> list[Finding]:
        """The verdict on every code in an image or PDF."""
        ...


@dataclass(frozen=True, slots=True)
class Checked:
    """One code and its verdict: `index` of the item or file, page from 1, place in pixels."""

    index: int
    page: int | None
    position: tuple[int, ...] | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that gave no verdict, and why."""

    index: int
    kind: ProblemKind


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


def check_all(
    checker: Checker, submission: Submission, gate: DecoderGate
) -> tuple[list[Checked], list[Refused]]:
    """Verdicts on everything, in the order of texts, files and codes.

    Args:
        checker: the SDK's verifier.
        submission: what to judge; files are counted on after the texts.
        gate: bound on concurrent decoding.

    Returns:
        One entry a code, and the files that gave none.

    Raises:
        Problem: rate_limited when all decoders stay busy.
    """
    policy = submission.policy
    checked = [
        Checked(index, None, None, checker.check(text, policy=policy))
        for index, text in enumerate(submission.texts)
    ]
    refused = []
    for index, upload in enumerate(submission.uploads, start=len(submission.texts)):
        try:
            with gate.place():
                findings = checker.check_file(upload.data, policy=policy)
        except CertsvcError as error:
            kind = file_kind(error)
            if kind is None:
                raise
            refused.append(Refused(index, kind))
        else:
            checked += [Checked(index, one.page, one.position, one.verdict) for one in findings]
    return checked, refused


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

    Codes that are no certificates (a link, a payment code) beside it do not count, and the same
    certificate printed twice counts once.

    Raises:
        Problem: several_certificates, with the items and files that hold them.
    """
    certificates = [one for one in checked if one.verdict.code != "not_a_certificate"]
    if len({_identity(one) for one in certificates}) > 1:
        kind = SEVERAL_CERTIFICATES
        places = dict.fromkeys(submission.place(one.index) for one in certificates)
        fields = [FieldProblem(place, kind.code, kind.zh, kind.en) for place in places]
        raise Problem(kind, errors=fields)
    return list(certificates or checked)[:1]


def _identity(one: Checked) -> tuple[object, ...]:
    """Equal for two prints of one certificate; what is not authentic equals nothing."""
    verdict = one.verdict
    if verdict.certificate_identifier is None:
        return one.index, one.page, one.position
    claims: Mapping[str, object] = verdict.claims or {}
    return verdict.certificate_identifier, json.dumps(claims, sort_keys=True, default=str)
