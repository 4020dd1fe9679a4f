"""The SDK's verifier as this service uses it: with nonces of its own, and every verdict counted."""

from certsvc.service.metrics import Metrics
from certsvc_sdk.client import FileReport, Verifier
from certsvc_sdk.policy import Policy
from certsvc_sdk.verdict import Verdict
from verifier.nonces import IssuedNonces


class ServiceChecker:
    """Checks by the SDK (`verifier.checking.Checker`).

    Args:
        verifier: the SDK's; it spends nonces in `nonces`.
        nonces: what was given out, and to whom.
        metrics: counts verdicts.
    """

    def __init__(self, verifier: Verifier, nonces: IssuedNonces, *, metrics: Metrics) -> None:
        self._verifier = verifier
        self._nonces = nonces
        self._metrics = metrics

    def check(self, text: str, *, policy: Policy | None = None) -> Verdict:
        """The verdict on one text; never raises on input."""
        verdict = self._verifier.check(text, policy=self._nonces.bound(policy))
        self._metrics.verified.add(verdict.outcome, verdict.code)
        return verdict

    def report_file(self, data: bytes, *, policy: Policy | None = None) -> FileReport:
        """Everything in an image or PDF, with a verdict each."""
        report = self._verifier.report_file(data, policy=self._nonces.bound(policy))
        for one in report.findings:
            self._metrics.verified.add(one.verdict.outcome, one.verdict.code)
        return report
