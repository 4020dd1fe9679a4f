"""Options that name whom to ask for typed codes."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from certsvc_sdk.errors import CodeUnavailable
from certsvc_sdk.resolver import HttpResolver, Resolver, Resolvers


def add_resolvers(parser: argparse.ArgumentParser, env: Mapping[str, str]) -> None:
    """Add the options.

    Args:
        parser: of a command that takes typed codes.
        env: the environment; addresses stand there with spaces between them.
    """
    parser.add_argument(
        "--resolver",
        metavar="URL",
        action="append",
        default=env.get("CERTSVC_RESOLVER", "").split(),
        help="短码查询地址 issuer service that knows typed codes [CERTSVC_RESOLVER]",
    )
    parser.add_argument(
        "--resolver-client",
        metavar="FILE",
        default=env.get("CERTSVC_RESOLVER_CLIENT"),
        help="查询凭据 client_id:secret, a line for each resolver [CERTSVC_RESOLVER_CLIENT]",
    )


def resolver_of(args: argparse.Namespace) -> Resolver | None:
    """Return whom to ask; None: nobody.

    Raises:
        CodeUnavailable: the file does not fit the addresses, or cannot be read.
        FetchFailed: an address is of a kind that is not allowed.
    """
    bases = getattr(args, "resolver", [])
    if not bases:
        return None
    if args.resolver_client is None:
        raise CodeUnavailable("--resolver needs --resolver-client")
    try:
        lines = Path(args.resolver_client).read_text(encoding="ascii").split()
    except (OSError, ValueError) as error:
        raise CodeUnavailable("the file of resolver clients cannot be read") from error
    if len(lines) != len(bases):
        raise CodeUnavailable("the file needs a line client_id:secret for each resolver")
    each = []
    for base, line in zip(bases, lines, strict=True):
        client_id, _, secret = line.partition(":")
        address = base.rstrip("/") + "/"
        each.append(HttpResolver(address, client_id=client_id, secret=secret))
    return Resolvers(each)
