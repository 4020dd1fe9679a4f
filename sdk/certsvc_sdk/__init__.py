"""Verify electronic certificates and licences (电子证照), online and offline.

    from certsvc_sdk import Policy, Verifier

Names are loaded when they are first used, so that importing the package stays cheap.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from certsvc_sdk.client import Finding, Refreshed, Verifier
    from certsvc_sdk.errors import CertsvcError, VerificationFailed
    from certsvc_sdk.policy import Policy
    from certsvc_sdk.receipt import Receipt, draft_receipt, read_receipt
    from certsvc_sdk.verdict import CheckResult, Outcome, Verdict

__version__ = "0.1.0"

__all__ = [
    "CertsvcError",
    "CheckResult",
    "Finding",
    "Outcome",
    "Policy",
    "Receipt",
    "Refreshed",
    "Verdict",
    "VerificationFailed",
    "Verifier",
    "draft_receipt",
    "read_receipt",
]

_HOMES = {
    "CertsvcError": "errors",
    "CheckResult": "verdict",
    "Finding": "client",
    "Outcome": "verdict",
    "Policy": "policy",
    "Receipt": "receipt",
    "Refreshed": "client",
    "Verdict": "verdict",
    "VerificationFailed": "errors",
    "Verifier": "client",
    "draft_receipt": "receipt",
    "read_receipt": "receipt",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"certsvc_sdk.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted((*globals(), *__all__))
