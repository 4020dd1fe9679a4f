"""Answers requests from the real store: no socket here, one request in, one answer out."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping

from keys.algorithms import unb64u
from keys.datakey import SealingKey
from keys.errors import KeysError, NoActiveKey, StoreReadOnly, StoreUnavailable
from keys.record import check_file_name
from keys.signing import messages
from keys.signing.frames import Frame, FrameInvalid, Head, Kind
from keys.signing.peer import Peer
from keys.signing.rights import DATA, Rights
from keys.store import KeyStore

log = logging.getLogger("keys.signing")

#: Data keys kept open; one an issuer.
MAX_DATA_KEYS = 4096
Texts = Mapping[str, str]


class Desk:
    """Does what is asked, for those who may ask.

    Args:
        store: where the keys are.
        rights: who may have what done.
    """

    def __init__(self, store: KeyStore, rights: Rights) -> None:
        self._store = store
        self._rights = rights
        self._data_keys: dict[str, SealingKey] = {}
        self._counting = threading.Lock()
        self._signatures: Counter[tuple[str, str]] = Counter()
        self._operations: Mapping[str, Callable[[Texts, bytes, Peer], tuple[Head, bytes]]] = {
            "list": self._list,
            "get": self._get,
            "active": self._active,
            "signer": self._signer,
            "sign": self._sign,
            "data_key": self._data_key,
            "seal": self._seal,
            "open": self._open,
            "hmac": self._hmac,
        }

    def answer(self, request: Frame, peer: Peer) -> Frame:
        """The answer to a request; a refusal is written to the log, what was to be signed never.

        Raises:
            FrameInvalid: it is no request.
        """
        if request.kind is not Kind.REQUEST:
            raise FrameInvalid("not a request")
        operation, texts = messages.check_request(request.head, request.body)
        try:
            if operation in messages.CHANGES:
                raise StoreReadOnly("keys are made and changed at the store itself")
            head, body = self._operations[operation](texts, request.body, peer)
        except KeysError as error:
            return self._refused(request, operation, texts, peer, error)
        except Exception as error:
            # A store that breaks its word: the caller learns that it failed, the log how.
            log.error("the store failed in %s", operation, exc_info=error)
            failed = StoreUnavailable("the store failed")
            return self._refused(request, operation, texts, peer, failed)
        return Frame(kind=Kind.ANSWER, number=request.number, head=head, body=body)

    def counted(self) -> Counter[tuple[str, str]]:
        """Released signatures by issuer and key id, since the process began."""
        with self._counting:
            return Counter(self._signatures)

    def _refused(
        self, request: Frame, operation: str, texts: Texts, peer: Peer, error: KeysError
    ) -> Frame:
        # Whatever a caller names may hold line ends or half a surrogate pair: escaped.
        issuer = ascii(texts.get("issuer", ""))[1:-1]
        name = ascii(texts.get("name", ""))[1:-1]
        about = f"{issuer or name or '-'}/{ascii(texts.get('kid', ''))[1:-1] or '-'}"
        # Asked on the off-chance, for a role that few have: an answer like any other.
        level = logging.DEBUG if isinstance(error, NoActiveKey) else logging.WARNING
        extra = {"code": error.code, "issuer_id": issuer[:64]}
        who = (peer.uid, peer.pid)
        text = "refused: %s of %.140s for user %d, process %d"
        log.log(level, text, operation, about, *who, extra=extra)
        head = {"code": error.code, "text": str(error)[:1024]}
        return Frame(kind=Kind.REFUSAL, number=request.number, head=head)

    def _list(self, texts: Texts, _: bytes, __: Peer) -> tuple[Head, bytes]:
        return {}, messages.write_infos(self._store.list(texts.get("issuer")))

    def _get(self, texts: Texts, _: bytes, __: Peer) -> tuple[Head, bytes]:
        return {}, messages.write_infos([self._store.get(texts["issuer"], texts["kid"])])

    def _active(self, texts: Texts, _: bytes, peer: Peer) -> tuple[Head, bytes]:
        issuer_id, purpose = texts["issuer"], texts["purpose"]
        self._rights.require(peer.uid, purpose, issuer_id)
        signer = self._store.active(
            issuer_id, purpose, type=texts.get("type"), role=texts.get("role")
        )
        return {}, messages.write_infos([self._store.get(issuer_id, signer.kid)])

    def _signer(self, texts: Texts, _: bytes, peer: Peer) -> tuple[Head, bytes]:
        issuer_id, kid = texts["issuer"], texts["kid"]
        info = self._store.get(issuer_id, kid)
        self._rights.require(peer.uid, info.purpose, issuer_id)
        self._store.signer(issuer_id, kid)
        return {}, messages.write_infos([info])

    def _sign(self, texts: Texts, body: bytes, peer: Peer) -> tuple[Head, bytes]:
        issuer_id, kid = texts["issuer"], texts["kid"]
        self._rights.require(peer.uid, self._store.get(issuer_id, kid).purpose, issuer_id)
        signature = self._store.signer(issuer_id, kid).sign(body)
        with self._counting:
            self._signatures[issuer_id, kid] += 1
        return {}, signature

    def _data_key(self, texts: Texts, _: bytes, peer: Peer) -> tuple[Head, bytes]:
        self._key_named(texts["name"], peer)
        return {}, b""

    def _seal(self, texts: Texts, body: bytes, peer: Peer) -> tuple[Head, bytes]:
        key = self._key_named(texts["name"], peer)
        return {}, key.seal(body, context=unb64u(texts["context"]))

    def _open(self, texts: Texts, body: bytes, peer: Peer) -> tuple[Head, bytes]:
        key = self._key_named(texts["name"], peer)
        return {}, key.open(body, context=unb64u(texts["context"]))

    def _hmac(self, texts: Texts, body: bytes, peer: Peer) -> tuple[Head, bytes]:
        return {}, self._key_named(texts["name"], peer).hmac(body)

    def _key_named(self, name: str, peer: Peer) -> SealingKey:
        check_file_name(name)
        self._rights.require(peer.uid, DATA, name)
        key = self._data_keys.get(name)
        if key is None:
            key = self._store.data_key(name)
            if len(self._data_keys) >= MAX_DATA_KEYS:
                self._data_keys.clear()
            self._data_keys[name] = key
        return key
