"""What hangs on a key, before anything is done to it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from certsvc.authority.keys_compromise import CERTIFICATE, STATUS, published_log_size
from certsvc.authority.keys_listing import records_of
from certsvc.authority.world import Authority
from certsvc.service.engine import reading
from certsvc.storage.key_use import LIVE, KeyUse
from certsvc.storage.status_lists import StatusLists
from keys import KeyInfo

#: Certificates that are named one by one; the numbers are of all.
NAMED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Certificates of a type, as the key's compromise would leave them.

    Attributes:
        type: short name.
        states: certificates by state.
        live: those somebody may rely on.
        kept: of these, those before the line: they stay valid.
        lost: of these, the others: they must be issued again.
    """

    type: str
    states: Mapping[str, int]
    live: int
    kept: int
    lost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What hangs on a key.

    Attributes:
        key: as it stands.
        log_size: leaves that the published checkpoint proves; None: no log is published.
        cut: the line that the numbers are for; None: nothing would be accepted.
        at: the moment the operator asked about; None: now.
        log_size_at: leaves written before that moment: a line further back.
        rows: by type, largest first.
        lists: certificates by status list; for a status key, every list it signs.
        lost: certificates to be issued again, at most `NAMED`.
    """

    key: KeyInfo
    log_size: int | None
    cut: int | None
    at: int | None
    log_size_at: int | None
    rows: tuple[Row, ...]
    lists: Mapping[int, int]
    lost: tuple[str, ...]

    @property
    def live(self) -> int:
        """Certificates that somebody may rely on."""
        return sum(row.live for row in self.rows)

    @property
    def kept(self) -> int:
        """Of these, those that stay valid."""
        return sum(row.kept for row in self.rows)

    def to_json(self) -> dict[str, object]:
        """All of it, for machines."""
        return {
            "issuer": self.key.issuer_id,
            "kid": self.key.kid,
            "purpose": self.key.purpose,
            "state": self.key.state.value,
            "log_size": self.log_size,
            "cut": self.cut,
            "at": self.at,
            "log_size_at": self.log_size_at,
            "live": self.live,
            "kept": self.kept,
            "lost": self.live - self.kept,
            "types": [
                {
                    "type": row.type,
                    "states": dict(row.states),
                    "live": row.live,
                    "kept": row.kept,
                    "lost": row.lost,
                }
                for row in self.rows
            ],
            "status_lists": {str(number): count for number, count in self.lists.items()},
            "lost_certificates": list(self.lost),
            "lost_certificates_complete": len(self.lost) == self.live - self.kept,
        }


def impact(
    authority: Authority,
    owner: str,
    kid: str,
    *,
    log_index: int | None = None,
    at: int | None = None,
) -> Impact:
    """Say what a key's compromise would do; changes nothing.

    Args:
        authority: the installation; it need not be opened to write.
        owner: whose key.
        kid: which.
        log_index: the line to ask about; None: the one on record, else the published log's end.
        at: also say how far the log reached at that moment, Unix seconds.

    Raises:
        IssuerUnknown, KeyOwnerUnmanaged, KeyUnknown: no such key is managed here.
        TreeUnreadable: the published checkpoint is damaged.
    """
    records_of(authority, owner)
    key = authority.keys.get(owner, kid)
    size = published_log_size(authority)
    cut = _line(key, log_index, size)
    with reading(authority.engine) as connection:
        use = KeyUse(connection)
        tallies = use.tallies(owner, kid) if key.purpose == CERTIFICATE else []
        live: Counter[str] = Counter()
        states: dict[str, Counter[str]] = {}
        lists: Counter[int] = Counter()
        for one in tallies:
            states.setdefault(one.type, Counter())[one.state.value] += one.count
            if one.state in LIVE:
                live[one.type] += one.count
                lists[one.list_no] += one.count
        kept = _kept(use, key, live, cut=cut, size=size)
        lost = _lost(use, key, cut) if live else ()
        if key.purpose == STATUS:
            lists = Counter({one.list_no: one.used for one in StatusLists(connection).all(owner)})
        size_at = None if at is None else use.log_size_at(at, size=size or 0)
    rows = [
        Row(type=name, states=states[name], live=live[name], kept=kept[name],
            lost=live[name] - kept[name])
        for name in sorted(states, key=lambda name: (-live[name], name))
    ]  # fmt: skip
    return Impact(
        key=key,
        log_size=size,
        cut=cut,
        at=at,
        log_size_at=size_at,
        rows=tuple(rows),
        lists=dict(sorted(lists.items())),
        lost=tuple(lost),
    )


def _line(key: KeyInfo, log_index: int | None, size: int | None) -> int | None:
    if key.purpose != CERTIFICATE or size is None:
        return None
    if log_index is not None:
        return min(log_index, size)
    return key.accept_before_log_index if key.compromised_at is not None else size


def _kept(
    use: KeyUse, key: KeyInfo, live: Mapping[str, int], *, cut: int | None, size: int | None
) -> Counter[str]:
    """By type, the live certificates before the line; the shorter side of it is counted."""
    if cut is None or size is None:
        return Counter()
    behind = size - cut <= cut
    counted = use.placed(
        key.issuer_id, key.kid, first=cut if behind else 0, end=None if behind else cut
    )
    found: Counter[str] = Counter()
    for (name, _), count in counted.items():
        found[name] += count
    return Counter({name: live[name] - found[name] for name in live}) if behind else found


def _lost(use: KeyUse, key: KeyInfo, cut: int | None) -> Sequence[str]:
    if cut is None:
        return use.live(key.issuer_id, key.kid, limit=NAMED)
    return use.behind(key.issuer_id, key.kid, first=cut, limit=NAMED)
