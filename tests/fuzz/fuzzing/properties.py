"""What must hold for every input: only verdicts come out, and VALID only for what is true."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from fuzzing import model
from fuzzing.world import AUDIENCE, NONCE, NOW, Surroundings, b64u

from certsvc_sdk import Outcome, Verdict, qr, verify
from certsvc_sdk.codes import CODES
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.policy import Policy

_RESULTS = ("passed", "failed", "unknown", "skipped")
_GAPS = ("{as_of}", "{missing}", "{value}", "None")
_RESERVED = frozenset(("_sd", "...", "_sd_alg"))
# A key-binding JWT is of this moment: at most so old, and so far ahead.
_BINDING_WINDOW = (-120, 60)


class Finding(AssertionError):  # noqa: N818 — what a fuzzer calls it
    """A property does not hold; the message says which, and for what input."""

    def __init__(self, problem: str, given: object) -> None:
        super().__init__(f"{problem}\ninput: {given!r}")


def hold(condition: object, problem: str, given: object) -> None:
    if not condition:
        raise Finding(problem, given)


def judge(text: str, world: Any, policy: Policy | None = None) -> Verdict:
    """Verify a text; whatever it is, a sound verdict comes out."""
    try:
        verdict = verify.decide_token(text, world=world, policy=policy or Policy(), now=NOW)
    except Exception as error:
        raise Finding(f"decide_token raised {error!r}", text) from error
    check_verdict(verdict, text)
    return verdict


def check_verdict(verdict: Verdict, given: object) -> None:
    """Hold a verdict to what every verdict promises."""
    hold(type(verdict) is Verdict, "no Verdict came out", given)
    info = CODES.get(verdict.code)
    hold(info and info.outcome is verdict.outcome, "code and outcome do not fit", given)
    hold(verdict.outcome in tuple(Outcome), "an outcome that does not exist", given)
    body = verdict.to_json()
    try:
        json.dumps(body, allow_nan=False, ensure_ascii=False).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise Finding(f"the verdict has no JSON form: {error!r}", given) from error
    for group in ("sentence", "next_step", "word"):
        said = [body[group][lang] for lang in ("zh", "en")]
        hold(all(isinstance(one, str) and one.strip() for one in said), f"no {group}", given)
        hold(not any(gap in one for one in said for gap in _GAPS), f"a {group} has a gap", given)
    results = {check.name: check for check in verdict.checks}
    hold(len(results) == len(verdict.checks), "a check stands twice", given)
    hold(all(check.result in _RESULTS for check in verdict.checks), "an odd result", given)
    valid = verdict.outcome is Outcome.VALID
    if verdict.claims is not None or verdict.iss is not None or verdict.vct is not None:
        shown = results["signature"].result == "passed"
        hold(shown, "a token without a verified signature is shown", given)
    if valid:
        hold(
            all(check.code is None for check in verdict.checks), "VALID in spite of a check", given
        )
        hold(results["signature"].result == "passed", "VALID without its signature", given)
        hold(verdict.claims is not None, "VALID without claims", given)
    hold(not verdict.acceptable or (valid and not verdict.reasons), "acceptable anyway", given)


def check_presentation(
    verdict: Verdict,
    text: str,
    *,
    record: Mapping[str, Any],
    lists: Mapping[str, str],
    original: Mapping[str, Any] | None = None,
) -> None:
    """A VALID text is one that the model finds nothing against, and shows what the model reads.

    Args:
        verdict: what was decided.
        text: what was shown.
        record: the issuer's trust record.
        lists: status list tokens by address.
        original: claims of the token whose signature was kept; None where it was signed anew.
    """
    if verdict.outcome is not Outcome.VALID:
        return
    token = carried(text)
    reason, claims = model.why_not_valid(token, record=record, lists=lists, now=NOW)
    hold(not reason, f"VALID in spite of: {reason}", text)
    hold(same(claims, verdict.claims), "other claims than the model's are shown", text)
    left = _RESERVED.intersection(_names(verdict.claims))
    hold(not left, f"reserved names are left in the claims: {left}", text)
    for name in ("iss", "vct", "certificate_identifier"):
        hold(getattr(verdict, name) == claims.get(name), f"{name} is another one", text)
    if original is not None:
        hold(within(claims, original), "more is shown than was signed", text)


def check_binding(verdict: Verdict, text: str) -> None:
    """Under a policy that asks for the holder, VALID and acceptable need a fresh, true binding."""
    if verdict.outcome is not Outcome.VALID or verdict.claims is None:
        return
    token = carried(text)
    has_key = "cnf" in verdict.claims
    if not has_key:
        hold(not verdict.acceptable, "acceptable without a holder key", text)
        return
    try:
        _need_binding(token, verdict.claims["cnf"])
    except model.Wrong as reason:
        raise Finding(f"VALID in spite of key binding: {reason}", text) from reason


def carried(text: str) -> str:
    """The SD-JWT in a text."""
    text = text.strip()
    if "~" in text:
        return text
    try:
        return qr.decode(text).token
    except CertsvcError as error:
        raise Finding("VALID, and yet no token is in it", text) from error


def same(left: Any, right: Any) -> bool:
    """Equal as JSON: 1, 1.0 and true are three things, order of members is none."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def within(part: Any, entire: Any) -> bool:
    """Whether a value is another one with some members or elements left out."""
    if isinstance(part, dict) and isinstance(entire, dict):
        return all(name in entire and within(part[name], entire[name]) for name in part)
    if isinstance(part, list) and isinstance(entire, list):
        rest = iter(entire)
        return all(any(within(item, other) for other in rest) for item in part)
    return same(part, entire)


def _names(value: Any) -> Iterable[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield name
            yield from _names(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _names(inner)


def _need_binding(token: str, cnf: Any) -> None:
    presentation, _, binding = token.rpartition("~")
    model.need(binding, "there is none")
    header, data, signature, signing_input = model.compact(binding, "kb-jwt")
    model.need(header.keys() == {"alg", "typ"}, "members of its header")
    model.need(header["typ"] == "kb+jwt", "its typ")
    jwk = model.obj(model.obj(cnf, "cnf").get("jwk"), "jwk")
    alg = "ES256" if jwk.get("crv") == "P-256" else "Ed25519"
    model.need(header["alg"] in (alg, "EdDSA"), "its algorithm")
    model.need(model.signature_fits(jwk, alg, signing_input, signature), "its signature")
    payload = model.obj(model.read(data, "kb-jwt"), "kb-jwt")
    digest = b64u(hashlib.sha256(f"{presentation}~".encode()).digest())
    model.need(payload.get("sd_hash") == digest, "its sd_hash")
    model.need(payload.get("aud") == AUDIENCE, "its aud")
    model.need(payload.get("nonce") == NONCE, "its nonce")
    age = model.whole(payload.get("iat"), "kb iat") - NOW
    model.need(_BINDING_WINDOW[0] <= age <= _BINDING_WINDOW[1], "its iat")


def fresh_world() -> Surroundings:
    """A world in order that nobody has used."""
    return Surroundings()
