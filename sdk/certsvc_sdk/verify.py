"""One verification, one way down: what every verdict of this SDK is made by.

1. frame: text of the code → token
2. grammar, header, payload: strict; nothing is trusted yet
3. clock, trust: the trust data from the cache, with its age
4. issuer, key, key_period, key_state, algorithm, signature, disclosures
5. status_reference: believed only now, if it lies under the issuer's prefix
6. status_list: its own signature, address and age (for a moment in the past: the log, see 7)
7. period, right, status, log_proof, holder_binding, and the caller's policy
8. the verdict: the first INVALID in step order, else the first UNKNOWN, else VALID

All checks that can run do. This module is pure: what it reads comes from the `World` it is given.
"""

from collections.abc import Callable, Collection, Mapping

from certsvc_sdk import sdjwt
from certsvc_sdk.authentication import (
    Case,
    Signed,
    authenticate,
    find_trust,
    split,
    unframe,
)
from certsvc_sdk.codes import CODES, Outcome
from certsvc_sdk.errors import HolderBindingInvalid
from certsvc_sdk.facts import Facts
from certsvc_sdk.memory import Memory
from certsvc_sdk.policy import Judged, Policy, Subject, judge
from certsvc_sdk.sdjwt import Parsed
from certsvc_sdk.status import Reference, believe_reference, look_up
from certsvc_sdk.steps import STEPS
from certsvc_sdk.trust.record import IssuerRecord
from certsvc_sdk.trust.urls import parse_url
from certsvc_sdk.verdict import Verdict
from certsvc_sdk.world import CLOCK_TOLERANCE, OneRecord, StatusSnapshot, TrustView, World

__all__ = ["StatusSnapshot", "TrustView", "World", "check_fresh", "decide_token"]

# Clocks of issuer and verifier may differ; more would let a licence be used before its issue.
ISSUE_LEEWAY = 60

_VALID = Outcome.VALID
# What is asked for by policy only; everything else must have passed.
_REQUIRED = frozenset(step.name for step in STEPS) - {"log_proof", "holder_binding"}
_REQUIRED_FRESH = _REQUIRED - {"status_list", "status"}
# A list tells of now only.
_REQUIRED_PAST = _REQUIRED - {"status_list"}


def decide_token(
    text: str,
    *,
    world: World,
    policy: Policy,
    now: int,
    at: int | None = None,
    spend_nonce: Callable[[str], None] | None = None,
    profiles: Collection[str] = (),
    memory: Memory | None = None,
    resolve: Callable[[str], str] | None = None,
) -> Verdict:
    """Verify what was scanned, pasted or sent.

    Args:
        text: text of a QR code, a compact SD-JWT, or a typed code; white space around it is
            ignored.
        world: trust data, status lists, clock floor.
        policy: what the matter asks.
        now: Unix seconds.
        at: moment the answer is for, Unix seconds; None: now. For the past the transparency log
            tells the status; without its proof, and for the future, it is `log_proof_missing`.
        spend_nonce: uses the nonce of a presentation up (`nonces.NonceCheck`); asked last, so
            that only the holder's own presentation can spend it. None: that is the caller's part.
        profiles: algorithm profiles that are switched on (`algorithms.digests.PROFILES`).
        memory: tokens that were authentic a moment ago, by the same profiles; None: there is none.
        resolve: asks for the token that a typed code stands for, and raises `CodeUnknown` or
            `CodeUnavailable`; what it gives is believed no more than what is scanned. None:
            typed codes are `code_unavailable`.

    Returns:
        The verdict; there is no other way out for any text.
    """
    case = Case(
        world=world,
        policy=policy,
        now=now,
        moment=now if at is None else at,
        spend_nonce=spend_nonce,
        profiles=profiles,
        memory=memory,
        resolve=resolve,
    )
    token = unframe(case, text)
    present = abs(case.moment - now) <= CLOCK_TOLERANCE
    return _decide(case, token, required=_REQUIRED if present else _REQUIRED_PAST)


def check_fresh(
    token: str, record: IssuerRecord, now: int, *, profiles: Collection[str] = ()
) -> Verdict:
    """Verify a token right after it was signed, before it leaves the house.

    The same way down without the status list (nothing is published yet) and the log.

    Args:
        token: compact SD-JWT, or QR text.
        record: the issuer's own trust record.
        now: Unix seconds.
        profiles: algorithm profiles that the issuer signs by.
    """
    world = OneRecord(issuer=record, now=now)
    case = Case(world=world, policy=Policy(), now=now, moment=now, profiles=profiles)
    return _decide(case, unframe(case, token), required=_REQUIRED_FRESH)


def _decide(case: Case, token: str | None, *, required: frozenset[str]) -> Verdict:
    read = None if token is None else split(case, token)
    trust = find_trust(case)
    signed = None if read is None or trust is None else authenticate(case, read, trust)
    if signed is not None:
        reference = believe_reference(case, signed.record)
        if reference is not None:
            _find_status(case, signed, reference, required)
        _check_period(case, signed.facts)
        _check_right(case, signed)
        _check_log(case, signed)
        _check_holder(case, signed.parsed)
    return _verdict(case, signed, case.sheet.code(required=required))


def _find_status(
    case: Case, signed: Signed, reference: Reference, required: frozenset[str]
) -> None:
    if "status_list" in required:
        look_up(case, signed.record, reference)
    elif "status" in required:
        # Imported here: nearly all ask about now, and need not know the log.
        from certsvc_sdk.past import look_back

        look_back(case, signed, reference)


def _check_period(case: Case, facts: Facts) -> None:
    # 7 period: [nbf, exp), and issued already; both bounds are the issuer's, to the second
    moment, begin = case.moment, facts.begin
    early = facts.issued > moment + ISSUE_LEEWAY or (begin is not None and moment < begin)
    if facts.end is not None and moment >= facts.end:
        case.sheet.found("period", "expired")
    elif early:
        # A clock that signed data show to be behind cannot call a certificate too young.
        behind = case.proven > case.now + ISSUE_LEEWAY
        case.sheet.found("period", "clock_untrusted" if behind else "not_yet_valid")
    else:
        case.sheet.passed("period")


def _check_right(case: Case, signed: Signed) -> None:
    # 7 right: type, place and time of issue, longest validity, and the types of the key (T19, T50)
    if _is_authorised(signed):
        case.sheet.passed("right")
    else:
        case.sheet.found("right", "trust_stale" if case.soft else "issuer_not_authorised")


def _is_authorised(signed: Signed) -> bool:
    facts, record = signed.facts, signed.record
    url = parse_url(facts.vct)
    if url is None or url.is_directory:
        return False
    validity = None if facts.end is None else facts.end - facts.issued
    if not record.allows(facts.vct, facts.issued, record.division, validity):
        return False
    types = signed.key.types
    return types is None or facts.vct.split("/")[-2] in types


def _check_log(case: Case, signed: Signed) -> None:
    # 7 log_proof: asked for, so without a proof nothing is known; the world brings it
    if not case.policy.require_log_proof:
        return
    if case.world.log_index(signed.parsed.jws.signing_input, signed.record) is None:
        case.sheet.found("log_proof", "log_proof_missing")
    else:
        case.sheet.passed("log_proof")


def _check_holder(case: Case, parsed: Parsed) -> None:
    # 7 holder_binding: asked for and possible, so its absence is INVALID (T34, T35)
    policy = case.policy
    if not policy.require_holder_binding or "cnf" not in case.payload:
        return
    try:
        # Without an audience or a nonce of its own a policy fails closed.
        sdjwt.check_key_binding(
            parsed,
            sdjwt.holder_jwk((case.claims or case.payload).get("cnf")),
            aud=policy.audience or "",
            nonce=policy.nonce or "",
            now=case.now,
            profiles=case.profiles,
        )
        if case.spend_nonce is not None:
            case.spend_nonce(policy.nonce or "")
    except HolderBindingInvalid as error:
        case.sheet.found("holder_binding", error.code)
    else:
        case.sheet.passed("holder_binding")


def _judged(case: Case, signed: Signed | None) -> Judged:
    # 7 policy: whether a true certificate serves this matter; never a reason to call it invalid
    if signed is None or case.claims is None:
        return Judged()
    subject = Subject(case.claims, case.payload, case.withheld, signed.record.division)
    return judge(case.policy, subject, case.moment)


def _verdict(case: Case, signed: Signed | None, code: str) -> Verdict:
    # 8 verdict: what the token says only if its signature verified, the name only from the record
    outcome = CODES[code].outcome
    judged = _judged(case, signed)
    facts = None if signed is None else signed.facts
    trust, list_as_of = case.trust, case.list_as_of
    return Verdict(
        outcome=outcome,
        code=code,
        acceptable=outcome is _VALID and not judged.reasons,
        reasons=judged.reasons,
        claims=case.claims,
        missing_claims=judged.missing,
        unmet=judged.unmet,
        issuer_name=_issuer_name(case, code),
        iss=facts and facts.iss,
        vct=facts and facts.vct,
        certificate_identifier=facts and facts.identifier,
        issued_at=facts and facts.issued,
        not_before=facts and facts.begin,
        expires_at=facts and facts.end,
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
        typed=case.typed,
    )


def _issuer_name(case: Case, code: str) -> Mapping[str, str] | None:
    # A failed signature must not borrow an office's name, whatever else was found before it; an
    # unknown key is for that office to say.
    if case.record is None or case.sheet.has_found("signature") or code == "algorithm_not_allowed":
        return None
    return dict(case.record.names)
