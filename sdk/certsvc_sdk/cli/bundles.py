"""`certsvc-sdk bundle`: make, show and use an offline bundle."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from certsvc_sdk import bundle
from certsvc_sdk.bundle.archive import MAX_BUNDLE
from certsvc_sdk.cli.key_files import key_in
from certsvc_sdk.cli.printing import printable
from certsvc_sdk.client import Verifier
from certsvc_sdk.durable import replace_file
from certsvc_sdk.errors import TrustUnavailable
from certsvc_sdk.verdict import clock_text

OK, REFUSED, UNKNOWN = 0, 1, 3
_MODE: Final = 0o644


def run(args: argparse.Namespace, clock: Callable[[], float]) -> int:
    """Run `bundle make`, `bundle show` or `bundle use`.

    Raises:
        CertsvcError: it cannot be carried out.
    """
    return {"make": _make, "show": _show, "use": _use}[args.action](args, clock)


def _make(args: argparse.Namespace, clock: Callable[[], float]) -> int:
    key = None if args.key is None else _maker(Path(args.key), new=args.new_key)
    verifier = _verifier(args, clock, offline=args.offline)
    complete = True
    if not args.offline:
        found = verifier.prefetch()
        complete = found.complete
        for address in found.failed:
            print(f"未能下载 Not fetched: {printable(address)}", file=sys.stderr)
    data = bundle.make(verifier, key)
    try:
        replace_file(Path(args.file), data, mode=_MODE)
    except (OSError, ValueError) as error:
        raise bundle.BundleInvalid("the bundle cannot be written") from error
    print(f"离线数据包已写入 Written: {printable(args.file)} ({len(data):,} B)")
    if key is not None:
        print(f"制作方公钥 Maker's public key: {key.public}")
    return OK if complete else UNKNOWN


def _show(args: argparse.Namespace, clock: Callable[[], float]) -> int:
    found = bundle.read(_read(args.file))
    maker = found.maker(args.maker) if args.maker else None
    used = None
    if args.root:
        # Into a cache of its own, gone at once: nothing is taken over by looking.
        args.cache = None
        used = bundle.use(_verifier(args, clock, offline=True), found, makers=args.maker)
    if args.json:
        print(json.dumps(_claims(found, maker, used), ensure_ascii=False, indent=2))
    else:
        _print_claims(found, maker)
        if used is not None:
            _print_used(used)
    return OK if used is None or used.complete else REFUSED


def _use(args: argparse.Namespace, clock: Callable[[], float]) -> int:
    if not args.cache:
        raise TrustUnavailable("--cache is needed: where the data shall stay")
    verifier = _verifier(args, clock, offline=True)
    used = bundle.use(verifier, _read(args.file), makers=args.maker)
    if args.json:
        print(json.dumps(_used(used), ensure_ascii=False, indent=2))
    else:
        _print_used(used)
    if not used.complete:
        return REFUSED
    return OK if verifier.now < used.expires else UNKNOWN


def _verifier(args: argparse.Namespace, clock: Callable[[], float], *, offline: bool) -> Verifier:
    return Verifier.from_root(
        args.root, url=args.url, cache_dir=args.cache, offline=offline, clock=clock
    )


def _maker(path: Path, *, new: bool) -> bundle.Maker:
    return bundle.Maker(key_in(path, new=new, whose="maker", refusal=bundle.BundleInvalid))


def _read(name: str) -> bytes:
    try:
        with Path(name).open("rb") as file:
            return file.read(MAX_BUNDLE + 1)
    except (OSError, ValueError) as error:
        raise bundle.BundleInvalid("the file cannot be read") from error


def _claims(found: bundle.Bundle, maker: str | None, used: bundle.Used | None) -> dict[str, Any]:
    manifest = found.manifest
    return {
        "made_at": manifest.made_at,
        "trust_verified_at": manifest.trust_verified_at,
        "signed": found.is_signed,
        "maker": maker,
        "parts": {name: part.to_json() for name, part in manifest.parts.items()},
        "verified": None if used is None else _used(used),
    }


def _used(used: bundle.Used) -> dict[str, Any]:
    return {
        "as_of": used.as_of,
        "expires": used.expires,
        "issuers": used.issuers,
        "lists": used.lists,
        "types": used.types,
        "refused": list(used.refused),
        "maker": used.maker,
    }


def _print_claims(found: bundle.Bundle, maker: str | None) -> None:
    manifest = found.manifest
    print("自述内容，未经核实 What it says of itself, not verified:")
    print(f"  制作时间 Made: {_moment(manifest.made_at)}")
    if maker is not None:
        print(f"  制作方签名有效 Signed by: {maker}")
    else:
        words = "有签名，未核对 yes, not checked" if found.is_signed else "无 none"
        print(f"  制作方签名 Signature: {words}")
    for folder, words in (
        ("trust/", "信任数据 Trust data"),
        ("status/", "状态列表 Status lists"),
        ("types/", "类型元数据 Type metadata"),
    ):
        sizes = [part.size for name, part in manifest.parts.items() if name.startswith(folder)]
        print(f"  {words}: {len(sizes)} ({sum(sizes):,} B)")


def _print_used(used: bundle.Used) -> None:
    print("经核实 Verified under the root:")
    print(f"  信任数据截至 Trust data as of: {_moment(used.as_of)}")
    print(f"  信任数据有效至 Trust data end: {_moment(used.expires)}")
    print(
        f"  发证机关 Issuers: {used.issuers}  状态列表 Status lists: {used.lists}"
        f"  类型元数据 Types: {used.types}"
    )
    if used.maker is not None:
        print(f"  制作方 Maker: {used.maker}")
    for name in used.refused:
        print(f"未采信 Not believed: {printable(name)}", file=sys.stderr)


def _moment(moment: int) -> str:
    return f"{clock_text(moment, year=True)} (UTC+8)"
