"""The answer to one presented certificate: frozen data, the same for a clerk and for a program."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import orjson

from certsvc_sdk.codes import CODES, DETAILS, REASONS, TYPED, CodeInfo, Outcome
from certsvc_sdk.unmet import Unmet

__all__ = [
    "CODES",
    "REASONS",
    "CheckResult",
    "ClaimLabels",
    "CodeInfo",
    "Lang",
    "Outcome",
    "Unmet",
    "Verdict",
    "clock_text",
]

Lang = Literal["zh", "en"]
#: Claim (JSON pointer with `*` for any array element, or name) -> language -> label.
ClaimLabels = Mapping[str, Mapping[str, str]]
Result = Literal["passed", "failed", "unknown", "skipped"]

_INDEX = re.compile(r"/[0-9]+(?=/|\Z)")
_BEIJING = timezone(timedelta(hours=8))
_LAST_SECOND = 253_402_271_999  # 9999-12-31 23:59:59 in Beijing, the end of `datetime`


class CheckResult(NamedTuple):
    """One check of a verification.

    Attributes:
        number: step of docs/verification.md the check belongs to.
        name: name of the check, unique within a verdict.
        result: `passed`, `failed` (INVALID), `unknown` (UNKNOWN) or `skipped` (could not run).
        code: the verdict code the check found, None when it passed or was skipped.
    """

    number: int
    name: str
    result: Result
    code: str | None


class Verdict(NamedTuple):
    """What was found about one certificate, and whether it serves the caller's matter.

    Times are Unix seconds, ages seconds. Whatever the token says is None until its signature
    verified, so that nothing an attacker wrote reaches a screen.

    Attributes:
        outcome: VALID, INVALID or UNKNOWN.
        code: stable code, a key of `CODES`.
        acceptable: VALID and every rule of the policy met.
        reasons: keys of `REASONS`, why a VALID certificate is not acceptable.
        claims: all claims that are shown, disclosed ones in their places.
        missing_claims: what the policy needs and the certificate does not show.
        unmet: each rule of the policy that is not met, with its reason, in the reasons' order.
        issuer_name: by language, from the trust record and never from the token.
        status_as_of: when the issuer signed the status list that was used.
        trust_as_of: when the trust data was last verified as current.
        source: `issued_here` (signed by the office that vouches for it) for all of this format.
        assurance: `issuer_signed` once the issuer's signature verified.
        checked_at: when the question was asked.
        judged_at: the moment it was answered for; differs from `checked_at` only for `at=`.
        checks: every numbered check with its result.
        policy: the policy it was judged by.
        status_detail: legal word (注销, 吊销, 撤销, 暂扣) where the issuer's detail is known.
        typed: a typed code was given in place of the certificate.
    """

    outcome: Outcome
    code: str
    acceptable: bool
    checked_at: int
    judged_at: int
    checks: tuple[CheckResult, ...]
    policy: Mapping[str, Any]
    reasons: tuple[str, ...] = ()
    claims: Mapping[str, Any] | None = None
    missing_claims: tuple[str, ...] = ()
    unmet: tuple[Unmet, ...] = ()
    issuer_name: Mapping[str, str] | None = None
    iss: str | None = None
    vct: str | None = None
    certificate_identifier: str | None = None
    issued_at: int | None = None
    not_before: int | None = None
    expires_at: int | None = None
    status_as_of: int | None = None
    trust_as_of: int | None = None
    status_age: int | None = None
    trust_age: int | None = None
    source: str | None = None
    assurance: str | None = None
    status_detail: str | None = None
    superseded_by: str | None = None
    typed: bool = False

    def __repr__(self) -> str:
        # Claims and the holder in the policy are personal data: out of every log and traceback.
        shown = (f"{name}={value!r}" for name, value in self._asdict().items() if name in _SHOWN)
        return f"Verdict({', '.join(shown)})"

    @property
    def info(self) -> CodeInfo:
        """Colour, icon, word and sentences of this verdict."""
        if self.reasons and self.outcome is Outcome.VALID:
            return REASONS[self.reasons[0]]
        if self.typed and self.code == "unreadable":
            return TYPED
        return CODES[self.code]

    def sentence(self, lang: Lang = "zh", labels: ClaimLabels | None = None) -> str:
        """Return the clerk's sentence, with the legal word where the status detail is known.

        Args:
            lang: `zh` or `en`.
            labels: what missing claims are called; without one a claim keeps its name.
        """
        zh, en = self.info.zh, self.info.en
        if self.code in ("revoked", "suspended"):
            zh, en = DETAILS.get(self.status_detail or "", (zh, en))
        if self.code == "valid" and self.status_as_of is None:  # the issuer's own check: no status
            zh, en = (
                zh.replace("（状态截至 {as_of}）", ""),
                en.replace(" (status as of {as_of})", ""),
            )
        as_of = "—" if self.status_as_of is None else clock_text(self.status_as_of)
        if not self.reasons:
            return _filled(zh if lang == "zh" else en, as_of)
        # The same claim of several array elements has one label, said once.
        missing = dict.fromkeys(label_of(one, lang, labels or {}) for one in self.missing_claims)
        joined = ("、" if lang == "zh" else ", ").join(missing)
        unmet = self._unmet_said(lang, labels or {})
        return (zh if lang == "zh" else en).format(as_of=as_of, missing=joined, unmet=unmet)

    def _unmet_said(self, lang: Lang, labels: ClaimLabels) -> str:
        """Say the unmet rules of the first reason, empty where none is known."""
        first = self.reasons[0] if self.reasons else None
        said = [_said(one, lang, labels) for one in self.unmet if one.reason == first]
        if not said:
            return ""
        return "：" + "；".join(said) if lang == "zh" else ": " + "; ".join(said)

    def next_step(self, lang: Lang = "zh") -> str:
        """Return who acts next, and how."""
        return self.info.next_zh if lang == "zh" else self.info.next_en

    def to_json(self, labels: ClaimLabels | None = None) -> dict[str, Any]:
        """Return the body the verification API answers with.

        `labels` are for `sentence` and `unmet`; `missing_claims` stay as the policy spells them.

        Members: `outcome`, `code`, `acceptable`, `reasons`, `sentence` {zh, en}, `next_step`
        {zh, en}, `word` {zh, en}, `colour` (green, blue, amber, red), `icon`, `claims` (null
        unless the signature verified), `missing_claims`, `unmet` [{reason, rule, claim, zh, en}],
        `issuer_name` {zh, en} or null, `iss`, `vct`, `certificate_identifier`, `issued_at`,
        `not_before`, `expires_at`, `status_as_of`, `trust_as_of`, `status_age`, `trust_age`,
        `source`, `assurance`, `checked_at`, `judged_at`,
        `checks` [{number, name, result, code}], `policy`,
        `status_detail`, `superseded_by`, `typed`. Times are Unix seconds, ages seconds.
        """
        checks = [
            {"number": number, "name": name, "result": result, "code": code}
            for number, name, result, code in self.checks
        ]
        return self._members(labels, checks)

    def to_json_bytes(self, labels: ClaimLabels | None = None) -> bytes:
        """Return `to_json` as JSON text, at less than writing it would cost."""
        return orjson.dumps(self._members(labels, orjson.Fragment(_checks_json(self.checks))))

    def _members(self, labels: ClaimLabels | None, checks: object) -> dict[str, Any]:
        info = self.info
        return {
            "outcome": self.outcome.value,
            "code": self.code,
            "acceptable": self.acceptable,
            "reasons": list(self.reasons),
            "sentence": {"zh": self.sentence("zh", labels), "en": self.sentence("en", labels)},
            "next_step": {"zh": self.next_step("zh"), "en": self.next_step("en")},
            "word": {"zh": info.word_zh, "en": info.word_en},
            "colour": info.colour,
            "icon": info.icon,
            "claims": None if self.claims is None else dict(self.claims),
            "missing_claims": list(self.missing_claims),
            "unmet": [_unmet_json(one, labels or {}) for one in self.unmet],
            "issuer_name": None if self.issuer_name is None else dict(self.issuer_name),
            "iss": self.iss,
            "vct": self.vct,
            "certificate_identifier": self.certificate_identifier,
            "issued_at": self.issued_at,
            "not_before": self.not_before,
            "expires_at": self.expires_at,
            "status_as_of": self.status_as_of,
            "trust_as_of": self.trust_as_of,
            "status_age": self.status_age,
            "trust_age": self.trust_age,
            "source": self.source,
            "assurance": self.assurance,
            "checked_at": self.checked_at,
            "judged_at": self.judged_at,
            "checks": checks,
            "policy": dict(self.policy),
            "status_detail": self.status_detail,
            "superseded_by": self.superseded_by,
            "typed": self.typed,
        }


_SHOWN = frozenset(Verdict._fields) - {"claims", "policy", "unmet"}


def _unmet_json(one: Unmet, labels: ClaimLabels) -> dict[str, str | None]:
    return {
        "reason": one.reason,
        "rule": one.rule,
        "claim": one.claim,
        "zh": _said(one, "zh", labels),
        "en": _said(one, "en", labels),
    }


def _said(one: Unmet, lang: Lang, labels: ClaimLabels) -> str:
    # A department's own words may hold any braces, so nothing is formatted here.
    words = one.zh if lang == "zh" else one.en
    return (
        words if one.claim is None else words.replace("{claim}", label_of(one.claim, lang, labels))
    )


def label_of(claim: str, lang: Lang, labels: ClaimLabels) -> str:
    """Return what a claim is called; without a label it keeps its name."""
    pointer = claim if claim.startswith("/") else "/" + claim.replace("~", "~0")
    for known in (claim, pointer, pointer[1:], _INDEX.sub("/*", pointer)):
        if known in labels:
            return labels[known].get(lang) or claim
    return claim


@lru_cache(maxsize=256)  # nearly all certificates pass the same checks
def _checks_json(checks: tuple[CheckResult, ...]) -> bytes:
    return orjson.dumps([one._asdict() for one in checks])


@lru_cache(maxsize=256)  # as few as there are codes and status lists
def _filled(words: str, as_of: str) -> str:
    return words.format(as_of=as_of, missing="", unmet="")


@lru_cache(maxsize=256)  # a thousand checks name the same status list
def clock_text(moment: int, *, year: bool = False) -> str:
    """Return `moment` (Unix seconds) as `MM-DD HH:MM` in Beijing time, with the year on demand."""
    inside = min(max(moment, 0), _LAST_SECOND)
    return datetime.fromtimestamp(inside, _BEIJING).strftime(
        "%Y-%m-%d %H:%M" if year else "%m-%d %H:%M"
    )
