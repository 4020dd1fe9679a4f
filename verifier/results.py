"""The cards of one submission: one a certificate, with every place in which it was found."""

from collections.abc import Sequence

from verifier.cards import Card, problem_card, verdict_card
from verifier.checking import Checked, FileRead, Gathered, extent, is_same
from verifier.inputs import Submission
from verifier.labels import Labels, Words


def cards_of(submission: Submission, gathered: Gathered, labels: Labels) -> list[Card]:
    """One card a certificate, foreign code or unreadable file, in the order they were given.

    Args:
        submission: what the clerk gave.
        gathered: what was found in it.
        labels: names for people.
    """
    told: set[int] = set()
    cards: list[tuple[int, Card]] = []
    for group in _groups(gathered.checked):
        shown = max(group, key=extent)
        first = shown.index not in told
        told.add(shown.index)
        card = verdict_card(
            shown.verdict,
            labels,
            origin=_origin(group, gathered.checked),
            file_name=_file_name(shown.index, submission),
            reading=_reading(shown.index, gathered.files) if first else None,
            notices=_notices(group, labels),
        )
        cards.append((shown.index, card))
    cards += [
        (bad.index, problem_card(bad.kind, file_name=_file_name(bad.index, submission)))
        for bad in gathered.refused
    ]
    return [card for _, card in sorted(cards, key=lambda pair: pair[0])]


def _notices(group: Sequence[Checked], labels: Labels) -> tuple[Words, ...]:
    """What is to be said of the file, with the page where the group stands on several."""
    pages = {one.finding.page for one in group if one.finding and one.finding.page is not None}
    told: dict[Words, None] = {}
    for one in group:
        names = labels.of(one.verdict.vct).mapping
        for notice in () if one.finding is None else one.finding.notices:
            page = one.finding.page if one.finding and notice.claims and len(pages) > 1 else None
            zh, en = notice.sentence("zh", names), notice.sentence("en", names)
            at = ("", "") if page is None else (f"第 {page} 页：", f"Page {page}: ")
            told[Words(at[0] + zh, at[1] + en)] = None
    return tuple(told)


def _groups(checked: Sequence[Checked]) -> list[list[Checked]]:
    """Findings that are one certificate of one file; those that contradict it stay alone."""
    groups: list[list[Checked]] = []
    for one in checked:
        for group in groups:
            if _belongs(one, group[0]):
                group.append(one)
                break
        else:
            groups.append([one])
    return groups


def _belongs(one: Checked, other: Checked) -> bool:
    if one.finding is None or other.finding is None or one.index != other.index:
        return False
    number = one.finding.certificate
    if number is None or number != other.finding.certificate:
        return False
    # What is not authentic has no claims that could differ.
    unproven = one.verdict.claims is None and other.verdict.claims is None
    return unproven or is_same(one, other) or is_same(other, one)


def _origin(group: Sequence[Checked], checked: Sequence[Checked]) -> Words | None:
    """Where it was found: attachments by name, codes by page and number."""
    siblings = [one for one in checked if one.index == group[0].index]
    places = [_place(one, siblings) for one in group]
    known = list(dict.fromkeys(place for place in places if place is not None))
    if not known:
        return None
    return Words("、".join(one.zh for one in known), "; ".join(one.en for one in known))


def _place(one: Checked, siblings: Sequence[Checked]) -> Words | None:
    finding = one.finding
    if finding is None:
        return None
    if finding.kind == "attachment":
        name = finding.name or "?"
        return Words(f"附件 {name}", f"attachment {name}")
    if finding.page is None and len(siblings) == 1:
        return None
    codes = [each for each in siblings if each.finding and each.finding.kind != "attachment"]
    number = codes.index(one) + 1
    zh, en = ("短码条形码", "barcode") if finding.kind == "barcode" else ("码", "code")
    page = finding.page
    before = Words("", "") if page is None else Words(f"第 {page} 页 ", f"page {page}, ")
    return Words(f"{before.zh}第 {number} 个{zh}", f"{before.en}{en} {number}")


def _reading(index: int, files: Sequence[FileRead]) -> Words | None:
    """What was read of a file, where that is more than one code of one page."""
    report = next((one.report for one in files if one.index == index), None)
    if report is None or (len(report.findings) == 1 and (report.pages or 1) == 1):
        return None
    attached = sum(one.kind == "attachment" for one in report.findings)
    codes = len(report.findings) - attached
    zh = [f"共 {report.pages} 页"] if report.pages else []
    en = [f"{report.pages} pages" if report.pages != 1 else "1 page"] if report.pages else []
    if attached:
        zh.append(f"附件证照 {attached} 个")
        en.append(f"{attached} attached")
    zh += [f"码 {codes} 个", f"其中不同的证照 {report.certificates} 份"]
    en += [f"{codes} codes" if codes != 1 else "1 code", f"{report.certificates} different"]
    en[-1] += " certificates" if report.certificates != 1 else " certificate"
    told = Words("本文件" + "，".join(zh), "This file: " + ", ".join(en))
    bare = report.pages_without
    if not report.certificates or not bare:
        return told
    pages = "、".join(map(str, bare))
    return Words(
        f"{told.zh}；第 {pages} 页没有证照，其内容未经核验",
        f"{told.en}; no certificate on page {pages.replace('、', ', ')}: nothing there was checked",
    )


def _file_name(index: int, submission: Submission) -> str | None:
    number = index - len(submission.texts)
    return submission.uploads[number].name if number >= 0 else None
