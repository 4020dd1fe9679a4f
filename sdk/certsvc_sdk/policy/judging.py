"""Does a certificate serve the matter? Reasons and the rules that are not met; never an error.

Pure and cheap: a rule that the policy does not name costs nothing.
"""

from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any, Final, NamedTuple

from certsvc_sdk.policy import rules
from certsvc_sdk.policy.grammar import below
from certsvc_sdk.policy.pointers import ABSENT, is_shown, values
from certsvc_sdk.policy.rules import Policy
from certsvc_sdk.unmet import Unmet

# Where the types of this release keep the code of whoever holds the certificate.
HOLDER_POINTERS: Final = (
    "/holders/*/code",
    "/unified_social_credit_code",
    "/citizen_id",
    "/members/*/citizen_id",
)
# The order in which a verdict gives its reasons.
_REASONS: Final = (
    "type_not_accepted",
    "claims_missing",
    "policy_not_met",
    "holder_mismatch",
    "too_old",
)


class Judged(NamedTuple):
    """Why a certificate does not serve the matter; all empty where it does.

    Attributes:
        reasons: keys of `codes.REASONS`, in its order.
        missing: needed claims that are not shown, in the policy's order and spelling.
        unmet: each rule that is not met, in the order of the reasons.
    """

    reasons: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unmet: tuple[Unmet, ...] = ()


_SERVES: Final = Judged()


class Subject(NamedTuple):
    """The certificate that is judged; its signature has verified.

    Attributes:
        claims: the claims, disclosed ones in their places.
        signed: the payload as signed, digests and all.
        withheld: number of digests without a disclosure, decoys included.
        division: administrative division of the issuer, from its record.
    """

    claims: Mapping[str, Any]
    signed: Mapping[str, Any]
    withheld: int
    division: str


def judge(policy: Policy, subject: Subject, moment: int) -> Judged:
    """Judge a certificate by the rules of a matter.

    Args:
        policy: the rules.
        subject: the certificate.
        moment: Unix seconds the answer is for.
    """
    if not policy._asks:
        return _SERVES
    unmet = list(_whole_rules(policy, subject, moment))
    if policy.predicates:
        unmet += _predicates(policy, subject, moment)
    if not unmet:
        return _SERVES
    unmet.sort(key=lambda one: _REASONS.index(one.reason))
    absent = [one.claim for one in unmet if one.reason == "claims_missing"]
    return Judged(
        reasons=tuple(dict.fromkeys(one.reason for one in unmet)),
        missing=tuple(dict.fromkeys(claim for claim in absent if claim is not None)),
        unmet=tuple(unmet),
    )


def _whole_rules(policy: Policy, subject: Subject, moment: int) -> Iterator[Unmet]:
    """Yield the unmet rules about the certificate as a whole, and the needed claims."""
    claims = subject.claims
    if not rules.accepts_type(policy, str(subject.signed["vct"])):
        yield Unmet("type_not_accepted", "/types", None, *_words().types(policy.types or ()))
    for place, wanted in enumerate(policy.claims):
        if not is_shown(wanted, claims):
            yield Unmet("claims_missing", f"/claims/{place}", wanted, *_words().NOT_SHOWN)
    if not rules.accepts_division(policy, subject.division):
        said = _words().divisions(policy.issuer_divisions or ())
        yield Unmet("policy_not_met", "/issuer_divisions", None, *said)
    if policy.require_holder_binding and "cnf" not in subject.signed:
        yield Unmet("policy_not_met", "/require_holder_binding", None, *_words().UNBOUND)
    if not holder_matches(policy, claims):
        yield Unmet("holder_mismatch", "/holder", None, *_words().HOLDER)
    limit = policy.max_certificate_age
    if limit is not None and moment - subject.signed["iat"] > limit:
        yield Unmet("too_old", "/max_certificate_age", None, *_words().age(limit))


def _predicates(policy: Policy, subject: Subject, moment: int) -> Iterator[Unmet]:
    from certsvc_sdk.policy.operators import Facts  # most policies have no predicates
    from certsvc_sdk.policy.predicates import Finding

    facts = Facts(
        claims=subject.claims, signed=subject.signed, withheld=subject.withheld, moment=moment
    )
    vct = str(subject.signed["vct"])
    for place, (one, operand) in enumerate(zip(policy.predicates, policy._operands, strict=True)):
        if one.types is not None and not rules.is_among(one.types, vct):
            continue
        finding = one.judge(operand, facts)
        rule = below("/predicates", str(place))
        if finding is Finding.ABSENT:
            yield Unmet("claims_missing", rule, one.claim, *_words().NOT_SHOWN)
        elif finding is Finding.UNMET:
            said = (
                _words().NOT_GIVEN if operand is ABSENT else _words().demand(one, operand, moment)
            )
            yield Unmet("policy_not_met", rule, one.claim, *said)


def _words() -> ModuleType:
    from certsvc_sdk.policy import words  # most certificates meet all rules

    return words


def holder_matches(policy: Policy, claims: Mapping[str, Any]) -> bool:
    """Return whether the certificate is about the wanted holder; one that hides it is not."""
    if policy.holder is None:
        return True
    return any(policy.holder in values(pointer, claims) for pointer in HOLDER_POINTERS)
