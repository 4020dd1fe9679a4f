"""Command line: `certsvc-sdk verify` for one code, file or stream, `certsvc-sdk prefetch`.

Exit codes: 0 all VALID and acceptable, 1 something INVALID or not acceptable, 2 wrong usage,
3 something UNKNOWN and nothing worse.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from certsvc_sdk import strict
from certsvc_sdk.client import Finding, Verifier
from certsvc_sdk.codes import Outcome
from certsvc_sdk.errors import (
    CertsvcError,
    FileUnsupported,
    ImageUnreadable,
    NoCodeFound,
    PolicyInvalid,
)
from certsvc_sdk.policy import Policy
from certsvc_sdk.verdict import Verdict, clock_text

OK, REFUSED, USAGE, UNKNOWN = 0, 1, 2, 3

# A policy names some types and claims.
_MAX_POLICY = 64 * 1024
_MAX_FILE = 64 * 1024 * 1024
_COLOURS = {"green": "32", "blue": "34", "amber": "33", "red": "31"}
# No text of a code ends so but an address, and that has "://".
_FILE_SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".pdf", ".txt", ".heic")
)
_REASONS = {
    "malformed": "数据格式有误",
    "fetch_failed": "地址不可用",
    "trust_invalid": "信任根无效",
    "trust_unavailable": "信任根无法读取",
    "policy_invalid": "办理规则有误",
    "file_unsupported": "文件无法读取或类型不受支持",
    "file_too_large": "文件过大或过于复杂",
    "image_unreadable": "图片或PDF已损坏或加密",
    "no_code_found": "没有可读的二维码",
}
_BEIJING_OFFSET = 8 * 3600
_DAY = 86_400


def main(
    argv: Sequence[str] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    clock: Callable[[], float] = time.time,
) -> int:
    """Run a command and return its exit code.

    Args:
        argv: arguments without the program's name; None: the process's.
        environ: environment; None: the process's.
        clock: gives Unix seconds.
    """
    env = os.environ if environ is None else environ
    parser = _parser(env)
    args = parser.parse_args(argv)
    if not args.root:
        parser.error("需要信任根 --root is needed (or CERTSVC_TRUST_ROOT)")
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a character shows another one; the verdict must come out.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    if args.command == "verify" and _names_file(args.what) and not os.path.exists(args.what):
        print(f"certsvc-sdk: 没有这个文件 no such file: {_printable(args.what)}", file=sys.stderr)
        return USAGE
    try:
        verifier = Verifier.from_root(
            args.root, url=args.url, cache_dir=args.cache, offline=args.offline, clock=clock
        )
        if args.command == "prefetch":
            return _prefetch(verifier)
        policy = _policy(args)
        findings = _findings(verifier, args.what, policy)
    except (NoCodeFound, ImageUnreadable) as error:
        why = _REASONS[error.code]
        print(f"未读到证照码：{why} No code was read: {error}", file=sys.stderr)
        return UNKNOWN
    except CertsvcError as error:
        print(f"certsvc-sdk: {reason(error)} [{error.code}]", file=sys.stderr)
        return USAGE
    if args.json:
        _print_json(findings)
    else:
        colour = sys.stdout.isatty() and "NO_COLOR" not in env
        for finding in findings:
            _print_block(finding, sys.stdout, colour=colour, claims=args.claims)
    return exit_code([finding.verdict for finding in findings])


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """Return the exit code for some verdicts: the worst one's."""
    if any(v.outcome is not Outcome.UNKNOWN and not v.acceptable for v in verdicts):
        return REFUSED
    return OK if all(v.acceptable for v in verdicts) else UNKNOWN


def reason(error: CertsvcError) -> str:
    """Return why a command could not be carried out, in Chinese and English."""
    return f"{_REASONS.get(error.code, '无法执行')} {error}"


def _parser(env: Mapping[str, str]) -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--root",
        metavar="FILE",
        default=env.get("CERTSVC_TRUST_ROOT"),
        help="信任根 root.json of the trust repository [CERTSVC_TRUST_ROOT]",
    )
    common.add_argument(
        "--url",
        default=env.get("CERTSVC_TRUST_URL"),
        help="发布地址 address of the published tree [CERTSVC_TRUST_URL]",
    )
    common.add_argument(
        "--cache",
        metavar="DIR",
        default=env.get("CERTSVC_SDK_CACHE"),
        help="缓存目录 folder kept between runs [CERTSVC_SDK_CACHE]",
    )
    common.add_argument("--offline", action="store_true", help="不使用网络 never use the network")
    parser = argparse.ArgumentParser(
        prog="certsvc-sdk", description="核验电子证照 Verify electronic certificates."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    verify = commands.add_parser(
        "verify", parents=[common], help="核验 verify the text of a code, an image, a PDF or stdin"
    )
    verify.add_argument("what", metavar="TEXT|IMAGE|PDF|-")
    verify.add_argument("--policy", metavar="FILE", help="办理规则 policy as JSON")
    verify.add_argument(
        "--max-status-age", type=int, metavar="S", help="状态数据最多多旧（秒） seconds"
    )
    verify.add_argument(
        "--max-trust-age", type=int, metavar="S", help="信任数据最多多旧（秒） seconds"
    )
    verify.add_argument("--json", action="store_true", help="输出JSON print verdicts as JSON")
    verify.add_argument("--claims", action="store_true", help="显示证照内容 print the claims")
    commands.add_parser("prefetch", parents=[common], help="下载离线数据 fetch all for offline use")
    return parser


def _prefetch(verifier: Verifier) -> int:
    result = verifier.prefetch()
    print(f"发证机关 Issuers: {result.issuers}  状态列表 Status lists: {result.lists}")
    if not result.trust:
        print("信任清单未能更新 The trust data was not refreshed.", file=sys.stderr)
    for address in result.failed:
        print(f"未能下载 Not fetched: {_printable(address)}", file=sys.stderr)
    return OK if result.complete else UNKNOWN


def _policy(args: argparse.Namespace) -> Policy:
    policy = Policy()
    if args.policy is not None:
        try:
            data = Path(args.policy).read_bytes()
        except OSError as error:
            raise PolicyInvalid(f"the policy cannot be read: {error.strerror}") from error
        policy = Policy.from_json(strict.loads(data, max_bytes=_MAX_POLICY, what="policy"))
    ages = {"max_status_age": args.max_status_age, "max_trust_age": args.max_trust_age}
    return replace(policy, **{name: age for name, age in ages.items() if age is not None})


def _findings(verifier: Verifier, what: str, policy: Policy) -> list[Finding]:
    """Return a verdict for each code: of a file, of each line of a stream, or of the text."""
    data = _read(what)
    if data is None:
        return [_finding(verifier, what, policy)]
    text = _as_text(data)
    if text is None:
        return verifier.check_file(data, policy=policy)
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise NoCodeFound("there is nothing to verify")
    return [_finding(verifier, line, policy) for line in lines]


def _finding(verifier: Verifier, text: str, policy: Policy) -> Finding:
    verdict = verifier.check(text, policy=policy)
    return Finding(page=None, position=None, text_kind="text", verdict=verdict)


def _read(what: str) -> bytes | None:
    """Return the bytes of stdin or a file, None where `what` is neither."""
    if what == "-":
        return sys.stdin.buffer.read(_MAX_FILE)
    try:
        with Path(what).open("rb") as file:
            return file.read(_MAX_FILE)
    except (OSError, ValueError) as error:
        if _names_file(what):
            raise FileUnsupported("the file cannot be read") from error
        return None  # no such file, a name too long or with a NUL: it is the text


def _names_file(what: str) -> bool:
    return "://" not in what and os.path.splitext(what)[1].lower() in _FILE_SUFFIXES


def _as_text(data: bytes) -> str | None:
    """Return a file's content as text, None for images and PDFs."""
    if data.startswith(b"%PDF") or b"\0" in data:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _print_json(findings: Sequence[Finding]) -> None:
    items = [
        {
            "index": index,
            "page": finding.page,
            "position": finding.position,
            "verdict": finding.verdict.to_json(),
        }
        for index, finding in enumerate(findings)
    ]
    print(json.dumps({"verifications": items}, ensure_ascii=False, indent=2))


def _print_block(finding: Finding, out: TextIO, *, colour: bool, claims: bool) -> None:
    verdict, info = finding.verdict, finding.verdict.info
    word = f"{info.icon} {info.word_zh} {info.word_en}"
    if colour:
        word = f"\x1b[1;{_COLOURS[info.colour]}m{word}\x1b[0m"
    print(f"{word}  [{', '.join((verdict.code, *verdict.reasons))}]", file=out)
    for line in (verdict.sentence("zh"), verdict.sentence("en")):
        print(f"  {_printable(line)}", file=out)
    for label, value in _facts(finding):
        print(f"  {label}: {_printable(value)}", file=out)
    if claims and verdict.claims is not None:
        shown = json.dumps(dict(verdict.claims), ensure_ascii=False, indent=2)
        for line in shown.splitlines():
            print(f"    {_printable(line)}", file=out)
    print(file=out)


def _facts(finding: Finding) -> list[tuple[str, str]]:
    verdict = finding.verdict
    name = verdict.issuer_name or {}
    place = None if finding.position is None else f"{finding.page or 1} {finding.position}"
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


def _printable(text: str) -> str:
    """Return text without characters that steer a terminal."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


if __name__ == "__main__":
    sys.exit(main())
