import os
from pathlib import Path
from typing import Any

import pytest

from certsvc.app import create_app
from certsvc.service.engine import make_engine, writing
from certsvc.service.settings import Settings, SettingsInvalid
from certsvc.storage.database import upgrade
from certsvc.storage.issuers import Issuer, Issuers
from keys import State, open_store


def _reasons(app: Any) -> dict[str, str]:
    answer = app.test_client().get("/readyz")
    found = {one["check"]: one["reason"] for one in answer.get_json()["reasons"]}
    assert answer.status_code == (503 if found else 200)
    return found


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path)
    descriptor = os.open(settings.keys_passphrase_file, os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(descriptor, b"correct horse battery staple")
    os.close(descriptor)
    open_store(settings.keys_url, passphrase=settings.keys_passphrase(), scrypt_n=2**14)
    return settings


def test_the_demo_world_is_ready(world: Any) -> None:
    world.merge()
    assert _reasons(world.app) == {}
    assert world.app.test_client().get("/healthz").get_json() == {"status": "ok"}


def test_each_missing_thing_is_named(settings: Settings) -> None:
    app = create_app(settings)
    assert app.test_client().get("/healthz").status_code == 200
    assert _reasons(app)["database"] == "schema_missing"
    engine = make_engine(settings.database_url)
    upgrade(engine)
    unknown = "issuer_not_registered"
    unpublished = {"log": "log_unpublished"}
    assert _reasons(app) == {"keys": unknown, "status_list": unknown, **unpublished}
    issuer_id = "119999000000000198"
    with writing(engine) as connection:
        Issuers(connection).add(Issuer(issuer_id=issuer_id, uscc=issuer_id, record="{}"), now=1)
    waits = {"status_list": "status_list_unpublished", **unpublished}
    assert _reasons(app) == {"keys": "no_active_key", **waits}
    keys = open_store(settings.keys_url, passphrase=settings.keys_passphrase())
    key = keys.generate(issuer_id=issuer_id, alg="ES256", purpose="certificate", now=1)
    keys.set_state(issuer_id, key.kid, State.PRE_PUBLISHED, now=2)
    keys.set_state(issuer_id, key.kid, State.ACTIVE, now=3)
    assert _reasons(app) == waits
    engine.dispose()


def test_a_wrong_passphrase_is_a_wrong_setting(settings: Settings) -> None:
    settings.keys_passphrase_file.write_bytes(b"another")
    with pytest.raises(SettingsInvalid, match=r"CERTSVC_KEYS_URL: .*passphrase_wrong"):
        create_app(settings)


def test_the_server_reads_the_environment(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CERTSVC_HOME", str(world.settings.home))
    reasons = create_app().test_client().get("/readyz").get_json()["reasons"]
    # The world is of another year than this machine's clock.
    assert {one["check"] for one in reasons} <= {"clock"}


def test_without_a_database_private_routes_say_so(settings: Settings) -> None:
    app = create_app(settings)
    answer = app.test_client().get("/v1/types", auth=("a", "b"))
    assert answer.status_code == 503
    assert answer.get_json()["code"] == "database_unavailable"
    assert answer.headers["Retry-After"]
