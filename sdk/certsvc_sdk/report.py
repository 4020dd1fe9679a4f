"""From what a file holds to a report: a verdict each, which are one certificate, what differs.

The token is the authority. What a document says in print, and what else is attached to it, only
leads to notices beside the verdicts.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from certsvc_sdk.errors import CertsvcError, FileUnsupported
from certsvc_sdk.files import read_file
from certsvc_sdk.finding import FileReport, Finding, kind_of
from certsvc_sdk.notices import ATTACHMENT_DIFFERS, DOCUMENT_DIFFERS, Notice
from certsvc_sdk.verdict import Verdict

if TYPE_CHECKING:
    from certsvc_sdk.image import Code, Contents

Later = Callable[[int], bytes | None]

# Our own prefix without digits: what was seen and not read is "scan again", and opened by nobody.
_BROKEN: Final = "https://unread.invalid/v#"

# What makes two findings one certificate.
_Identity = tuple[str, ...]


def report_on(
    data: bytes | str | Path, *, check: Callable[[str], Verdict], later: Later | None = None
) -> FileReport:
    """Read an image or PDF and judge what is in it; arguments else as `report`.

    Args:
        data: the file's bytes, or its path.
        check: gives the verdict on a text.
        later: gives younger QR dictionaries.

    Raises:
        FileUnsupported: not a readable type, or the extra `image` is not installed.
        ImageUnreadable, FileTooLarge, NoCodeFound: from reading the file.
    """
    # Imported here: most verifiers are given texts.
    try:
        from certsvc_sdk import image
    except ImportError as error:
        raise FileUnsupported(
            "reading images and PDFs needs the extra: pip install 'certsvc-sdk[image]'"
        ) from error
    content = data if isinstance(data, bytes) else read_file(data)
    return report(image.read_contents(content), check=check, later=later)


def report(
    contents: "Contents", *, check: Callable[[str], Verdict], later: Later | None = None
) -> FileReport:
    """Judge everything that was read of a file.

    Args:
        contents: what was read.
        check: gives the verdict on a text; asked once for each text, however often it stands there.
        later: gives QR dictionaries that are younger than this release; None: there are none.
    """
    tokens = [_token(code, later) for code in contents.codes]
    texts = _texts(contents.codes, tokens)
    verdicts = {text: check(text) for text in dict.fromkeys(texts)}
    judged = [verdicts[text] for text in texts]
    numbers = _number([_identity(*pair) for pair in zip(judged, tokens, strict=True)])
    findings = [
        Finding(
            page=code.page,
            position=None if code.position is None else tuple(code.position),
            text_kind=kind_of(code.text),
            verdict=verdict,
            kind=code.kind,
            name=code.name,
            certificate=number,
        )
        for code, verdict, number in zip(contents.codes, judged, numbers, strict=True)
    ]
    return FileReport(findings=_noticed(findings, contents), pages=contents.pages)


def _token(code: "Code", later: Later | None) -> str | None:
    """Return the token that a code carries in itself, None where it carries none."""
    from certsvc_sdk import qr

    text = code.text.strip()
    if code.is_broken or code.kind == "barcode":
        return None
    if "~" in text:
        return text
    try:
        return qr.decode(text, later=later).token
    except CertsvcError:
        return None


def _texts(codes: Sequence["Code"], tokens: Sequence[str | None]) -> list[str]:
    """Return what to judge each code by.

    A typed code is a digest of its token: where the token is in the file, nobody need be asked.
    """
    from certsvc_sdk import typedcode

    known = {typedcode.of(token): token for token in tokens if token is not None}
    texts = []
    for code in codes:
        text = code.text
        if code.is_broken:
            text = _BROKEN
        elif code.kind == "barcode":
            text = known.get(typedcode.read(text), text)
        texts.append(text)
    return texts


def _identity(verdict: Verdict, token: str | None) -> _Identity | None:
    """Return what is equal for one certificate in two places, None for what is no certificate."""
    if verdict.certificate_identifier is not None:
        return "identifier", verdict.iss or "", verdict.certificate_identifier
    if token is not None:
        return "token", token
    return None


def _number(identities: Sequence[_Identity | None]) -> list[int | None]:
    numbers: dict[_Identity, int] = {}
    return [
        None if one is None else numbers.setdefault(one, len(numbers) + 1) for one in identities
    ]


def _noticed(findings: Sequence[Finding], contents: "Contents") -> tuple[Finding, ...]:
    apart = _apart(findings)
    made = []
    for finding in findings:
        notices: list[Notice] = []
        missing = _missing(finding, findings, contents)
        if missing:
            notices.append(Notice(DOCUMENT_DIFFERS, missing))
        if finding.certificate in apart:
            notices.append(Notice(ATTACHMENT_DIFFERS))
        made.append(replace(finding, notices=tuple(notices)))
    return tuple(made)


def _apart(findings: Sequence[Finding]) -> set[int | None]:
    """Return the certificates that are only attached and those only printed, where there are both.

    A case file may hold scans beside a certificate with its attachment; but an attachment without
    its code beside a code without its attachment is what a swapped code looks like.
    """
    attached = {one.certificate for one in findings if one.kind == "attachment"} - {None}
    printed = {one.certificate for one in findings if one.kind != "attachment"} - {None}
    if attached - printed and printed - attached:
        return attached ^ printed
    return set()


def _missing(
    finding: Finding, findings: Sequence[Finding], contents: "Contents"
) -> tuple[str, ...]:
    """Return which disclosed claims the text around a finding does not say."""
    if finding.verdict.claims is None or finding.certificate is None or not contents.texts:
        return ()
    pages = _pages_of(finding, findings, contents)
    # A scan has no text; what follows it may be an application form.
    if not pages or pages[0] not in contents.texts:
        return ()
    from certsvc_sdk.paper import missing_claims

    # A code may show a part of its certificate (core profile) whose whole is attached.
    shown = [
        one.verdict.claims
        for one in findings
        if one.certificate == finding.certificate and one.verdict.claims is not None
    ]
    return missing_claims(max(shown, key=_extent), [contents.texts.get(n, "") for n in pages])


def _extent(claims: Mapping[str, Any]) -> int:
    return len(json.dumps(dict(claims), default=str))


def _pages_of(finding: Finding, findings: Sequence[Finding], contents: "Contents") -> Sequence[int]:
    """Return the pages that a finding stands for: from its own to the next certificate's.

    An attachment stands for the pages of its code, or where it has none for all that are free.
    """
    count = contents.pages or 0
    printed = sorted(
        {one.page for one in findings if one.certificate is not None and one.page is not None}
    )
    if finding.page is not None:
        ends = [page for page in printed if page > finding.page]
        return range(finding.page, ends[0] if ends else count + 1)
    if any(one.certificate == finding.certificate and one.page is not None for one in findings):
        return ()
    return [page for page in range(1, count + 1) if page not in printed and page in contents.texts]
