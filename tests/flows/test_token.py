"""The walk through docs/key-stores.md: keys in a token from the first command to a certificate."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from servers.softhsm import SoftHsm

from certsvc.app import create_app
from certsvc.custody import open_keys
from certsvc.service.settings import Settings
from certsvc_sdk import Verifier
from keys.filestore import FileKeyStore

DOCUMENT = Path(__file__).parents[2] / "docs" / "key-stores.md"
MODULE = "/usr/lib/softhsm/libsofthsm2.so"


def blocks() -> list[str]:
    return re.findall(r"```sh\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.S)


class Operator:
    """Types blocks of the document in one folder; what one exports, the next has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.variables = {
            name: text for name, text in os.environ.items() if not name.startswith("CERTSVC_")
        }
        self.variables["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    def type(self, block: str) -> str:
        end = 'env -0 > "$OLDPWD_FOR_TEST/variables"'
        done = subprocess.run(
            ["bash", "-ec", f"{block}\n{end}"],
            cwd=self.folder,
            env={**self.variables, "OLDPWD_FOR_TEST": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        exported = (self.folder / "variables").read_text().split("\0")
        self.variables = dict(each.split("=", 1) for each in exported if each)
        return done.stdout


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


def test_keys_in_a_token_from_its_making_to_a_certificate(
    soft_hsm: SoftHsm, operator: Operator, samples: Path
) -> None:
    """`soft_hsm` only tells where the library is: the document makes a token of its own."""
    _, making, issuing = blocks()
    home = operator.folder / "var"
    lines = (samples / "business-licences.jsonl").read_text(encoding="utf-8").splitlines()[:2]
    (operator.folder / "licences.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert "certsvc" in operator.type(making)
    # A machine that runs tests is slower than the token's two seconds allow.
    patient = issuing.replace('hsm/pin"', 'hsm/pin&timeout=30"').replace(
        MODULE, str(soft_hsm.module)
    )
    assert patient.count("timeout=30") == 1
    operator.type(patient.replace("issue licences.jsonl", "issue licences.jsonl --report r.json"))
    assert not list(home.glob("keys*"))

    rows = json.loads((operator.folder / "r.json").read_text(encoding="utf-8"))["rows"]
    assert len(rows) == len(lines)
    settings = Settings.from_env({**operator.variables, "CERTSVC_HOME": str(home)})
    os.environ["SOFTHSM2_CONF"] = operator.variables["SOFTHSM2_CONF"]  # `soft_hsm` puts it back
    app = create_app(settings, clock=time.time)
    name, _, secret = (home / "demo" / "market.client").read_text().strip().partition(":")
    root, url = settings.trust_root.read_bytes(), settings.published.as_uri() + "/"
    verifier = Verifier.from_root(root, url=url)
    for row in rows:
        path = f"/v1/certificates/{row['id']}"
        answer = app.test_client().get(path, auth=(name, secret))
        assert answer.status_code == 200, answer.text
        assert verifier.verify(answer.get_json()["token"]).outcome.value == "VALID"
    assert {key.state.value for key in open_keys(settings).list()} == {"active"}


def test_another_passphrase_by_command(operator: Operator) -> None:
    home = operator.folder / "var"
    home.mkdir(mode=0o700)
    old = home / "keys.passphrase"
    old.touch(mode=0o600)
    old.write_bytes(b"old")
    FileKeyStore(home / "keys", passphrase=b"old", scrypt_n=2)
    new = operator.folder / "kek"
    new.touch(mode=0o600)
    new.write_bytes(b"new\n")
    said = operator.type(blocks()[0].replace("/etc/certsvc/kek", str(new)))
    assert f"CERTSVC_KEYS_URL=file:var/keys?kek=file:{new}" in said
    FileKeyStore(home / "keys", passphrase=b"new")
