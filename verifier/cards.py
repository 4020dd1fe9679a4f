"""What the clerk sees of a verdict: plain data for the template, computed without a request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from certsvc.service.problems import ProblemKind
from certsvc_sdk.verdict import Outcome, Verdict, clock_text
from verifier.labels import Labels, TypeLabels, Words

# Members of the token that are no face data; the facts above the claims show what matters of them.
_TECHNICAL = frozenset(
    {"iss", "vct", "iat", "nbf", "exp", "status", "cnf", "certificate_identifier"}
    | {"vct#integrity", "aka_vcts", "_sd_alg"}
)
_RESULTS = {
    "passed": Words("通过", "passed"),
    "failed": Words("未通过", "failed"),
    "unknown": Words("待查", "unknown"),
    "skipped": Words("未执行", "not run"),
}
_DAY = 86400
_BEIJING_OFFSET = 8 * 3600
_LONG_TERM = Words("长期", "no end")
_UNITS = (
    (_DAY, Words("天前", "days ago"), "day ago"),
    (3600, Words("小时前", "hours ago"), "hour ago"),
    (60, Words("分钟前", "minutes ago"), "minute ago"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A labelled claim: a value, or rows of its own (a member, a list)."""

    label: Words
    value: str | None = None
    rows: tuple["Row", ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """What the verifier itself knows: a value that reads alike in both languages, and a note."""

    label: Words
    value: str
    note: Words | None = None
    wide: bool = False


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One numbered check."""

    number: int
    label: Words
    result: str
    word: Words
    code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One answer: a verdict, or the reason why a file gave none."""

    look: str
    icon: str
    word: Words
    sentence: Words
    next_step: Words | None = None
    further: tuple[Words, ...] = ()
    title: Words | None = None
    origin: Words | None = None
    file_name: str | None = None
    reading: Words | None = None
    notices: tuple[Words, ...] = ()
    facts: tuple[Fact, ...] = ()
    claims: tuple[Row, ...] = ()
    claims_note: Words | None = None
    compare: bool = False
    checks: tuple[CheckLine, ...] = ()


def verdict_card(
    verdict: Verdict,
    labels: Labels,
    *,
    origin: Words | None = None,
    file_name: str | None = None,
    reading: Words | None = None,
    notices: tuple[Words, ...] = (),
) -> Card:
    """The card of a verdict.

    Args:
        verdict: what the SDK found.
        labels: names for people.
        origin: where in its file it was found.
        file_name: what the clerk's file was called.
        reading: what else was read of that file.
        notices: what is to be said of the file.

    Returns:
        The card.
    """
    info = verdict.info
    named = labels.of(verdict.vct)
    return Card(
        look=info.colour,
        icon=info.icon,
        word=Words(info.word_zh, info.word_en),
        sentence=_sentence(verdict, named),
        next_step=Words(verdict.next_step("zh"), verdict.next_step("en")),
        further=tuple(
            _sentence(verdict._replace(reasons=(reason,)), named) for reason in verdict.reasons[1:]
        ),
        title=named.title if verdict.vct else None,
        origin=origin,
        file_name=file_name,
        reading=reading,
        notices=notices,
        facts=_facts(verdict),
        claims=claim_rows(verdict.claims or {}, named),
        claims_note=_claims_note(verdict),
        compare=bool(verdict.claims) and (verdict.acceptable or verdict.outcome is Outcome.UNKNOWN),
        checks=tuple(
            CheckLine(
                one.number, labels.check(one.name), one.result, _RESULTS[one.result], one.code
            )
            for one in verdict.checks
        ),
    )


def problem_card(
    kind: ProblemKind, *, origin: Words | None = None, file_name: str | None = None
) -> Card:
    """The card of something that could not be judged; neither green nor red."""
    return Card(
        look="grey",
        icon="!",
        word=Words("未能核验", "Not checked"),
        sentence=Words(kind.zh, kind.en),
        origin=origin,
        file_name=file_name,
    )


def claim_rows(claims: Mapping[str, Any], labels: TypeLabels) -> tuple[Row, ...]:
    """The face claims, nested as they are, in the order in which the type names them."""
    face = {name: value for name, value in claims.items() if name not in _TECHNICAL}
    return _members("", face, labels)


def age_words(seconds: int) -> Words:
    """An age in the largest unit that fits: 刚刚, 3 分钟前, 2 小时前, 5 天前."""
    for size, words, one in _UNITS:
        if seconds >= size:
            count = seconds // size
            return Words(f"{count} {words.zh}", f"{count} {words.en if count > 1 else one}")
    return Words("刚刚", "just now")


def _members(pointer: str, value: Mapping[str, Any], labels: TypeLabels) -> tuple[Row, ...]:
    # Disclosed claims stand last in a token, so its own order would scatter them.
    places = {label: place for place, label in enumerate(labels.claims)}
    paths = {f"{pointer}/{name}": item for name, item in value.items()}
    ordered = sorted(paths, key=lambda path: places.get(path, len(places)))
    return tuple(_row(labels.claim(path), path, paths[path], labels) for path in ordered)


def _row(label: Words, pointer: str, value: Any, labels: TypeLabels) -> Row:  # noqa: ANN401
    if isinstance(value, Mapping):
        return Row(label, rows=_members(pointer, value, labels))
    if isinstance(value, list):
        element = labels.claim(f"{pointer}/*")
        name = element if f"{pointer}/*" in labels.claims else label
        items = tuple(
            _row(_numbered(name, number), f"{pointer}/*", item, labels)
            for number, item in enumerate(value, start=1)
        )
        return Row(label, rows=items)
    return Row(label, value=_plain(value))


def _numbered(words: Words, number: int) -> Words:
    return Words(f"{words.zh} {number}", f"{words.en} {number}" if words.en else "")


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "是 Yes" if value else "否 No"
    return "—" if value is None else str(value)


def _sentence(verdict: Verdict, labels: TypeLabels) -> Words:
    """The clerk's sentence, missing claims by their labels."""
    names = labels.mapping
    return Words(verdict.sentence("zh", names), verdict.sentence("en", names))


def _claims_note(verdict: Verdict) -> Words | None:
    if not verdict.claims or verdict.outcome is Outcome.VALID:
        return None
    if verdict.outcome is Outcome.INVALID:
        return Words(
            "以下内容仅供辨认，不得作为办理依据",
            "For recognition only; do not act on this content.",
        )
    return Words("以下内容签名无误，状态待查", "The content is authentic; its status is not known.")


def _facts(verdict: Verdict) -> tuple[Fact, ...]:
    facts: list[Fact] = []

    def add(
        zh: str, en: str, value: str | None, note: Words | None = None, *, wide: bool = False
    ) -> None:
        if value is not None:
            facts.append(Fact(Words(zh, en), value, note, wide))

    name = verdict.issuer_name
    if name:
        english = name.get("en")
        note = Words("", english) if english else None
        add("发证机关", "Issuer", name.get("zh") or english, note)
    add("证照标识", "Identifier", verdict.certificate_identifier, wide=True)
    add("签发时间", "Issued", _moment(verdict.issued_at))
    if verdict.not_before is not None:
        add("生效时间", "In force from", _day(verdict.not_before, verdict.not_before))
    if verdict.expires_at is not None:
        add("有效期至", "In force until", _day(verdict.expires_at, verdict.expires_at - 1))
    elif verdict.issued_at is not None:
        add("有效期至", "In force until", _LONG_TERM.zh, Words("", _LONG_TERM.en))
    add("状态截至", "Status as of", _moment(verdict.status_as_of), _age(verdict.status_age))
    add("信任清单", "Trust list as of", _moment(verdict.trust_as_of), _age(verdict.trust_age))
    add("核验时间", "Checked", _moment(verdict.checked_at))
    return tuple(facts)


def _moment(seconds: int | None) -> str | None:
    return None if seconds is None else clock_text(seconds, year=True)


def _day(boundary: int, shown: int) -> str:
    """The day of `shown` where the window's boundary is a Beijing midnight, else the minute.

    The window is [nbf, exp): the last day that counts is the one before `exp`.
    """
    at_midnight = (boundary + _BEIJING_OFFSET) % _DAY == 0
    return clock_text(shown, year=True)[:10] if at_midnight else clock_text(boundary, year=True)


def _age(seconds: int | None) -> Words | None:
    return None if seconds is None else age_words(max(seconds, 0))
