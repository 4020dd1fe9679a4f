"""The numbered checks of one verification, and the sheet their results are written on.

`docs/verification.md` carries the same numbers and names; a test holds it to this table.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from certsvc_sdk.codes import CODES, Outcome
from certsvc_sdk.verdict import CheckResult, Result


class Step(NamedTuple):
    """One check: its step number, its name, and the verdict codes it can find."""

    number: int
    name: str
    codes: tuple[str, ...]


STEPS: tuple[Step, ...] = (
    Step(
        1,
        "frame",
        (
            *("not_a_certificate", "malformed", "unreadable", "format_unsupported"),
            *("code_unknown", "code_unavailable"),
        ),
    ),
    Step(2, "grammar", ("malformed",)),
    Step(2, "header", ("malformed", "algorithm_not_allowed")),
    Step(2, "payload", ("malformed",)),
    Step(3, "clock", ("clock_untrusted",)),
    Step(3, "trust", ("trust_unavailable", "trust_stale")),
    Step(4, "issuer", ("issuer_unknown", "trust_stale", "trust_unavailable")),
    Step(4, "key", ("key_unknown", "trust_stale")),
    Step(4, "key_period", ("key_not_valid_then",)),
    Step(4, "key_state", ("key_compromised", "log_proof_missing")),
    Step(4, "algorithm", ("algorithm_not_allowed",)),
    Step(4, "signature", ("signature_invalid",)),
    Step(4, "disclosures", ("disclosure_invalid", "malformed", "algorithm_not_allowed")),
    Step(5, "status_reference", ("malformed",)),
    Step(6, "status_list", ("status_unavailable", "status_stale", "clock_untrusted")),
    Step(7, "period", ("not_yet_valid", "expired", "clock_untrusted")),
    Step(7, "right", ("issuer_not_authorised", "trust_stale")),
    Step(
        7,
        "status",
        ("revoked", "suspended", "superseded", "malformed", "status_stale", "log_proof_missing"),
    ),
    Step(7, "log_proof", ("log_proof_missing",)),
    Step(
        7,
        "holder_binding",
        ("holder_binding_invalid", "presentation_expired", "presentation_replayed"),
    ),
)

# Made once: most checks pass, and a verification has about twenty of them.
_SKIPPED = {step.name: CheckResult(step.number, step.name, "skipped", None) for step in STEPS}
_PASSED = {step.name: CheckResult(step.number, step.name, "passed", None) for step in STEPS}


class Sheet:
    """Results by check, in step order; a check that never ran stays `skipped`.

    Attributes:
        passed: writes down that a check passed; what was found of it, before or after, stands.
    """

    __slots__ = ("_found", "_passed", "passed")

    def __init__(self) -> None:
        self._found: dict[str, str] = {}
        self._passed: set[str] = set()
        # The set's own method: a verification calls it twenty times.
        self.passed: Callable[[str], None] = self._passed.add

    def found(self, name: str, code: str) -> None:
        """Write down what a check found; whether that fails it is the code's own outcome."""
        self._found[name] = code

    def has_found(self, name: str) -> bool:
        """Return whether a check ran and did not pass."""
        return name in self._found

    def code(self, *, required: frozenset[str]) -> str:
        """Return the verdict code: the first INVALID in step order, else the first UNKNOWN.

        VALID asks for more than nothing found: every required check must have passed.
        """
        if not self._found and required <= self._passed:
            return "valid"
        codes = [self._found[step.name] for step in STEPS if step.name in self._found]
        return ([code for code in codes if _is_invalid(code)] or codes)[0]

    def results(self) -> tuple[CheckResult, ...]:
        """Return all results in step order."""
        results = _results(frozenset(self._passed))
        return tuple([self._result(one) for one in results]) if self._found else results

    def _result(self, otherwise: CheckResult) -> CheckResult:
        code = self._found.get(otherwise.name)
        if code is None:
            return otherwise
        result: Result = "failed" if _is_invalid(code) else "unknown"
        return CheckResult(otherwise.number, otherwise.name, result, code)


# One by one they cost as much as reading a payload; nearly all certificates pass the same checks.
@lru_cache(maxsize=256)
def _results(passed: frozenset[str]) -> tuple[CheckResult, ...]:
    return tuple((_PASSED if step.name in passed else _SKIPPED)[step.name] for step in STEPS)


def _is_invalid(code: str) -> bool:
    return CODES[code].outcome is Outcome.INVALID
