"""The commands, their options and exit codes."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from certsvc_sdk.cli.bundle_options import add_bundle
from certsvc_sdk.cli.inputs import names_file, policy_of, report_of
from certsvc_sdk.cli.log_options import add_history, add_log, add_witnesses
from certsvc_sdk.cli.printing import print_block, print_json, print_reading, printable, reason, why
from certsvc_sdk.cli.resolver_options import add_resolvers, resolver_of
from certsvc_sdk.client import Verifier
from certsvc_sdk.codes import Outcome
from certsvc_sdk.errors import CertsvcError, ImageUnreadable, NoCodeFound
from certsvc_sdk.verdict import Verdict

OK, REFUSED, USAGE, UNKNOWN = 0, 1, 2, 3


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
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a character shows another one; the verdict must come out.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    if args.command == "policy":
        return _policy(args)
    if not (args.root or _needs_no_root(args)):
        parser.error("需要信任根 --root is needed (or CERTSVC_TRUST_ROOT)")
    if args.command == "verify" and names_file(args.what) and not os.path.exists(args.what):
        print(f"certsvc-sdk: 没有这个文件 no such file: {printable(args.what)}", file=sys.stderr)
        return USAGE
    if args.command in ("log", "bundle"):
        return _apart(args, clock)
    return _with_verifier(args, env, clock)


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """Return the exit code for some verdicts: the worst one's."""
    if any(v.outcome is not Outcome.UNKNOWN and not v.acceptable for v in verdicts):
        return REFUSED
    return OK if all(v.acceptable for v in verdicts) else UNKNOWN


def _with_verifier(
    args: argparse.Namespace, env: Mapping[str, str], clock: Callable[[], float]
) -> int:
    try:
        verifier = Verifier.from_root(
            args.root,
            url=args.url,
            cache_dir=args.cache,
            offline=args.offline,
            clock=clock,
            witnesses=getattr(args, "witness", ()),
            witness_threshold=getattr(args, "witnesses", None),
            resolver=resolver_of(args),
        )
        if args.command == "prefetch":
            return _prefetch(verifier)
        if args.command == "history":
            from certsvc_sdk.cli.histories import print_history  # most runs verify

            return exit_code([print_history(args, verifier, int(clock()))])
        report = report_of(verifier, args.what, policy_of(args), args.log_proof)
    except (NoCodeFound, ImageUnreadable) as error:
        print(f"未读到证照码：{why(error)} No code was read: {error}", file=sys.stderr)
        return UNKNOWN
    except CertsvcError as error:
        print(f"certsvc-sdk: {printable(reason(error))} [{error.code}]", file=sys.stderr)
        return USAGE
    if args.json:
        print_json(report)
    else:
        colour = sys.stdout.isatty() and "NO_COLOR" not in env
        for finding in report.findings:
            print_block(finding, sys.stdout, colour=colour, claims=args.claims)
        print_reading(report, sys.stdout)
    return exit_code([finding.verdict for finding in report.findings])


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
        "verify",
        parents=[common],
        help="核验 verify a code's text, a typed code, an image, a PDF or stdin",
    )
    verify.add_argument("what", metavar="TEXT|IMAGE|PDF|-")
    verify.add_argument("--policy", metavar="FILE", help="办理规则 policy as JSON")
    verify.add_argument(
        "--matter", metavar="NAME", help="规则文件中的事项名称 name of a policy in the file"
    )
    verify.add_argument(
        "--max-status-age", type=int, metavar="S", help="状态数据最多多旧（秒） seconds"
    )
    verify.add_argument(
        "--max-trust-age", type=int, metavar="S", help="信任数据最多多旧（秒） seconds"
    )
    verify.add_argument(
        "--log-proof", metavar="FILE", help="随附的公示证明 log proof that came with it"
    )
    add_resolvers(verify, env)
    add_witnesses(verify)
    verify.add_argument("--json", action="store_true", help="输出JSON print verdicts as JSON")
    verify.add_argument("--claims", action="store_true", help="显示证照内容 print the claims")
    policy = commands.add_parser("policy", help="办理规则 rules of a matter")
    actions = policy.add_subparsers(dest="action", required=True)
    check = actions.add_parser("check", help="检查规则文件 check a file and say its rules in words")
    check.add_argument("file", metavar="FILE")
    actions.add_parser("schema", help="输出 JSON Schema print the JSON Schema")
    commands.add_parser("prefetch", parents=[common], help="下载离线数据 fetch all for offline use")
    add_history(commands, common)
    add_log(commands, common)
    add_bundle(commands, common)
    return parser


def _policy(args: argparse.Namespace) -> int:
    from certsvc_sdk.cli import policies  # most runs verify

    if args.action == "schema":
        policies.print_schema()
        return OK
    return OK if policies.check_policy(args.file) else REFUSED


def _needs_no_root(args: argparse.Namespace) -> bool:
    """Tell whether a command does without: a log by its key, a new key, a look into a bundle."""
    if args.command == "bundle":
        return bool(args.action == "show")
    return bool(getattr(args, "vkey", None) or getattr(args, "new_key", False))


def _apart(args: argparse.Namespace, clock: Callable[[], float]) -> int:
    try:
        if args.command == "log":
            from certsvc_sdk.cli import logs  # most runs verify

            return logs.run(args, clock)
        from certsvc_sdk.cli import bundles

        return bundles.run(args, clock)
    except CertsvcError as error:
        print(f"certsvc-sdk: {printable(reason(error))} [{error.code}]", file=sys.stderr)
        return USAGE


def _prefetch(verifier: Verifier) -> int:
    result = verifier.prefetch()
    print(f"发证机关 Issuers: {result.issuers}  状态列表 Status lists: {result.lists}")
    if not result.trust:
        print("信任清单未能更新 The trust data was not refreshed.", file=sys.stderr)
    for address in result.failed:
        print(f"未能下载 Not fetched: {printable(address)}", file=sys.stderr)
    return OK if result.complete else UNKNOWN
