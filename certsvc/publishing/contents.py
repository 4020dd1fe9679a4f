"""What a trust repository holds, apart from its signatures: first root, `about.json`, records."""

from securesystemslib.signer import Key
from tuf.api.metadata import Delegations, Root, Targets

from certsvc.publishing.edition import Edition
from certsvc.publishing.errors import RecordRefused, TreeUnreadable
from certsvc.publishing.roles import ROOT_LIFE, expiry
from certsvc_sdk.errors import Malformed, TrustInvalid
from certsvc_sdk.trust.about import ABOUT_TARGET, About, Environment, parse_about
from certsvc_sdk.trust.record import IssuerRecord, issuer_target, parse_record


def new_root(roles: dict[str, tuple[list[Key], int]], now: int) -> Root:
    """The first root.

    Args:
        roles: keys and threshold of each role of the top level.
        now: Unix seconds.
    """
    root = Root(expires=expiry(now, ROOT_LIFE), consistent_snapshot=True)
    for name, (keys, threshold) in roles.items():
        for key in keys:
            root.add_key(key, name)
        root.roles[name].threshold = threshold
    return root


def fill_first(edition: Edition, about: bytes, now: int) -> None:
    """What the first edition holds: the top-level targets with `about.json`."""
    targets = edition.edit(Targets.type, now)
    targets.delegations = Delegations(keys={}, roles={})
    edition.list_target(Targets.type, ABOUT_TARGET, about, now)


def checked_about(about: About) -> bytes:
    """Bytes of `about.json`.

    Raises:
        RecordRefused: verifiers would refuse it.
    """
    data = about.to_bytes()
    try:
        parse_about(data)
    except TrustInvalid as error:
        raise RecordRefused(str(error)) from error
    return data


def about_of(edition: Edition) -> About:
    """What an edition says of itself.

    Raises:
        TreeUnreadable: nothing that can be read.
    """
    targets = edition.role(Targets.type)
    target = None if targets is None else targets.targets.get(ABOUT_TARGET)
    files = edition.contents.get(Targets.type, {})
    try:
        staged = next((d for p, d in files.items() if p.endswith(f".{ABOUT_TARGET}")), None)
        if staged is None:
            staged = b"" if target is None else edition.files.read_target(target)
        return parse_about(staged)
    except TrustInvalid as error:
        raise TreeUnreadable(str(error)) from error


def checked_record(record: IssuerRecord, about: About) -> tuple[str, bytes]:
    """Path and bytes of a record that every verifier will accept.

    Raises:
        RecordRefused: verifiers would refuse it.
    """
    data = record.to_bytes()
    try:
        path = issuer_target(parse_record(data).iss)
    except (Malformed, TrustInvalid) as error:
        raise RecordRefused(str(error)) from error
    if record.uses_loopback and about.env is not Environment.DEMO:
        raise RecordRefused("plain http addresses are for demonstrations")
    return path, data
