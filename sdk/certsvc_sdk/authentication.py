"""Steps 1 to 4: from the text of a code to claims that an issuer in the trust data signed."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from certsvc_sdk import sdjwt
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.codes import CODES
from certsvc_sdk.errors import (
    AlgorithmNotAllowed,
    CertsvcError,
    CodeUnavailable,
    DisclosureInvalid,
    Malformed,
)
from certsvc_sdk.facts import Facts, header_code, read_facts
from certsvc_sdk.memory import Known, Memory
from certsvc_sdk.policy import Policy
from certsvc_sdk.sdjwt import Parsed
from certsvc_sdk.steps import Sheet
from certsvc_sdk.strict import Json
from certsvc_sdk.trust.about import Environment
from certsvc_sdk.trust.record import IssuerRecord, KeyRecord, KeyState, KeyUse
from certsvc_sdk.world import CLOCK_TOLERANCE, TrustView, World, covers

# Each member of an enumeration is looked up through its class, at ten times the price of a name.
_DEMO = Environment.DEMO
_CERTIFICATE = KeyUse.CERTIFICATE
_COMPROMISED = KeyState.COMPROMISED

# `{"` in base64url, or anything before a full stop: with a ~ it means to be an SD-JWT, no URL does.
_TOKEN = re.compile(r"eyJ|[A-Za-z0-9_-]+\.")


@dataclass(slots=True, kw_only=True)
class Case:
    """One verification under way: the question, the sheet of checks, and what is known so far.

    Attributes:
        now: real time, Unix seconds.
        moment: time the answer is for; `now` unless the caller asks about another.
        payload: the issuer-signed claims as they stand, digests and all, after step 2.
        trust: the trust data, after step 3.
        record: the issuer's record, after step 4.
        claims: claims with the disclosures in place, after the last check of step 4.
        withheld: number of digests whose disclosures were left out, decoys included.
        soft: the trust data may lack what a newer one has; absence proves nothing then.
        proven: latest time that signed data has shown it to be, Unix seconds.
        list_as_of: moment that the status stands for: `iat` of the list, after step 6.
        spend_nonce: uses a presentation's nonce up and raises `HolderBindingInvalid` where it was
            used before or is not known; None: that is the caller's part.
        profiles: algorithm profiles that are switched on.
        memory: tokens that were authentic a moment ago; None: none is remembered.
        known: what the memory holds of this one.
        resolve: typed code → the token it stands for, or `CodeUnknown` or `CodeUnavailable`;
            None: nobody can be asked.
        typed: a typed code was given.
    """

    world: World
    policy: Policy
    now: int
    moment: int
    spend_nonce: Callable[[str], None] | None = None
    profiles: Collection[str] = ()
    memory: Memory | None = None
    sheet: Sheet = field(default_factory=Sheet)
    payload: dict[str, Json] = field(default_factory=dict)
    known: Known | None = None
    trust: TrustView | None = None
    record: IssuerRecord | None = None
    claims: Mapping[str, Json] | None = None
    withheld: int = 0
    soft: bool = False
    proven: int = 0
    list_as_of: int | None = None
    resolve: Callable[[str], str] | None = None
    typed: bool = False


class Read(NamedTuple):
    """A token taken apart, and what its payload says in the clear; nothing in it is trusted yet."""

    parsed: Parsed
    facts: Facts


class Signed(NamedTuple):
    """A token whose signature verified, with the key and the issuer that stand behind it."""

    parsed: Parsed
    facts: Facts
    record: IssuerRecord
    key: KeyRecord


def unframe(case: Case, text: str) -> str | None:
    """Step 1: text of a code, bare SD-JWT, or typed code → the SD-JWT; None: there is none."""
    text = text.strip()
    if "~" in text and _TOKEN.match(text):
        case.sheet.passed("frame")
        return text
    # Imported here: a program that is sent tokens need not know QR frames.
    from certsvc_sdk import qr, typedcode

    try:
        case.typed = typedcode.is_meant(text)
        if case.typed:
            token = _look_up(case, typedcode.read(text))
        else:
            token = qr.decode(text, later=case.world.dictionary).token
    except CertsvcError as error:
        case.sheet.found("frame", error.code if error.code in CODES else "malformed")
        return None
    case.sheet.passed("frame")
    return token


def _look_up(case: Case, code: str) -> str:
    """The token that a typed code stands for; the resolver is asked, and not believed."""
    from certsvc_sdk import typedcode

    if case.resolve is None:
        raise CodeUnavailable("there is no resolver")
    token = case.resolve(code)
    # 1 frame: the code is a digest of the token, so no resolver can slip in another certificate
    typedcode.require(token, code)
    return token


def split(case: Case, token: str) -> Read | None:
    """Step 2: the strict grammar of token, header and payload; nothing is trusted yet."""
    # 2 grammar: exactly <header>.<payload>.<signature>~<disclosure>~…~[<key binding>]
    known = None if case.memory is None else case.memory.recall(token, case.now)
    try:
        parsed = sdjwt.parse(token) if known is None else known.first.parsed
    except CertsvcError:
        case.sheet.found("grammar", "malformed")
        return None
    case.sheet.passed("grammar")

    # 2 header: exactly alg, typ and kid; no crit, jwk, x5u, zip or b64 can mean anything
    code = header_code(parsed.jws.header)
    if code is None:
        case.sheet.passed("header")
    else:
        case.sheet.found("header", code)

    # 2 payload: strict JSON and the types of the claims that the next steps use
    try:
        case.payload = parsed.payload() if known is None else known.payload
        facts = read_facts(case.payload)
    except Malformed:
        case.sheet.found("payload", "malformed")
        return None
    case.sheet.passed("payload")
    case.known = known
    return Read(parsed, facts) if code is None else None


def find_trust(case: Case) -> TrustView | None:
    """Step 3: the clock against its floor, and the trust data with its age."""
    case.trust = trust = case.world.trust()

    # 3 clock: signed data from the future means that this clock is behind (T26)
    case.proven = max(case.world.clock_floor, 0 if trust is None else trust.as_of)
    if case.now < case.proven - CLOCK_TOLERANCE:
        case.sheet.found("clock", "clock_untrusted")
    else:
        case.sheet.passed("clock")

    # 3 trust: present, and not older than its own expiry or the policy's
    if trust is None:
        case.sheet.found("trust", "trust_unavailable")
        return None
    limit = case.policy.max_trust_age
    stale = case.now >= trust.expires if limit is None else case.now - trust.as_of > limit
    # Past its own end it may lack an office or a key, whatever age a policy accepts (T54).
    case.soft = stale or case.now >= min(trust.refresh_due, trust.expires)
    if stale:
        case.sheet.found("trust", "trust_stale")
    else:
        case.sheet.passed("trust")
    return trust


def authenticate(case: Case, read: Read, trust: TrustView) -> Signed | None:
    """Step 4: issuer, key, algorithm, signature, disclosures; None unless the signature fits."""
    sheet = case.sheet
    parsed, facts = read
    record = _find_issuer(case, trust, facts.iss)
    if record is None:
        return None
    header = parsed.jws.header

    # 4 key: by (issuer, kid), for certificates only; never a path, a URL or a query (T04, T05)
    key = record.key(str(header["kid"]), _CERTIFICATE)
    if key is None:
        sheet.found("key", "trust_stale" if case.soft else "key_unknown")
        return None
    sheet.passed("key")

    # 4 key_period: the key's window holds the time of issue
    if covers(key, facts.issued):
        sheet.passed("key_period")
    else:
        sheet.found("key_period", "key_not_valid_then")

    # 4 key_state: a compromised key proves nothing by itself
    cut = key.accept_before_log_index
    if key.state is not _COMPROMISED:
        sheet.passed("key_state")
    elif cut is None:
        sheet.found("key_state", "key_compromised")

    # 4 algorithm: the key record's, byte for byte (T01, T02)
    if header["alg"] != key.alg:
        sheet.found("algorithm", "algorithm_not_allowed")
        return None
    sheet.passed("algorithm")

    # 4 signature: over the bytes as received
    try:
        _verify(case, parsed, key.public)
    except AlgorithmNotAllowed:
        # Known by name, but this installation lacks its library: that says nothing of forgery.
        sheet.found("algorithm", "algorithm_not_allowed")
        return None
    except CertsvcError:
        sheet.found("signature", "signature_invalid")
        return None
    sheet.passed("signature")

    if cut is not None:
        _check_cut(case, parsed, record, cut)
    _disclose(case, parsed, key.public)
    return Signed(parsed, facts, record, key)


def _verify(case: Case, parsed: Parsed, key: PublicKey) -> None:
    # A key that verified these very bytes need not do so twice.
    if case.known is None or case.known.key is not key:
        key.verify(parsed.jws.signing_input, parsed.jws.signature)


def _check_cut(case: Case, parsed: Parsed, record: IssuerRecord, cut: int) -> None:
    # 4 key_state: what stood in the log before the cut was signed by the office itself; the log is
    # asked only now, after the signature, so that no stranger makes a verifier fetch things
    index = case.world.log_index(parsed.jws.signing_input, record)
    if index is None:
        case.sheet.found("key_state", "log_proof_missing")
    elif index < cut:
        case.sheet.passed("key_state")
    else:
        case.sheet.found("key_state", "key_compromised")


def _disclose(case: Case, parsed: Parsed, key: PublicKey) -> None:
    # 4 disclosures: each one fits a digest, once, and none overwrites what must stand in the clear
    known = case.known
    try:
        shown = known.presented() if known else parsed.claims(case.payload, profiles=case.profiles)
        if "aud" in shown.claims:
            raise DisclosureInvalid("a certificate is for every reader: it names no audience")
    except CertsvcError as error:
        case.sheet.found("disclosures", error.code)
    else:
        case.claims, case.withheld = shown.claims, shown.withheld
        case.sheet.passed("disclosures")
        if case.memory is not None and (known is None or known.key is not key):
            case.memory.keep(shown, case.payload, key, case.now)


def _find_issuer(case: Case, trust: TrustView, iss: str) -> IssuerRecord | None:
    # 4 issuer: the record found from `iss` must carry exactly this `iss`
    try:
        record = trust.record(iss)
    except CertsvcError:
        case.sheet.found("issuer", "trust_unavailable")
        return None
    # Plain http to this machine is a demonstration; the real thing has no such issuers (T20).
    demo_only = not iss.startswith("https://") and trust.env is not _DEMO
    if record is None or demo_only or not record.answers_to(iss):
        case.sheet.found("issuer", "trust_stale" if case.soft else "issuer_unknown")
        return None
    case.record = record
    case.sheet.passed("issuer")
    return record
