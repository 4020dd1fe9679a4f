"""A migrated database of each kind with one issuer, and a data key without custody."""

import secrets
from collections.abc import Iterator

import pytest
from sqlalchemy.engine import Engine

from certsvc.service.engine import make_engine, writing
from certsvc.storage.certificate_rows import NewCertificate, PlannedBytes
from certsvc.storage.certificates import Certificates
from certsvc.storage.issuers import Issuer, Issuers
from certsvc.storage.sealing import Sealing
from keys.datakey import DataKey

OFFICE = "119999000000000198"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = make_engine(database_url)
    with writing(made) as connection:
        Issuers(connection).add(Issuer(issuer_id=OFFICE, uscc=OFFICE, record="{}"), now=1)
    yield made
    made.dispose()


@pytest.fixture
def sealing() -> Sealing:
    key = DataKey.from_secret("test", secrets.token_bytes(32), rng=secrets.token_bytes)
    return Sealing(OFFICE, key)


@pytest.fixture
def add_plan():
    """Function that records a plan with a number of its own."""

    def add(connection, number: int, *, list_no: int = 1, **changes) -> str:
        new = NewCertificate(
            issuer_id=OFFICE,
            certificate_id=f"{number:032x}",
            certificate_identifier=f"1.2.156.{number}",
            serial=changes.pop("serial", f"S{number}"),
            version_no=changes.pop("version_no", 1),
            type="business-licence",
            type_version=1,
            profile="full",
            list_no=list_no,
            list_index=changes.pop("list_index", number),
            supersedes_id=None,
        )
        planned = PlannedBytes(
            kid="kid", iat=100, nbf=None, exp=None, planned_at=100, plan=b"sealed"
        )
        Certificates(connection).add_plans([(new, planned, changes.pop("holders", ()))])
        return new.certificate_id

    return add
