"""Records of keys in a token: revisions instead of replaced files.

A change writes the record's next revision beside the last one, then removes the last one, so that
a crash leaves both and never none. The highest revision counts; of two with one number, which two
operators at once can leave, the one that allows less.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from keys import record
from keys.envelope import canonical
from keys.errors import ActiveKeyExists, FileMalformed, FileMisplaced, KeyUnknown, StoreBusy
from keys.lifecycle import PRIVATE_KEY_ERASED, State
from keys.moves import others_active
from keys.pkcs11.link import Link
from keys.store import KeyInfo

#: CKA_APPLICATION of a key's record and of a data key's.
KEY = "certsvc key"
DATA = "certsvc data"
# What allows less stands later.
_SEVERITY = (
    State.GENERATED,
    State.PRE_PUBLISHED,
    State.ACTIVE,
    State.RETIRED,
    State.DESTROYED,
    State.COMPROMISED,
)


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What counts now for one key, and every text that stands for it."""

    info: KeyInfo
    revision: int
    texts: tuple[bytes, ...]


class Records:
    """The records of keys in one token; changes need the lock of `keys.pkcs11.locking`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def all(self, issuer_id: str | None = None, *, fresh: bool = True) -> list[KeyRecord]:
        """The records of one issuer, or all of them.

        Args:
            issuer_id: whose; None: everybody's.
            fresh: whether keys that others have made within the last second must be among them.

        Raises:
            KeyFileError: one is not sound.
        """
        return self._find("" if issuer_id is None else f"{issuer_id}/", fresh=fresh)

    def get(self, issuer_id: str, kid: str, *, fresh: bool = False) -> KeyRecord:
        """One key's record.

        Args:
            issuer_id: whose key.
            kid: which key.
            fresh: whether what a crash elsewhere has left must be seen, as before each change.

        Raises:
            NameInvalid: no issuer id or no key id.
            KeyUnknown: there is none.
            KeyFileError: it is not sound.
        """
        record.check_file_name(issuer_id)
        record.check_kid(kid)
        label = label_of(issuer_id, kid)
        found = self._find(label, fresh=fresh) or self._find(label, fresh=True)
        if found:
            return found[0]
        raise KeyUnknown(f"the token has no key {kid} of {issuer_id}")

    def add(self, info: KeyInfo) -> None:
        """The first record of a key, which then gets its name."""
        label = label_of(info.issuer_id, info.kid)
        self._link.call("create", kind=KEY, label=label, text=write_record(info, 1))
        self._link.call("name", kid=info.kid, label=label)

    def replace(
        self, before: KeyRecord, after: KeyInfo, *, retiring: frozenset[str] = frozenset()
    ) -> KeyInfo:
        """Writes the next revision, and takes it back where somebody else wrote at once.

        Args:
            before: what was read.
            after: the key as it shall stand.
            retiring: active keys of the group that are about to be retired.

        Returns:
            `after`.

        Raises:
            StoreBusy: another machine changed this record meanwhile.
            ActiveKeyExists: another machine activated a key of the group meanwhile.
        """
        label = label_of(after.issuer_id, after.kid)
        if after.state in PRIVATE_KEY_ERASED:
            # First: a crash then leaves a key that cannot sign, and the step can be repeated.
            self._link.call("erase", kid=after.kid, label=label)
        text = write_record(after, before.revision + 1)
        self._link.call("create", kind=KEY, label=label, text=text)
        now = self._find(label, fresh=True)[0]
        if sorted(now.texts) != sorted((*before.texts, text)):
            self._link.call("drop", kind=KEY, label=label, texts=[text])
            raise StoreBusy(f"somebody else changed key {after.kid} at the same time")
        if after.state is State.ACTIVE:
            others = others_active((each.info for each in self.all(after.issuer_id)), after)
            if {each.kid for each in others} - retiring:
                self._link.call("drop", kind=KEY, label=label, texts=[text])
                raise ActiveKeyExists(f"issuer {after.issuer_id} has an active key of this group")
        self._link.call("drop", kind=KEY, label=label, texts=list(before.texts))
        return after

    def sweep(self) -> None:
        """Names or destroys the key pairs that a broken-off generation left."""
        unnamed: Sequence[str] = self._link.call("unnamed")
        if not unnamed:
            return
        known = {each.info.kid: each.info for each in self.all()}
        for kid in unnamed:
            info = known.get(kid)
            if info is None or info.state in PRIVATE_KEY_ERASED:
                self._link.call("erase", kid=kid, label=kid)
            else:
                self._link.call("name", kid=kid, label=label_of(info.issuer_id, kid))

    def _find(self, prefix: str, *, fresh: bool) -> list[KeyRecord]:
        texts: dict[str, list[bytes]] = {}
        found = self._link.call("records", kind=KEY, prefix=prefix, fresh=fresh)
        for label, text in found:
            texts.setdefault(label, []).append(text)
        return [read_record(label, found) for label, found in texts.items()]


def label_of(issuer_id: str, kid: str) -> str:
    """CKA_LABEL of a key and of its record."""
    return f"{issuer_id}/{kid}"


def write_record(info: KeyInfo, revision: int) -> bytes:
    """The text of a record: the members of a key file, and the revision."""
    return canonical({**record.members_of(info), "revision": revision})


def read_record(label: str, texts: Iterable[bytes]) -> KeyRecord:
    """What counts of the authentic texts under a label.

    Raises:
        FileMisplaced: a text says another key than its label.
        FileMalformed: a text is no record.
    """
    found = tuple(texts)
    read = [_read(label, text) for text in found]
    revision, info = max(read, key=_weight)
    return KeyRecord(info, revision, found)


def _read(label: str, text: bytes) -> tuple[int, KeyInfo]:
    members = record.read_object(text)
    revision = members.pop("revision", None)
    if not isinstance(revision, int):
        raise FileMalformed("a key's record has no revision")
    info = record.info_of(members)
    if label_of(info.issuer_id, info.kid) != label:
        raise FileMisplaced(f"the record {label[:80]!r} belongs to another key")
    return revision, info


def _weight(read: tuple[int, KeyInfo]) -> tuple[int, int, int]:
    revision, info = read
    # Of two compromises the deeper cut allows less; no index at all is the deepest.
    cut = info.accept_before_log_index
    return revision, _SEVERITY.index(info.state), -(-1 if cut is None else cut)
