"""The first start: keys, database, trust repository and two fictional departments.

Every step may be repeated: a set-up that was broken off goes on where it stopped. `root.json` is
written last and says that the set-up is complete.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from itertools import chain, count
from pathlib import Path

from sqlalchemy.engine import Engine

from certsvc.authority.listings import note_published
from certsvc.authority.records import new_record
from certsvc.authority.world import keep_record
from certsvc.catalogue import Catalogue
from certsvc.custody import needs_passphrase, open_keys
from certsvc.home import at_work, write_private
from certsvc.publishing.log_signing import ALGORITHM as LOG_ALGORITHM
from certsvc.publishing.log_signing import OWNER as LOG_OWNER
from certsvc.publishing.log_signing import PURPOSE as LOG_PURPOSE
from certsvc.publishing.log_signing import log_keys, log_origin
from certsvc.publishing.metadata import publish_issuer_metadata, publish_types
from certsvc.publishing.records import IssuerProfile
from certsvc.publishing.tree import PublishedTree
from certsvc.publishing.trust import TrustPublisher
from certsvc.restoring.fence import fence_of
from certsvc.restoring.recording import attach_journal
from certsvc.service.engine import make_engine, reading, writing
from certsvc.service.principal import DEPARTMENT_SCOPES
from certsvc.service.settings import Environment, Settings, SettingsInvalid
from certsvc.storage.clients import Clients
from certsvc.storage.database import upgrade
from certsvc.storage.issuers import Issuers
from certsvc.storage.sealing import Sealing, data_key_name
from certsvc.storage.status_lists import StatusLists
from certsvc.storage.typed_codes import CODES_KEY
from certsvc_sdk.trust.about import About
from certsvc_sdk.trust.about import Environment as TrustEnvironment
from certsvc_sdk.trust.record import IssuerRecord, Level, Right
from keys import KeyStore
from keys.errors import KeysError
from keys.provision import ensure_active

PASSPHRASE_BYTES = 32
VERIFIER_CLIENT = "verifier"
#: Purposes each department needs a key for.
PURPOSES = ("certificate", "status")
#: What every verifier knows, where a department asks for nothing else.
ALGORITHM = "ES256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Department:
    """A fictional department of the demo world; both its keys are of one algorithm."""

    issuer_id: str
    names: Mapping[str, str]
    level: str
    type: str
    client_id: str
    algorithm: str = ALGORITHM


@dataclass(frozen=True, slots=True)
class DemoClient:
    """Credentials of a demo department's system, and the file they stand in."""

    name: str
    client_id: str
    secret: str
    types: str
    path: Path


def departments() -> list[Department]:
    """The demo departments, as data."""
    text = files("certsvc").joinpath("demo", "departments.json").read_text(encoding="utf-8")
    return [Department(**each) for each in json.loads(text)]


def is_initialised(settings: Settings) -> bool:
    """Whether a complete set-up stands in the data folder."""
    return settings.trust_root.is_file()


def initialise(settings: Settings, *, now: int, report: Callable[[str], object]) -> None:
    """Set the demo world up under `settings.home`.

    Args:
        settings: Where everything goes.
        now: Unix seconds.
        report: Takes one line for each thing done.

    Raises:
        SettingsInvalid: The settings ask for production, whose keys need a ceremony.
    """
    if settings.env is not Environment.DEMO:
        raise SettingsInvalid("CERTSVC_ENV: init makes demo worlds only; see docs/settings.md")
    # Two first starts at once must not make two passphrases for one key store.
    with at_work(settings.home, alone=True, wait=True):
        if not is_initialised(settings):
            _set_up(settings, now=now, report=report)


def _set_up(settings: Settings, *, now: int, report: Callable[[str], object]) -> None:
    if needs_passphrase(settings):
        make_passphrase(settings.keys_passphrase_file)
    keys = open_keys(settings)
    with ExitStack() as stack:
        engine = make_engine(settings.database_url)
        stack.callback(engine.dispose)
        upgrade(engine)
        _check_ours(engine, keys)
        fence_of(settings, engine).require()
        clock_ns = partial(int, now * 10**9)
        journal = attach_journal(settings, engine, clock_ns=clock_ns, rng=secrets.token_bytes)
        if journal is not None:
            stack.callback(journal.close)
        _fill(settings, keys, engine, now=now, report=report)


def _fill(
    settings: Settings,
    keys: KeyStore,
    engine: Engine,
    *,
    now: int,
    report: Callable[[str], object],
) -> None:
    report(f"数据库 / database: {engine.url.get_backend_name()}")
    tree = PublishedTree(settings.published)
    trust = TrustPublisher(tree, keys)
    report(f"签发公示日志 / transparency log: {add_log(settings, keys, now=now)}")
    with tree.exclusive():
        if not trust.initialised:
            trust.initialise(now, About(env=TrustEnvironment.DEMO, base=settings.public_url))
        records = [add_department(each, settings, keys, engine, now=now) for each in departments()]
        trust.publish_records(records, now)
    ensure_verifier(settings, engine, now=now)
    publish_types(tree, Catalogue.builtin(), settings.public_url)
    note_published(engine, records, now=now)
    for record in records:
        publish_issuer_metadata(tree, record)
        report(f"发证机关 / issuer: {record.names['zh']} {record.uscc}")
    write_private(settings.trust_root, trust.root(), mode=0o644)
    report(f"信任根 / trust root: {settings.trust_root}")


def _check_ours(engine: Engine, keys: KeyStore) -> None:
    """Refuse a database whose seals this key store does not open: it is another world's."""
    with reading(engine) as connection:
        for issuer in Issuers(connection).all():
            sealing = Sealing(issuer.issuer_id, keys.data_key(data_key_name(issuer.issuer_id)))
            try:
                StatusLists(connection).check_seals(sealing)
            except KeysError as error:
                message = "CERTSVC_DATABASE_URL: the database belongs to another data folder"
                raise SettingsInvalid(message) from error


def add_log(settings: Settings, keys: KeyStore, *, now: int) -> str:
    """The key of the transparency log; returns the log's name."""
    ensure_active(keys, issuer_id=LOG_OWNER, alg=LOG_ALGORITHM, purpose=LOG_PURPOSE, now=now)
    return log_origin(settings.public_url)


def add_department(
    department: Department, settings: Settings, keys: KeyStore, engine: Engine, *, now: int
) -> IssuerRecord:
    """Keys, trust record, client and first status list of one department."""
    issuer_id = department.issuer_id
    for purpose in PURPOSES:
        ensure_active(keys, issuer_id=issuer_id, alg=department.algorithm, purpose=purpose, now=now)
    right = Right(
        vct=f"{settings.public_url}vct/{department.type}",
        division=issuer_id[2:8],
        not_before=now,
        not_after=None,
        max_validity=None,
    )
    profile = IssuerProfile(
        uscc=issuer_id,
        names=department.names,
        level=Level(department.level),
        log_origin=log_origin(settings.public_url) if log_keys(keys) else None,
    )
    record = new_record(profile, (right,), keys, base_url=settings.public_url)
    with writing(engine) as connection:
        keep_record(Issuers(connection), record, now=now)
        sealing = Sealing(issuer_id, keys.data_key(data_key_name(issuer_id)))
        # Made now, not at the first issue: a full disk must not stop issuing then.
        keys.data_key(CODES_KEY)
        lists = StatusLists(connection, size=settings.status_list_size)
        lists.ensure_open(sealing, now=now)
    ensure_client(department, settings, engine, now=now)
    return record


def ensure_client(department: Department, settings: Settings, engine: Engine, *, now: int) -> None:
    """A client of the issuing interface, its credentials in a file of its own."""
    path = client_file(settings, department)
    wanted, name = department.client_id, department.names["zh"]
    _ensure(department, wanted, name, DEPARTMENT_SCOPES, path, engine, now=now)


def ensure_verifier(settings: Settings, engine: Engine, *, now: int) -> None:
    """The client by which the verifier service looks typed codes up; some issuer has to keep it."""
    keeper, path = departments()[0], settings.resolver_clients
    _ensure(keeper, VERIFIER_CLIENT, "核验服务", frozenset({"resolve"}), path, engine, now=now)


def _ensure(
    keeper: Department,
    wanted: str,
    name: str,
    scopes: frozenset[str],
    path: Path,
    engine: Engine,
    *,
    now: int,
) -> None:
    with reading(engine) as connection:
        known = {each.client_id for each in Clients(connection).all(keeper.issuer_id)}
    if wanted in known and path.is_file():
        return
    # Registered, but its secret was never written down: that name is of no use to anybody.
    names = chain([wanted], (f"{wanted}-{number}" for number in count(2)))
    client_id = next(each for each in names if each not in known)
    with writing(engine) as connection:
        clients = Clients(connection)
        secret = clients.add(keeper.issuer_id, client_id, name=name, scopes=scopes, now=now)
        # Inside the transaction: no file, no client.
        write_private(path, f"{client_id}:{secret}\n".encode())


def client_file(settings: Settings, department: Department) -> Path:
    """Where a demo department's ``client_id:secret`` stands (for ``curl -u``)."""
    return settings.home / "demo" / f"{department.client_id}.client"


def demo_clients(settings: Settings) -> list[DemoClient]:
    """The demo departments' credentials; none outside a demo world."""
    found = []
    for department in departments():
        path = client_file(settings, department)
        if path.is_file():
            client_id, _, secret = path.read_text(encoding="ascii").strip().partition(":")
            name = department.names["zh"]
            found.append(DemoClient(name, client_id, secret, department.type, path))
    return found


def make_passphrase(path: Path) -> None:
    """A random passphrase where there is none yet."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(PASSPHRASE_BYTES).encode() + b"\n")
