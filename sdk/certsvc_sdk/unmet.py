"""What a policy says of a rule that a certificate does not meet."""

from typing import NamedTuple


class Unmet(NamedTuple):
    """One rule of a policy that a certificate does not meet.

    Attributes:
        reason: the key of `REASONS` it belongs to.
        rule: JSON pointer of the rule in the policy, for instance `/predicates/0`.
        claim: the claim it is about, as the policy spells it; None: the certificate as a whole.
        zh: the demand in Chinese, `{claim}` where the claim's label goes.
        en: the same in English.
    """

    reason: str
    rule: str
    claim: str | None
    zh: str
    en: str
