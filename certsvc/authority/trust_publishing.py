"""Takes signed requests back and publishes what is complete; what is not goes on waiting."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tuf.api.metadata import Metadata, Root, Targets

from certsvc.authority.listings import note_published
from certsvc.authority.trust_errors import NothingStaged, RequestStale, RightTooSoon
from certsvc.authority.trust_request import Request, parse_role
from certsvc.authority.trust_signing import parts_of, signers_of
from certsvc.authority.trust_staging import Staging, merge
from certsvc.authority.trust_words import lies_within
from certsvc.authority.world import Authority, keep_issuer
from certsvc.home import write_private
from certsvc.publishing.edition import Edition
from certsvc.publishing.metadata import publish_issuer_metadata
from certsvc.publishing.online import OnlineKeys
from certsvc.publishing.publication import blocked, prepare, publish
from certsvc.publishing.roles import DAY
from certsvc.service.engine import writing
from certsvc_sdk.errors import TrustInvalid
from certsvc_sdk.trust.record import IssuerRecord, Right, parse_record

#: New rights are public so long before they begin (threat T49), in seconds.
PUBLIC_DELAY = DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A part that is not published yet.

    Attributes:
        role: its name.
        version: that it would have.
        threshold: signatures it needs.
        signed: ids of keys that signed.
        missing: ids of keys that could sign still.
        behind: the role whose publication it waits for; itself where signatures lack.
    """

    role: str
    version: int
    threshold: int
    signed: tuple[str, ...]
    missing: tuple[str, ...]
    behind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of the staged parts; `retired` and `kept` as `trust_work.Change`."""

    published: tuple[str, ...]
    waiting: tuple[Waiting, ...]
    records: tuple[IssuerRecord, ...] = ()
    retired: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def base_edition(authority: Authority, request: Request | None) -> Edition:
    """What readers see; before the first ceremony an empty repository under the staged root.

    Raises:
        TrustMissing: there is neither.
        TreeUnreadable: the repository is damaged.
    """
    first = None if request is None else request.parts.get(Root.type)
    if authority.trust.initialised or first is None or (request and request.roots):
        return authority.trust.edition()
    return Edition.first(authority.trust.files, parse_role(Root.type, first), 0)


def publish_staged(authority: Authority, carried: Iterable[Request], *, now: int) -> Result:
    """Merge signatures, and publish every part that is complete.

    Signatures of a change that is still incomplete are kept. A run that a crash broke off is
    finished by the same call.

    Args:
        authority: the installation, opened to write.
        carried: requests as officers brought them back; may be empty.
        now: Unix seconds.

    Raises:
        NothingStaged: no change waits.
        RequestStale: somebody else published or staged meanwhile.
        KeyNotInRole, RequestRefused: a signature that does not belong there; nothing is kept.
        RightTooSoon: a new right would begin before its public delay is over.
        PublishingError, KeysError: nothing was published.
    """
    staging = Staging(authority.settings.home)
    staged = staging.load()
    if staged is None:
        # After a crash, or over a store read only, a former key may still be active.
        retired = _retire_former(authority, now)
        if retired:
            return Result(published=(), waiting=(), retired=retired)
        raise NothingStaged("no change waits for signatures")
    edition = base_edition(authority, staged)
    done = _done(edition, staged)
    if done:
        staged = replace(staged, parts={n: t for n, t in staged.parts.items() if n not in done})
        staging.save(staged)
    if not staged.parts:
        return Result(published=tuple(done), waiting=())
    _check_fresh(edition, staged)
    _overlay(edition, staging)
    staged = merge(staged, edition, carried) if not done else staged
    staging.save(staged)
    online = authority.trust.online()
    prepare(edition, online, now)
    # Extended by drafts of online roles that change with them.
    waiting = tuple(each for each in _drop_blocked(edition) if each.role in staged.parts)
    if not parts_of(edition):
        return Result(published=tuple(done), waiting=waiting)
    records = _records(edition, staged.records)
    _check_delay(edition, staged, records, now)
    _publish(authority, edition, online, records, now)
    left = {each.role for each in waiting}
    staging.save(replace(staged, parts={n: t for n, t in staged.parts.items() if n in left}))
    return Result(
        published=tuple(sorted({*done, *staged.parts} - left)),
        waiting=waiting,
        records=tuple(records.values()),
        retired=tuple(online.retired),
        kept=tuple(online.kept),
    )


def waiting_parts(authority: Authority) -> tuple[Waiting, ...]:
    """What waits, without changing anything."""
    staging = Staging(authority.settings.home)
    staged = staging.load()
    if staged is None:
        return ()
    edition = base_edition(authority, staged)
    _overlay(edition, staging)
    return tuple(_waiting(edition, name, name) for name in parts_of(edition))


def _retire_former(authority: Authority, now: int) -> tuple[str, ...]:
    if not authority.trust.initialised:
        return ()
    return authority.trust.retire_former(authority.trust.edition(), authority.trust.online(), now)


def _publish(
    authority: Authority,
    edition: Edition,
    online: OnlineKeys,
    records: Mapping[str, IssuerRecord],
    now: int,
) -> None:
    # One transaction around both: what readers cannot have seen is not on record here either.
    with writing(authority.engine) as connection:
        for record in records.values():
            keep_issuer(connection, record, authority, now=now)
        publish(edition, online, now)
    for record in records.values():
        publish_issuer_metadata(authority.tree, record)
    note_published(authority.engine, records.values(), now=now)
    pin_root(authority)


def pin_root(authority: Authority) -> None:
    """Keep the first root for this installation's own verifiers: set-up is complete."""
    if not authority.settings.trust_root.is_file():
        write_private(authority.settings.trust_root, authority.trust.root(), mode=0o644)


def _overlay(edition: Edition, staging: Staging) -> None:
    staging.overlay(edition)
    if edition.timestamp is None and edition.next_root is not None:
        edition.root = edition.next_root


def _done(edition: Edition, staged: Request) -> tuple[str, ...]:
    """Parts that readers see already: a run before this one was broken off behind them."""
    found = []
    for name, text in staged.parts.items():
        part = parse_role(name, text)
        there: Metadata[Root] | Metadata[Targets] | None
        if name == Root.type:
            there = edition.root if edition.timestamp is not None else None
        else:
            there = edition.published(name)
        if there is not None and there.signed == part.signed:
            found.append(name)
    return tuple(found)


def _check_fresh(edition: Edition, staged: Request) -> None:
    for name in staged.parts:
        if name == Root.type:
            count = 0 if edition.timestamp is None else edition.root.signed.version
            fresh = len(staged.roots) == count
        else:
            there = edition.published(name)
            now = None if there is None else there.to_bytes().decode()
            fresh = staged.published.get(name) == now or not edition.is_published(name)
        if not fresh:
            raise RequestStale(f"{name} was published meanwhile: withdraw, change and sign anew")


def _drop_blocked(edition: Edition) -> tuple[Waiting, ...]:
    """Leave out what readers could not follow yet, and say for what it waits."""
    before = {name: _waiting(edition, name, name) for name in parts_of(edition)}
    waiting: list[Waiting] = []
    while lacking := blocked(edition):
        waiting += [replace(before[name], behind=behind) for name, behind in lacking.items()]
        for name in lacking:
            if name == Root.type:
                edition.next_root = None
            else:
                del edition.drafts[name]
                edition.contents.pop(name, None)
        if edition.timestamp is None:
            waiting += [replace(before[name], behind=Root.type) for name in edition.drafts]
            edition.drafts.clear()
            edition.next_root = None
            break
    return tuple(waiting)


def _waiting(edition: Edition, name: str, behind: str) -> Waiting:
    part = parts_of(edition)[name]
    role = edition.role_keys(name)
    signers = signers_of(edition, name)
    signed = tuple(sorted(part.signatures.keys() & signers))
    return Waiting(
        role=name,
        version=part.signed.version,
        threshold=1 if role is None else role.threshold,
        signed=signed,
        missing=tuple(sorted(signers - set(signed))),
        behind=behind,
    )


def _records(edition: Edition, records: Mapping[str, str]) -> dict[str, IssuerRecord]:
    found: dict[str, IssuerRecord] = {}
    for name, draft in edition.drafts.items():
        old = edition.published(name)
        listed = {} if old is None else old.signed.targets
        for path, target in draft.signed.targets.items():
            text = records.get(target.hashes["sha256"])
            if listed.get(path) == target or text is None or not path.startswith("issuers/"):
                continue
            try:
                found[path] = parse_record(text.encode())
            except TrustInvalid as error:
                raise RequestStale(f"{path} cannot be read any more") from error
    return found


def _check_delay(
    edition: Edition, staged: Request, records: Mapping[str, IssuerRecord], now: int
) -> None:
    if staged.at_once:
        return
    for path, record in records.items():
        known = _published_rights(edition, path)
        check_delay(known, record.rights, now)


def _published_rights(edition: Edition, path: str) -> tuple[Right, ...]:
    bare = Edition(
        files=edition.files,
        root=edition.root,
        timestamp=edition.timestamp,
        snapshot=edition.snapshot,
    )
    found = bare.find(path)
    if found is None:
        return ()
    return parse_record(edition.files.read_target(found[1])).rights


def check_delay(old: Iterable[Right], new: Iterable[Right], now: int) -> None:
    """Refuse new rights that begin before the public delay is over.

    Raises:
        RightTooSoon: one does.
    """
    known = tuple(old)
    for right in new:
        added = not any(lies_within(right, each) for each in known)
        if added and right.not_before < now + PUBLIC_DELAY:
            raise RightTooSoon(
                "a new right begins less than 24 hours from now: set it later, or say --at-once"
            )
