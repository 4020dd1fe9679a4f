"""What every step of issuing works with, wired once at the edge."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import urlsplit

from sqlalchemy.engine import Connection, Engine

from certsvc.catalogue import Catalogue
from certsvc.issuing import errors
from certsvc.issuing.model import Records
from certsvc.issuing.refusals import Refusals
from certsvc.service.engine import DatabaseUnavailable
from certsvc.service.retries import Retries
from certsvc.service.tracing import Tracer
from certsvc.storage.errors import IssuerUnknown
from certsvc.storage.issuers import Issuers
from certsvc.storage.sealing import DataKey, Sealing, data_key_name
from certsvc.storage.typed_codes import CODES_KEY, code_lookup
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.trust.record import IssuerRecord, parse_record
from keys.errors import DataSealInvalid, KeysError
from keys.store import KeyStore

T = TypeVar("T")


class StoredRecords:
    """Trust records as the database has them; parsed again only when the text has changed."""

    def __init__(self, engine: Engine, retries: Retries) -> None:
        self._engine = engine
        self._retries = retries
        self._parsed: dict[str, tuple[str, IssuerRecord]] = {}

    def record(self, issuer_id: str) -> IssuerRecord:
        """Read an issuer's trust record.

        Raises:
            IssuerUnknown: The issuer is not registered, or its record is unreadable.
        """

        def read(connection: Connection) -> str:
            return Issuers(connection).get(issuer_id).record

        text = self._retries.read(self._engine, read, single=True)
        known = self._parsed.get(issuer_id)
        if known is None or known[0] != text:
            try:
                known = text, parse_record(text.encode())
            except CertsvcError as error:
                raise errors.IssuerUnknown("the issuer's trust record is unreadable") from error
            self._parsed[issuer_id] = known
        return known[1]


class Resources:
    """Engine, keys, catalogue, trust records, settings, clock and randomness."""

    def __init__(
        self,
        *,
        engine: Engine,
        keys: KeyStore,
        catalogue: Catalogue,
        records: Records,
        public_url: str,
        list_size: int,
        second_person_types: frozenset[str],
        clock: Callable[[], float],
        rng: Callable[[int], bytes],
        retries: Retries,
        tracer: Tracer,
    ) -> None:
        self.tracer = tracer
        self.engine = engine
        self.keys = keys
        self.catalogue = catalogue
        self.records = records
        self.public_url = public_url
        self.list_size = list_size
        self.second_person_types = second_person_types
        self.rng = rng
        self._clock = clock
        self._retries = retries
        self.refusals = Refusals()
        self._sealings: dict[str, Sealing] = {}
        self._codes_key: DataKey | None = None

    def now(self) -> int:
        """Unix seconds."""
        return int(self._clock())

    def read(self, work: Callable[[Connection], T]) -> T:
        """Read in one transaction, again where the connection was lost.

        Raises:
            DatabaseUnavailable: The database failed.
        """
        return self._retries.read(self.engine, work)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Write in one transaction, again where it was aborted, lost or is in doubt.

        Args:
            work: Reads what an earlier attempt may have left, then writes.

        Raises:
            DatabaseUnavailable: The database failed.
        """
        return self._retries.write(self.engine, work)

    @property
    def qr_host(self) -> str:
        """Host of the check page, with its port if it has one."""
        return urlsplit(self.public_url).netloc

    def sealing(self, issuer_id: str) -> Sealing:
        """Find an issuer's sealing; its data key is read from custody once."""
        known = self._sealings.get(issuer_id)
        if known is None:
            known = Sealing(issuer_id, self.keys.data_key(data_key_name(issuer_id)))
            self._sealings[issuer_id] = known
        return known

    def code_lookup(self, code: str) -> bytes:
        """Hash a typed code for the look-up column; its data key is read from custody once."""
        if self._codes_key is None:
            self._codes_key = self.keys.data_key(CODES_KEY)
        return code_lookup(self._codes_key, code)


def write_json(value: object) -> bytes:
    """Write what `read_json` reads: our own data, inside a seal."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@contextmanager
def translated() -> Iterator[None]:
    """Turn what lower rooms raise into errors of issuing: nothing foreign escapes."""
    try:
        yield
    except DatabaseUnavailable as error:
        raise errors.StorageUnavailable(str(error)) from error
    except IssuerUnknown as error:
        raise errors.IssuerUnknown(str(error)) from error
    except DataSealInvalid as error:
        raise errors.RecordTampered("a sealed column does not open") from error
    except KeysError as error:
        raise errors.SigningUnavailable(f"custody: {error.code}") from error
