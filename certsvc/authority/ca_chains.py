"""The chains of certificates that issuers' records give for their keys."""

from collections.abc import Mapping, Sequence

from certsvc.authority.records import Outcome, Publication, publish_records, rebuilt
from certsvc.authority.world import Authority
from certsvc.publishing.ca_files import AuthorityFolder
from certsvc.publishing.ca_issuing import chain_above
from certsvc.publishing.ca_lists import living, taken_back
from certsvc_sdk.trust.record import IssuerRecord
from certsvc_sdk.x509.chain import certified_key, write_x5c
from certsvc_sdk.x509.names import office_of
from certsvc_sdk.x509.path import period
from certsvc_sdk.x509.reading import read_certificate


def publish_chains(
    authority: Authority, folder: AuthorityFolder, records: Sequence[IssuerRecord], *, now: int
) -> Publication:
    """Write the newest certificate of each key into its issuer's record.

    Args:
        authority: the installation, opened to write.
        folder: of the authorities.
        records: of the issuers, as they are on record.
        now: Unix seconds.

    Raises:
        PublishingError, KeysError: as `publish_records`.
    """
    known = chains(folder)
    # Whose chains stay as they are is left alone, whatever else may wait to be published.
    changed = [
        rebuilt(
            record, authority.keys, base_url=authority.settings.public_url, chains=known[record.iss]
        )
        for record in records
        if _has_news(record, known.get(record.iss, {}))
    ]
    if not changed:
        return Publication(outcome=Outcome.UNCHANGED, records=tuple(records))
    return publish_records(authority, changed, now=now)


def chains(folder: AuthorityFolder) -> dict[str, dict[str, tuple[str, ...]]]:
    """By issuer and key id, the `x5c` that lasts longest among those not taken back.

    Raises:
        AuthorityMissing, TreeUnreadable: the folder.
    """
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    best: dict[tuple[str, str], tuple[bool, int, int]] = {}
    good = living(folder)
    for name in folder.names():
        ended = taken_back(folder, name)
        for serial, data in folder.issued(name).items():
            certificate = read_certificate(data)
            office = office_of(certificate)
            if office is None:
                continue  # an authority's
            kid = certified_key(data).kid
            rank = (name in good and serial not in ended, period(certificate)[1], serial)
            if rank > best.get((office.iss, kid), (False, -1, -1)):
                best[office.iss, kid] = rank
                chain = (data, *chain_above(folder, name))
                found.setdefault(office.iss, {})[kid] = write_x5c(chain)
    return found


def _has_news(record: IssuerRecord, chains: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether some key of a record has another chain than the record says."""
    return any(chains.get(key.kid, key.x5c) != key.x5c for key in record.keys)
