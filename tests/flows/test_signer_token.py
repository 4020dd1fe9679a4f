"""The signer process over a token: services hold no keys, no PIN, and not the token's library."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from servers.signer import SignerProcess

from certsvc import bootstrap
from certsvc.cli import cli
from certsvc.cli.demo import demo_settings
from certsvc.cli.records import demo_records
from certsvc.cli.run import running
from certsvc.cli.stage import Stage
from keys.errors import KeyNotActive, StoreReadOnly
from keys.signing.client import SignerKeyStore

OFFICE = "119999000000000198"
TYPE = "business-licence"


@pytest.fixture
def world(tmp_path: Path, soft_hsm: Any) -> Any:
    """A demo world whose keys were made in a token."""
    soft_hsm.new_token("certsvc")
    settings = demo_settings(tmp_path / "var")
    settings = settings.model_copy(update={"keys_url": soft_hsm.uri("certsvc")})
    bootstrap.initialise(settings, now=int(time.time()), report=str)
    return settings


def test_services_issue_through_a_signer_over_a_token(
    world: Any, soft_hsm: Any, tmp_path: Path
) -> None:
    lines: list[str] = []
    page = tmp_path / "signatures.prom"
    signer = SignerProcess(world, lines.append, "--metrics", str(page))
    signer.start()
    services = world.model_copy(
        update={"keys_url": signer.uri, "keys_passphrase_file": tmp_path / "none"}
    )
    store = SignerKeyStore(world.signer_socket, seconds=30)
    try:
        with running(services, write=lines.append) as supervisor:
            stage = Stage(services)
            claims = demo_records(TYPE)[0]
            made = stage.department(TYPE).post(
                "v1/certificates", {"type": TYPE, "claims": claims}, idempotency_key="one"
            )
            assert made.status == 201, made.body
            verdict = stage.new_sdk("cache-token", offline=False).check(made.json()["token"])
            assert verdict.code == "valid"
            for child in supervisor.children:
                maps = Path(f"/proc/{child.process.pid}/maps").read_text()
                assert "libsofthsm2" not in maps
                assert "PyKCS11" not in maps
                environment = Path(f"/proc/{child.process.pid}/environ").read_bytes()
                assert str(soft_hsm.pin_file).encode() not in environment
            refuses_what_the_token_refuses(world, store)
    finally:
        store.close()
        signer.end()
    row = r'certsvc_signatures_total{issuer="(\w+)",key="[\w-]{11}"} (\S+)'
    counted = re.findall(row, page.read_text())
    assert {owner for owner, _ in counted} >= {OFFICE, "log"}
    assert all(float(count) >= 1 for _, count in counted)


def refuses_what_the_token_refuses(world: Any, store: SignerKeyStore) -> None:
    """An operator at the token turns the key; the signer that runs knows at once."""
    (active,) = (
        key
        for key in store.list(OFFICE)
        if (key.purpose, key.state.value) == ("certificate", "active")
    )
    held = store.signer(OFFICE, active.kid)
    assert held.sign(b"before")
    with pytest.raises(StoreReadOnly):
        store.generate(issuer_id=OFFICE, alg="ES256", purpose="certificate", now=1)
    done = CliRunner().invoke(
        cli,
        ["keys", "retire", OFFICE, active.kid, "--stop", "--json"],
        env=world.to_env(),
    )
    assert done.exit_code == 0, done.output
    with pytest.raises(KeyNotActive):
        held.sign(b"after")
