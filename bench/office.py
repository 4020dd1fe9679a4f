"""A whole issuance by the issuing service, one by one: plan, signature, check, two commits."""

import itertools
import time
from collections.abc import Callable
from tempfile import TemporaryDirectory

from bench import peers
from bench.harness import Effort, Result, Row, calls, measure
from bench.world import World
from certsvc import bootstrap
from certsvc.catalogue import Catalogue
from certsvc.cli.records import demo_records
from certsvc.issuing.model import IssueRequest
from certsvc.issuing.service import IssuingService
from certsvc.service.engine import make_engine
from certsvc.service.principal import operator
from certsvc.service.settings import Settings
from certsvc.worker import make_worker
from keys import open_store

BASE = "raw sign (one by one)"


def one_by_one(world: World, effort: Effort) -> list[Result]:
    """Certificates of both demo departments on SQLite, in one thread."""
    data = world.draft("thirteen", "ES256").signing_input
    raw = calls(peers.raw_sign(peers.private_key("ES256"), data))
    with TemporaryDirectory(prefix="certsvc-bench-") as folder:
        settings = Settings.from_env({"CERTSVC_HOME": folder})
        bootstrap.initialise(settings, now=world.now, report=lambda _line: None)
        engine = make_engine(settings.database_url)
        keys = open_store(settings.keys_url, passphrase=settings.keys_passphrase())
        make_worker(settings, engine, keys, name="bench").run_once()
        service = IssuingService(
            engine=engine,
            keys=keys,
            catalogue=Catalogue.builtin(),
            settings=settings,
            clock=time.time,
        )
        rows = [Row(name=BASE, base=BASE, run=raw)]
        for department in bootstrap.departments():
            request = IssueRequest(type=department.type, claims=demo_records(department.type)[0])
            rows.append(
                Row(
                    name=f"issue {department.type}, one by one",
                    base=BASE,
                    run=calls(_issue(service, department.issuer_id, request)),
                    note="processor time; SQLite",
                    ours=True,
                )
            )
        results = measure("one by one", rows, effort)
        engine.dispose()
    return results


def _issue(service: IssuingService, issuer_id: str, request: IssueRequest) -> Callable[[], object]:
    who, keys = operator(issuer_id), itertools.count()
    return lambda: service.issue(who, request, f"bench-{next(keys)}")
