"""Options of `bundle make|show|use`; the commands themselves load when run."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Generic for type checkers only.
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_bundle(commands: "Commands", common: argparse.ArgumentParser) -> None:
    """Add `bundle make`, `bundle show` and `bundle use`."""
    group = commands.add_parser("bundle", help="离线数据包 offline data as one file")
    actions = group.add_subparsers(dest="action", required=True)
    make = actions.add_parser(
        "make", parents=[common], help="制作 fetch all and write it to one file"
    )
    make.add_argument("file", metavar="FILE")
    make.add_argument(
        "--key", metavar="FILE", help="制作方私钥（Ed25519，PEM） private key of the maker"
    )
    make.add_argument(
        "--new-key",
        action="store_true",
        help="先生成私钥 make the key first, print its public part",
    )
    show = actions.add_parser(
        "show", parents=[common], help="查看 say what is in it; with --root, what of it verifies"
    )
    show.add_argument("file", metavar="FILE")
    use = actions.add_parser("use", parents=[common], help="导入缓存 take it into the cache")
    use.add_argument("file", metavar="FILE")
    for action in (show, use):
        action.add_argument(
            "--maker",
            metavar="KEY",
            action="append",
            default=[],
            help="须由其签名的制作方公钥 public key of a maker who must have signed it (repeat)",
        )
        action.add_argument("--json", action="store_true", help="输出JSON print JSON")
