"""Which log an issuer's record names, and by which keys it is believed."""

from collections.abc import Collection
from dataclasses import dataclass

from certsvc_sdk.errors import LogInvalid, LogNoteInvalid
from certsvc_sdk.log.note import Kind, NoteKey
from certsvc_sdk.log.view import LogView
from certsvc_sdk.trust.record import IssuerRecord, KeyState, KeyUse


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Who must have seen a log's checkpoint.

    Attributes:
        keys: keys whose cosignatures count.
        threshold: how many different ones a checkpoint needs.
    """

    keys: tuple[NoteKey, ...]
    threshold: int

    @classmethod
    def read(cls, vkeys: Collection[str], threshold: int | None) -> "Witnesses":
        """Read verifier keys.

        Args:
            vkeys: `<name>+<id>+<key>` each, of type 0x04.
            threshold: None: all of them.

        Raises:
            LogNoteInvalid: a key breaks its form or does not cosign, or no number of them can
                reach the threshold.
        """
        keys = tuple(NoteKey.from_vkey(vkey) for vkey in vkeys)
        if any(key.kind is not Kind.COSIGNATURE for key in keys):
            raise LogNoteInvalid("a witness's key is one for cosignatures")
        needed = len(keys) if threshold is None else threshold
        if not 0 < needed <= len({key.public.jwk["x"] for key in keys}):
            raise LogNoteInvalid("so many different witnesses are not known")
        return cls(keys, needed)


def view_of(
    record: IssuerRecord, witnesses: Witnesses | None = None, *, compromised: bool = False
) -> LogView | None:
    """Return the trust in an issuer's transparency log, None where the record names none.

    Retired keys go on proving what they signed. A compromised one proves nothing: a checkpoint
    carries no time that could tell what it signed before.

    Args:
        record: the issuer's trust record.
        witnesses: who must have seen a checkpoint; None: nobody.
        compromised: take these keys too; for evidence against the log, which outlasts them.
    """
    if record.log_origin is None:
        return None
    keys = [
        key.public
        for key in record.keys
        if key.use == KeyUse.LOG and (compromised or key.state is not KeyState.COMPROMISED)
    ]
    try:
        return LogView.of(
            record.log_origin,
            keys,
            witnesses=() if witnesses is None else witnesses.keys,
            threshold=0 if witnesses is None else witnesses.threshold,
        )
    except LogInvalid:
        return None  # a name that no note can carry
