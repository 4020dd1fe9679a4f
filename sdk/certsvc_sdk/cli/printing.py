"""What the command line prints: verdicts, reasons, and nothing that steers a terminal."""

import json
from typing import Any, Final, TextIO

from certsvc_sdk.client import FileReport, Finding
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.verdict import clock_text

_REASONS: Final = {
    "malformed": "数据格式有误",
    "fetch_failed": "地址不可用",
    "trust_invalid": "信任根无效",
    "trust_unavailable": "信任根无法读取",
    "policy_invalid": "办理规则有误",
    "file_unsupported": "文件无法读取或类型不受支持",
    "file_too_large": "文件过大或过于复杂",
    "image_unreadable": "图片或PDF已损坏或加密",
    "no_code_found": "没有可读的二维码",
    "log_invalid": "日志数据有误",
    "log_leaf_invalid": "日志条目有误",
    "log_tile_invalid": "日志数据块有误",
    "log_note_invalid": "密钥或检查点格式有误",
    "log_untrusted": "日志不可信",
    "log_proof_invalid": "公示证明有误",
    "log_history_invalid": "证照履历有误",
    "log_forked": "日志出现分叉",
    "bundle_invalid": "离线数据包有误",
    "bundle_untrusted": "离线数据包未由所列制作方签名",
}
_COLOURS: Final = {"green": "32", "blue": "34", "amber": "33", "red": "31"}
_BEIJING_OFFSET: Final = 8 * 3600
_DAY: Final = 86_400


def reason(error: CertsvcError) -> str:
    """Return why a command could not be carried out, in Chinese and English."""
    return f"{why(error)} {error}"


def why(error: CertsvcError) -> str:
    """Return the reason in Chinese alone."""
    return _REASONS.get(error.code, "无法执行")


def print_json(report: FileReport) -> None:
    """Print everything as one JSON object, as the verification API answers."""
    items = [
        {
            "index": index,
            "kind": finding.kind,
            "page": finding.page,
            "position": finding.position,
            "name": finding.name,
            "certificate": finding.certificate,
            "notices": [notice.to_json() for notice in finding.notices],
            "verdict": finding.verdict.to_json(),
        }
        for index, finding in enumerate(report.findings)
    ]
    read = [] if _of_text(report) else [report_json(report)]
    print(json.dumps({"verifications": items, "files": read}, ensure_ascii=False, indent=2))


def report_json(report: FileReport) -> dict[str, Any]:
    """Return what was read of a file, without its findings."""
    return {
        "pages": report.pages,
        "found": len(report.findings),
        "certificates": report.certificates,
        "pages_without": list(report.pages_without),
    }


def print_reading(report: FileReport, out: TextIO) -> None:
    """Print what was read of a file, where that is more than one code of one page."""
    if _of_text(report) or (len(report.findings) == 1 and (report.pages or 1) == 1):
        return
    pages = "" if report.pages is None else f"{report.pages} 页 pages, "
    print(
        f"读到 Read: {pages}{len(report.findings)} 处 found, "
        f"{report.certificates} 份证照 certificates",
        file=out,
    )
    if report.certificates and report.pages_without:
        bare = ", ".join(map(str, report.pages_without))
        print(f"未经核验的页 Pages without a certificate, not checked: {bare}", file=out)


def _of_text(report: FileReport) -> bool:
    return all(finding.kind == "text" for finding in report.findings)


def print_block(finding: Finding, out: TextIO, *, colour: bool, claims: bool) -> None:
    """Print one verdict for people: word, sentences, unmet rules, facts, and claims on demand."""
    verdict, info = finding.verdict, finding.verdict.info
    word = f"{info.icon} {info.word_zh} {info.word_en}"
    if colour:
        word = f"\x1b[1;{_COLOURS[info.colour]}m{word}\x1b[0m"
    print(f"{word}  [{', '.join((verdict.code, *verdict.reasons))}]", file=out)
    for line in (verdict.sentence("zh"), verdict.sentence("en")):
        print(f"  {printable(line)}", file=out)
    for notice in finding.notices:
        for line in (notice.sentence("zh"), notice.sentence("en")):
            print(f"  ! {printable(line)}", file=out)
    for label, value in _facts(finding):
        print(f"  {label}: {printable(value)}", file=out)
    if claims and verdict.claims is not None:
        shown = json.dumps(dict(verdict.claims), ensure_ascii=False, indent=2)
        for line in shown.splitlines():
            print(f"    {printable(line)}", file=out)
    print(file=out)


def _facts(finding: Finding) -> list[tuple[str, str]]:
    verdict = finding.verdict
    name = verdict.issuer_name or {}
    place = None if finding.position is None else f"{finding.page or 1} {finding.position}"
    if finding.kind == "attachment":
        place = f"附件 attachment {finding.name}"
    facts: list[tuple[str, Any]] = [
        ("下一步 Next", f"{verdict.next_step('zh')} {verdict.next_step('en')}"),
        ("发证机关 Issuer", " / ".join(name.values()) or None),
        ("证照标识 Identifier", verdict.certificate_identifier),
        ("证照类型 Type", verdict.vct),
        ("签发时间 Issued", _moment(verdict.issued_at)),
        ("有效期至 Valid until", _last_day(verdict.expires_at)),
        ("状态数据 Status data", _age(verdict.status_age)),
        ("信任数据 Trust data", _age(verdict.trust_age)),
        ("位置 Page and place", place),
        ("证照序号 Certificate of the file", finding.certificate),
    ]
    return [(label, str(value)) for label, value in facts if value is not None]


def _moment(moment: int | None) -> str | None:
    return None if moment is None else f"{clock_text(moment, year=True)} (UTC+8)"


def _last_day(end: int | None) -> str | None:
    """Return the last valid day where `end`, which counts no more, is a midnight in Beijing."""
    if end is None or (end + _BEIJING_OFFSET) % _DAY:
        return _moment(end)
    return clock_text(end - 1, year=True)[:10]


def _age(age: int | None) -> str | None:
    return None if age is None else f"{age} 秒前 s old"


def printable(text: str) -> str:
    """Return text without characters that steer a terminal."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
