"""Lists of revocations: what belongs on them, when they are due, and how they are published.

What was published as revoked stays so: a new list holds whatever the operators said, the last
list, the published one, and the key store's compromised keys hold.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from certsvc.publishing.ca_files import ROOT, AuthorityFacts, AuthorityFolder
from certsvc.publishing.ca_keys import PUBLISHED, Workshop, refusals
from certsvc.publishing.tree import PublishedTree
from certsvc_sdk.errors import ChainInvalid
from certsvc_sdk.x509.chain import certified_key
from certsvc_sdk.x509.lists import Revocation, RevocationList, read_own_list, revocation_list
from certsvc_sdk.x509.reading import read_certificate
from certsvc_sdk.x509.signing import ExternalKey
from keys import KeyStore, State

DAY = 86_400
#: What an operator may say; the first of two that were said counts (RFC 5280 section 5.3.1).
#: No hold: it would have to be taken back, and nothing is.
REASONS = (
    "keyCompromise",
    "cACompromise",
    "privilegeWithdrawn",
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
)
#: Somebody else has, or had, the key.
STOLEN = frozenset({"keyCompromise", "cACompromise"})


def sign_list(
    facts: AuthorityFacts,
    certificate: bytes,
    key: ExternalKey,
    revocations: Iterable[Revocation],
    *,
    after: int,
    now: int,
) -> bytes:
    """An authority's next list.

    Its number is at least the time: where every list of before is lost, the next one still counts
    as newer.

    Args:
        facts: who the authority is.
        certificate: its certificate, DER.
        key: its key.
        revocations: all there ever were.
        after: the highest number used before.
        now: Unix seconds.

    Raises:
        CertificateRefused: readers would refuse it.
    """
    with refusals():
        return revocation_list(
            certificate,
            key,
            revocations,
            number=max(after + 1, now),
            start=now,
            end=now + facts.list_days * DAY,
        )


def renew_list(
    workshop: Workshop,
    name: str,
    *,
    stolen: Mapping[str, int],
    tree: PublishedTree | None,
    now: int,
    force: bool = False,
) -> bool:
    """Sign an authority's list anew where it is due: half spent, or something is to be added.

    Args:
        workshop: folder and keys.
        name: the authority.
        stolen: when each compromised key was, by key id.
        tree: the published tree; None where there is none, as on a machine in a safe.
        now: Unix seconds.
        force: due in any case.

    Returns:
        Whether there is a new list in the folder.

    Raises:
        AuthorityKeyAway: it is due, and the key cannot be reached from here.
        AuthorityMissing, TreeUnreadable: the folder.
        CertificateRefused, KeysError: it cannot be signed.
    """
    facts, certificate = workshop.folder.facts(name), workshop.folder.certificate(name)
    last = _own(workshop.folder.list(name), certificate)
    published = None if tree is None else published_list(tree, name, certificate)
    known = [one for one in (last, published) if one is not None]
    wanted = merged(
        [
            *(entry for one in known for entry in one.entries.values()),
            *workshop.folder.revoked(name),
            *_of_stolen_keys(workshop, name, stolen, now),
        ]
    )
    highest = max((one.number for one in known), default=0)
    complete = last is not None and last.number == highest and last.entries == wanted
    if not force and complete and last is not None and not is_due(last, now):
        return False
    key = workshop.key(facts)
    made = sign_list(facts, certificate, key, wanted.values(), after=highest, now=now)
    workshop.folder.put_list(name, made)
    return True


def publish_files(workshop: Workshop, tree: PublishedTree) -> bool:
    """Put every authority's certificate and list where readers look; the caller holds the tree.

    A list never gives way to one with a lower number: a folder may come from a backup.

    Returns:
        Whether anything was written.

    Raises:
        AuthorityMissing, TreeUnreadable: the folder.
        OSError: the tree cannot be written.
    """
    written = []
    for name in workshop.folder.names():
        certificate, data = workshop.folder.certificate(name), workshop.folder.list(name)
        ours, theirs = _own(data, certificate), published_list(tree, name, certificate)
        written.append(tree.write_if_changed(f"{PUBLISHED}/{name}.cer", certificate))
        if ours is not None and (theirs is None or theirs.number < ours.number):
            written.append(tree.write_if_changed(f"{PUBLISHED}/{name}.crl", data))
    return any(written)


def published_list(tree: PublishedTree, name: str, certificate: bytes) -> RevocationList | None:
    """What readers see of an authority's list; None where that is nothing of this authority."""
    data = tree.read(f"{PUBLISHED}/{name}.crl")
    return None if data is None else _own(data, certificate)


def is_due(found: RevocationList, now: int) -> bool:
    """Whether a list is half spent, or made by a clock that was ahead."""
    return found.start > now or now >= (found.start + found.end) // 2


def merged(revocations: Iterable[Revocation]) -> dict[int, Revocation]:
    """One entry for each certificate: the earliest moment, the gravest reason."""
    found: dict[int, Revocation] = {}
    for one in revocations:
        other = found.get(one.serial, one)
        since = [each.invalid_since for each in (one, other) if each.invalid_since is not None]
        found[one.serial] = replace(
            one,
            at=min(one.at, other.at),
            reason=min(one.reason, other.reason, key=_gravity),
            invalid_since=min(since, default=None),
        )
    return found


def taken_back(folder: AuthorityFolder, name: str) -> frozenset[int]:
    """Serial numbers that an authority took back, listed or not yet.

    Raises:
        AuthorityMissing, TreeUnreadable: the folder.
    """
    listed = _own(folder.list(name), folder.certificate(name))
    entries = () if listed is None else listed.entries
    return frozenset([*entries, *(one.serial for one in folder.revoked(name))])


def living(folder: AuthorityFolder) -> tuple[str, ...]:
    """The authorities that the root has not taken back.

    Raises:
        AuthorityMissing, TreeUnreadable: the folder.
    """
    ended = taken_back(folder, ROOT) if folder.names() else frozenset()
    return tuple(
        name
        for name in folder.names()
        if read_certificate(folder.certificate(name)).serial_number not in ended
    )


def stolen_keys(keys: KeyStore | None) -> dict[str, int]:
    """When each compromised key of a store was compromised, by key id.

    Raises:
        KeysError: the store does not answer.
    """
    if keys is None:
        return {}
    return {
        info.kid: info.compromised_at
        for info in keys.list()
        if info.state is State.COMPROMISED and info.compromised_at is not None
    }


def _gravity(reason: str) -> int:
    return REASONS.index(reason) if reason in REASONS else len(REASONS)


def _of_stolen_keys(
    workshop: Workshop, name: str, stolen: Mapping[str, int], now: int
) -> Iterable[Revocation]:
    """Certificates of compromised keys; below a stolen authority's key nothing can be believed."""
    if not stolen:
        return
    authorities = {workshop.folder.facts(each).kid for each in workshop.folder.names()}
    for serial, data in workshop.folder.issued(name).items():
        kid = certified_key(data).kid
        if kid in stolen:
            reason = "cACompromise" if kid in authorities else "keyCompromise"
            since = stolen[kid]
            yield Revocation(serial=serial, at=now, reason=reason, invalid_since=since)


def _own(data: bytes, certificate: bytes) -> RevocationList | None:
    try:
        return read_own_list(data, certificate)
    except ChainInvalid:
        return None
