"""`certsvc-sdk policy`: check a department's rules before a window relies on them."""

import sys

from certsvc_sdk.cli.inputs import policies_in
from certsvc_sdk.cli.printing import printable
from certsvc_sdk.errors import Malformed, PolicyInvalid
from certsvc_sdk.policy import Policies, Policy
from certsvc_sdk.policy.schema import schema_text
from certsvc_sdk.policy.words import policy_lines


def check_policy(path: str) -> bool:
    """Print the rules of a file in words, or what is wrong with it; tell whether it is right."""
    try:
        found = policies_in(path)
    except PolicyInvalid as error:
        place = f"{printable(error.pointer)} " if error.pointer else ""
        print(
            f"办理规则有误 The policy is refused: {place}{error.zh} {printable(error.en)}",
            file=sys.stderr,
        )
        return False
    except Malformed as error:
        print(f"办理规则不是合格的 JSON The policy is no JSON: {error}", file=sys.stderr)
        return False
    if isinstance(found, Policy):
        _print_rules(found)
    else:
        _print_all(found)
    return True


def print_schema() -> None:
    """Print the JSON Schema of policies."""
    print(schema_text(), end="")


def _print_all(policies: Policies) -> None:
    for name, policy in policies:
        print(f"{name}:")
        _print_rules(policy)


def _print_rules(policy: Policy) -> None:
    lines = list(policy_lines(policy))
    for zh, en in lines or [("接受所有有效证照", "every valid certificate is accepted")]:
        print(f"  {printable(zh)}")
        print(f"    {printable(en)}")
