"""One verification, one way down: what every verdict of this SDK is made by.

1. frame: text of the code → token
2. grammar, header, payload: strict; nothing is trusted yet
3. clock, trust: the trust data from the cache, with its age
4. issuer, key, key_period, key_state, algorithm, signature, disclosures
5. status_reference: believed only now, if it lies under the issuer's prefix
6. status_list: its own signature, address and age
7. period, right, status, holder_binding, and the caller's policy
8. the verdict: the first INVALID in step order, else the first UNKNOWN, else VALID

All checks that can run do. This module is pure: what it reads comes from the `World` it is given.
"""

from collections.abc import Mapping

from certsvc_sdk import policy as rules
from certsvc_sdk import sdjwt, strict
from certsvc_sdk.authentication import Case, Signed, authenticate, find_trust, split, unframe
from certsvc_sdk.codes import CODES, Outcome
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.policy import Policy
from certsvc_sdk.sdjwt import Parsed
from certsvc_sdk.status import believe_reference, look_up
from certsvc_sdk.steps import STEPS
from certsvc_sdk.strict import Json
from certsvc_sdk.trust.record import IssuerRecord
from certsvc_sdk.verdict import Verdict
from certsvc_sdk.world import OneRecord, StatusSnapshot, TrustView, World

__all__ = ["StatusSnapshot", "TrustView", "World", "check_fresh", "decide_token"]

# Clocks of issuer and verifier may differ; more would let a licence be used before its issue.
ISSUE_LEEWAY = 60

# A holder binding is asked for by policy only; everything else must have passed.
_REQUIRED = frozenset(step.name for step in STEPS) - {"holder_binding"}
_REQUIRED_FRESH = _REQUIRED - {"status_list", "status"}


def decide_token(
    text: str, *, world: World, policy: Policy, now: int, at: int | None = None
) -> Verdict:
    """Verify what was scanned, pasted or sent.

    Args:
        text: text of a QR code, or a compact SD-JWT; white space around it is ignored.
        world: trust data, status lists, clock floor.
        policy: what the matter asks.
        now: Unix seconds.
        at: moment the answer is for, Unix seconds; None: now. For another moment the entries of
            the transparency log would be needed, so its status is UNKNOWN (`log_proof_missing`).

    Returns:
        The verdict; there is no other way out for any text.
    """
    case = Case(world=world, policy=policy, now=now, moment=now if at is None else at)
    token = unframe(case, text)
    return _decide(case, token, required=_REQUIRED)


def check_fresh(token: str, record: IssuerRecord, now: int) -> Verdict:
    """Verify a token right after it was signed, before it leaves the house.

    The same way down without the status list (nothing is published yet) and the log.

    Args:
        token: compact SD-JWT, or QR text.
        record: the issuer's own trust record.
        now: Unix seconds.
    """
    world = OneRecord(issuer=record, now=now)
    case = Case(world=world, policy=Policy(), now=now, moment=now)
    return _decide(case, unframe(case, token), required=_REQUIRED_FRESH)


def _decide(case: Case, token: str | None, *, required: frozenset[str]) -> Verdict:
    parsed = None if token is None else split(case, token)
    trust = find_trust(case)
    signed = None if parsed is None or trust is None else authenticate(case, parsed, trust)
    if signed is not None:
        reference = believe_reference(case, signed.record)
        if reference is not None and "status" in required:
            look_up(case, signed.record, reference)
        _check_period(case)
        _check_right(case, signed)
        _check_holder(case, signed.parsed)
    return _verdict(case, signed, case.sheet.code(required=required))


def _check_period(case: Case) -> None:
    # 7 period: [nbf, exp), and issued already; both bounds are the issuer's, to the second
    payload, moment = case.payload, case.moment
    issued = strict.integer(payload, "iat", "payload")
    begin = strict.optional_integer(payload, "nbf", "payload")
    end = strict.optional_integer(payload, "exp", "payload")
    early = issued > moment + ISSUE_LEEWAY or (begin is not None and moment < begin)
    if end is not None and moment >= end:
        case.sheet.found("period", "expired")
    elif early:
        # A clock that signed data show to be behind cannot call a certificate too young.
        behind = case.proven > case.now + ISSUE_LEEWAY
        case.sheet.found("period", "clock_untrusted" if behind else "not_yet_valid")
    else:
        case.sheet.passed("period")


def _check_right(case: Case, signed: Signed) -> None:
    # 7 right: type, place and time of issue, longest validity, and the types of the key (T19, T50)
    if _is_authorised(case.payload, signed):
        case.sheet.passed("right")
    else:
        case.sheet.found("right", "trust_stale" if case.soft else "issuer_not_authorised")


def _is_authorised(payload: Mapping[str, Json], signed: Signed) -> bool:
    vct = strict.text(payload, "vct", "payload")
    issued = strict.integer(payload, "iat", "payload")
    end = strict.optional_integer(payload, "exp", "payload")
    right = signed.record.right(vct, issued, signed.record.division)
    if right is None:
        return False
    if right.max_validity is not None and (end is None or end - issued > right.max_validity):
        return False
    types = signed.key.types
    return types is None or vct.split("/")[-2] in types


def _check_holder(case: Case, parsed: Parsed) -> None:
    # 7 holder_binding: asked for and possible, so its absence is INVALID (T34, T35)
    cnf = case.payload.get("cnf")
    if not case.policy.require_holder_binding or cnf is None:
        return
    if _is_bound(parsed, cnf, case.policy, case.now):
        case.sheet.passed("holder_binding")
    else:
        case.sheet.found("holder_binding", "holder_binding_invalid")


def _is_bound(parsed: Parsed, cnf: Json, policy: Policy, now: int) -> bool:
    jwk = cnf.get("jwk") if isinstance(cnf, dict) else None
    if not isinstance(jwk, dict) or policy.audience is None or policy.nonce is None:
        return False
    try:
        sdjwt.check_key_binding(parsed, jwk, aud=policy.audience, nonce=policy.nonce, now=now)
    except CertsvcError:
        return False
    return True


def _reasons(
    case: Case, record: IssuerRecord, claims: Mapping[str, Json], missing: tuple[str, ...]
) -> tuple[str, ...]:
    # 7 policy: whether a true certificate serves this matter; never a reason to call it invalid
    policy = case.policy
    age = case.moment - strict.integer(case.payload, "iat", "payload")
    limit = policy.max_certificate_age
    unbound = policy.require_holder_binding and "cnf" not in case.payload
    outside = not rules.accepts_division(policy, record.division)
    broken = {
        "type_not_accepted": not rules.accepts_type(policy, str(case.payload["vct"])),
        "claims_missing": bool(missing),
        "policy_not_met": unbound or outside,
        "holder_mismatch": not rules.holder_matches(policy, claims),
        "too_old": limit is not None and age > limit,
    }
    return tuple(reason for reason, is_broken in broken.items() if is_broken)


def _verdict(case: Case, signed: Signed | None, code: str) -> Verdict:
    # 8 verdict: what the token says only if its signature verified, the name only from the record
    outcome = CODES[code].outcome
    claims = case.claims
    missing: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    if signed is not None and claims is not None:
        missing = rules.missing_claims(case.policy, claims)
        reasons = _reasons(case, signed.record, claims, missing)
    payload: Mapping[str, Json] = {} if signed is None else case.payload
    trust, list_as_of = case.trust, case.list_as_of
    return Verdict(
        outcome=outcome,
        code=code,
        acceptable=outcome is Outcome.VALID and not reasons,
        reasons=reasons,
        claims=claims,
        missing_claims=missing,
        issuer_name=_issuer_name(case, code),
        iss=strict.optional_text(payload, "iss", "payload"),
        vct=strict.optional_text(payload, "vct", "payload"),
        certificate_identifier=strict.optional_text(payload, "certificate_identifier", "payload"),
        issued_at=strict.optional_integer(payload, "iat", "payload"),
        not_before=strict.optional_integer(payload, "nbf", "payload"),
        expires_at=strict.optional_integer(payload, "exp", "payload"),
        status_as_of=list_as_of,
        status_age=None if list_as_of is None else max(0, case.now - list_as_of),
        trust_as_of=None if trust is None else trust.as_of,
        trust_age=None if trust is None else max(0, case.now - trust.as_of),
        source=None if signed is None else "issued_here",
        assurance=None if signed is None else "issuer_signed",
        checked_at=case.now,
        judged_at=case.moment,
        checks=case.sheet.results(),
        policy=case.policy.to_json(),
    )


def _issuer_name(case: Case, code: str) -> Mapping[str, str] | None:
    # A failed signature must not borrow an office's name; an unknown key is for that office to say.
    if case.record is None or code in ("signature_invalid", "algorithm_not_allowed"):
        return None
    return dict(case.record.names)
