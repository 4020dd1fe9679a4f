"""The numbered checks of one verification, and the sheet their results are written on.

`docs/verification.md` carries the same numbers and names; a test holds it to this table.
"""

from typing import NamedTuple

from certsvc_sdk.codes import CODES, Outcome
from certsvc_sdk.verdict import CheckResult, Result


class Step(NamedTuple):
    """One check: its step number, its name, and the verdict codes it can find."""

    number: int
    name: str
    codes: tuple[str, ...]


STEPS: tuple[Step, ...] = (
    Step(1, "frame", ("not_a_certificate", "malformed", "unreadable", "format_unsupported")),
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
    """Results by check, in step order; a check that never ran stays `skipped`."""

    __slots__ = ("_results",)

    def __init__(self) -> None:
        self._results = _SKIPPED.copy()

    def passed(self, name: str) -> None:
        """Write down that a check passed."""
        self._results[name] = _PASSED[name]

    def found(self, name: str, code: str) -> None:
        """Write down what a check found; whether that fails it is the code's own outcome."""
        result: Result = "failed" if CODES[code].outcome is Outcome.INVALID else "unknown"
        self._results[name] = CheckResult(_SKIPPED[name].number, name, result, code)

    def has_failed(self, name: str) -> bool:
        """Return whether a check ran and found the certificate invalid."""
        return self._results[name].result == "failed"

    def code(self, *, required: frozenset[str]) -> str:
        """Return the verdict code: the first INVALID in step order, else the first UNKNOWN.

        VALID asks for more than nothing found: every required check must have passed.
        """
        results = self._results
        codes = [result.code for result in results.values() if result.code is not None]
        if not codes and all(results[name].result == "passed" for name in required):
            return "valid"
        invalid = [code for code in codes if CODES[code].outcome is Outcome.INVALID]
        return (invalid or codes)[0]

    def results(self) -> tuple[CheckResult, ...]:
        """Return all results in step order."""
        return tuple(self._results.values())
