"""Options of the commands about the transparency log; the commands themselves load when run."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Generic for type checkers only.
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_witnesses(parser: argparse.ArgumentParser) -> None:
    """Add the options that name trusted witnesses."""
    parser.add_argument(
        "--witness",
        metavar="VKEY",
        action="append",
        default=[],
        help="可信见证方的验证密钥 verifier key of a trusted witness (repeat)",
    )
    parser.add_argument(
        "--witnesses",
        type=int,
        metavar="N",
        help="须有几个见证方（默认全部） how many of them must have signed (all)",
    )


def add_history(commands: "Commands", common: argparse.ArgumentParser) -> None:
    """Add `history`."""
    parser = commands.add_parser(
        "history", parents=[common], help="证照履历 the life of a certificate, with proof"
    )
    parser.add_argument("what", metavar="TEXT|FILE|-")
    parser.add_argument(
        "--at",
        metavar="DATE",
        help="是否在该日（北京时间）有效 was it in force on YYYY-MM-DD[THH:MM], Beijing time",
    )
    parser.add_argument(
        "--log-proof", metavar="FILE", help="随附的公示证明 log proof that came with it"
    )
    add_witnesses(parser)
    parser.add_argument("--json", action="store_true", help="输出JSON print JSON")


def add_log(commands: "Commands", common: argparse.ArgumentParser) -> None:
    """Add `log watch` and `log cosign`."""
    log = commands.add_parser("log", help="签发公示日志 the transparency log")
    actions = log.add_subparsers(dest="action", required=True)
    which = argparse.ArgumentParser(add_help=False, parents=[common])
    which.add_argument("--iss", help="发证机关标识 issuer whose log and leaves are meant")
    which.add_argument(
        "--vkey",
        metavar="VKEY",
        action="append",
        default=[],
        help="日志的验证密钥，代替信任根 verifier key of the log, in place of --root (repeat)",
    )
    which.add_argument(
        "--state", metavar="FILE", help="观察记录 what was seen so far (log-watch.json)"
    )
    add_witnesses(which)
    watch = actions.add_parser(
        "watch", parents=[which], help="持续核对日志 follow the log and compute all of it again"
    )
    watch.add_argument("--once", action="store_true", help="只核对一次 look once")
    watch.add_argument(
        "--interval", type=float, default=30.0, metavar="S", help="间隔秒数 seconds (30)"
    )
    watch.add_argument(
        "--backdating",
        type=int,
        default=3600,
        metavar="S",
        help="本机关条目时间最多早多少秒 seconds that own leaves may be backdated (3600)",
    )
    cosign = actions.add_parser(
        "cosign", parents=[which], help="见证签名 cosign the newest checkpoint that was verified"
    )
    cosign.add_argument("--key", metavar="FILE", required=True, help="见证密钥 the witness's key")
    cosign.add_argument("--name", required=True, help="见证方名称 the witness's name")
    cosign.add_argument(
        "--new-key", action="store_true", help="生成密钥并输出验证密钥 make the key, print its vkey"
    )
