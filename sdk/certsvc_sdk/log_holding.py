"""The transparency logs a verifier holds: proofs, histories, and that no log ever goes back.

Every checkpoint that a proof brings is compared with the newest one seen of that log. Two that
contradict each other are kept as evidence, and nothing more is believed of that log.
"""

import logging
from typing import NamedTuple

from certsvc_sdk.errors import CertsvcError, LogInvalid
from certsvc_sdk.log import leaf
from certsvc_sdk.log.history import Life, read_history
from certsvc_sdk.log.view import LogView, Proven
from certsvc_sdk.log_agreement import LogAgreement
from certsvc_sdk.log_cache import LogCache
from certsvc_sdk.log_source import LogSource
from certsvc_sdk.log_trust import Witnesses, view_of
from certsvc_sdk.trust.record import IssuerRecord
from certsvc_sdk.world import MERGE_SECONDS

_LOG = logging.getLogger("certsvc_sdk")

# Places of certificates that were proven; the one held longest leaves.
_MAX_HELD = 4096


class Asked(NamedTuple):
    """One question about a certificate: its leaf's hash, and the trust in the log."""

    leaf_hash: bytes
    view: LogView


class LogHolding:
    """Proofs in memory and on disk. Safe for threads.

    Args:
        cache: of all logs.
        witnesses: who must have seen a checkpoint; None: nobody.
    """

    def __init__(self, cache: LogCache, *, witnesses: Witnesses | None = None) -> None:
        self.cache = cache
        self._witnesses = witnesses
        self._held: dict[bytes, tuple[IssuerRecord, int]] = {}
        self._agreement = LogAgreement(cache)

    def index(
        self,
        signing_input: bytes,
        record: IssuerRecord,
        source: LogSource | None,
        now: int,
        *,
        given: str | None = None,
    ) -> int | None:
        """Return the proven place of a certificate in its issuer's log, None without a proof.

        Args:
            signing_input: `header.payload` of the token.
            record: the issuer's record.
            source: reads the issuer's log; None: there is no line.
            now: Unix seconds.
            given: text of a proof that came with the certificate.
        """
        asked = self._asked(signing_input, record)
        if asked is None:
            return None
        held = self._held.get(asked.leaf_hash)
        if held is not None and held[0] is record:
            return held[1]
        if source is not None and not self._agreement.settle(asked.view, source, now):
            return None
        index = self._given(asked, given, source, now)
        if index is None:
            index = self._stored(asked)
        if index is None and source is not None:
            index = self._fetched(asked, source, now)
        # What is still to be compared is asked for again.
        if index is not None and (source is None or self._agreement.is_settled(asked.view)):
            self._hold(asked.leaf_hash, record, index)
        return index

    def life(
        self,
        signing_input: bytes,
        record: IssuerRecord,
        source: LogSource | None,
        now: int,
        at: int,
        *,
        fresh: bool,
    ) -> Life | None:
        """Return what is proven of a certificate's life, None without a proof; as `World.life`."""
        asked = self._asked(signing_input, record)
        if asked is None:
            return None
        if source is not None and not self._agreement.settle(asked.view, source, now):
            return None
        kept = self.cache.history(asked.leaf_hash)
        life = None if kept is None else _life(kept, asked)
        reaches = life is not None and at + MERGE_SECONDS <= life.as_of
        if source is None or (reaches and not fresh):
            return life
        try:
            data = source.history(asked.leaf_hash)
            newer = read_history(data).prove(asked.view, asked.leaf_hash)
        except CertsvcError as error:
            _LOG.warning("a certificate's history was not fetched: %s", error)
            return life
        # What was signed later is not undone by serving what was signed before.
        if life is not None and newer.as_of < life.as_of:
            return life
        # What happened once has happened: a later statement without it is a lie.
        if life is not None and newer.events[: len(life.events)] != life.events:
            _LOG.error("the log %s states a history without its events", asked.view.origin)
            return None
        if not self._agreement.stands(newer.opened, asked.view, source, now):
            return None
        self.cache.keep_history(asked.leaf_hash, data)
        return newer

    def _asked(self, signing_input: bytes, record: IssuerRecord) -> Asked | None:
        view = view_of(record, self._witnesses)
        if view is None:
            return None
        if self._agreement.is_accused(view.origin):
            every_key = view_of(record, compromised=True)
            if every_key is None or self._agreement.is_forked(every_key):
                return None
        try:
            return Asked(leaf.issued_of(signing_input).hash, view)
        except LogInvalid:
            return None

    def _given(
        self, asked: Asked, text: str | None, source: LogSource | None, now: int
    ) -> int | None:
        proven = None if text is None else _proven(text, asked)
        if text is None or proven is None:
            return None
        if not self._agreement.stands(proven.opened, asked.view, source, now):
            return None
        self.cache.keep_proof(asked.leaf_hash, text)
        return proven.index

    def _stored(self, asked: Asked) -> int | None:
        text = self.cache.proof(asked.leaf_hash)
        proven = None if text is None else _proven(text, asked)
        if proven is not None:
            return proven.index
        kept = self.cache.history(asked.leaf_hash)
        life = None if kept is None else _life(kept, asked)
        return None if life is None else life.index

    def _fetched(self, asked: Asked, source: LogSource, now: int) -> int | None:
        try:
            text = source.proof(asked.leaf_hash)
        except CertsvcError as error:
            _LOG.warning("a log proof was not fetched: %s", error)
            return None
        return self._given(asked, text, source, now)

    def _hold(self, leaf_hash: bytes, record: IssuerRecord, index: int) -> None:
        while len(self._held) >= _MAX_HELD and leaf_hash not in self._held:
            self._held.pop(next(iter(self._held)), None)
        self._held[leaf_hash] = (record, index)


def _proven(text: str, asked: Asked) -> Proven | None:
    try:
        return asked.view.prove(text, asked.leaf_hash)
    except LogInvalid as error:
        _LOG.warning("a log proof is not believed: %s", error)
        return None


def _life(data: bytes, asked: Asked) -> Life | None:
    try:
        return read_history(data).prove(asked.view, asked.leaf_hash)
    except LogInvalid as error:
        _LOG.warning("a certificate's history is not believed: %s", error)
        return None
