"""`certsvc signer` and `certsvc up --signer`: options, refusals, word to the service manager."""

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from certsvc import bootstrap
from certsvc.cli.demo import demo_settings
from certsvc.cli.run import board, running
from certsvc.cli.signer import read_rights, tell_manager
from keys.errors import NameInvalid
from keys.signing.client import SignerKeyStore
from keys.signing.rights import EVERYTHING, Grant


def signer(settings, *arguments, **variables):
    return subprocess.run(
        [sys.executable, "-m", "certsvc", "signer", *arguments],
        env={**os.environ, **settings.to_env(), **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def settings(tmp_path):
    return demo_settings(tmp_path / "var")


def test_users_and_uses_are_read():
    me = os.geteuid()
    assert read_rights((), None).users == {me: EVERYTHING}
    assert read_rights((), "data").users == {me: {Grant("data")}}
    named = read_rights(("root:certificate", "root:data@rows", "1234"), "status")
    assert named.users == {
        0: {Grant("certificate"), Grant("data", "rows")},
        1234: {Grant("status")},
    }
    for wrong in ("no-such-user-here", "root:", "root:signing", ":data"):
        with pytest.raises(NameInvalid):
            read_rights((wrong,), None)


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "said"),
    [
        ([], {"CERTSVC_KEYS_URL": "signer:/run/x/y"}, 78, "CERTSVC_KEYS_URL"),
        ([], {}, 78, "CERTSVC_KEYS_PASSPHRASE_FILE"),
        (["--allow", "no-such-user-here"], {}, 1, "name_invalid"),
        (["--purpose", "everything"], {}, 1, "name_invalid"),
        (["--group", "no-such-group-here"], {}, 1, "name_invalid"),
    ],
)
def test_what_cannot_work_is_said_in_a_line(settings, arguments, variables, code, said):
    done = signer(settings, *arguments, **variables)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_open_to_others_is_refused(settings):
    bootstrap.make_passphrase(settings.keys_passphrase_file)
    settings.signer_socket.parent.mkdir(parents=True)
    settings.signer_socket.parent.chmod(0o755)
    done = signer(settings)
    assert done.returncode == 1
    assert "permissions_loose" in done.stderr


def test_the_service_manager_is_told(tmp_path, monkeypatch):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        for address in (path, f"@{path[1:]}"):
            monkeypatch.setenv("NOTIFY_SOCKET", address)
            tell_manager("READY=1")
        manager.settimeout(5)
        assert manager.recv(100) == b"READY=1"
    monkeypatch.delenv("NOTIFY_SOCKET")
    tell_manager("READY=1")


def test_up_keeps_the_keys_in_a_process_of_their_own(settings, monkeypatch, capsys):
    """Issuer, verifier and worker know the signer's socket; the passphrase is named to nobody."""
    monkeypatch.setenv("VAULT_KEK", "not for web workers")
    kek = settings.model_copy(update={"keys_url": f"file:{settings.home}/keys?kek=env:VAULT_KEK"})
    bootstrap.initialise(kek, now=int(time.time()), report=str)
    lines = []
    with running(kek, write=lines.append, signer=True) as supervisor:
        environments = {
            child.name: Path(f"/proc/{child.process.pid}/environ").read_bytes()
            for child in supervisor.children
        }
        board(kek, show_qr=False)
        store = SignerKeyStore(kek.signer_socket)
        assert len(store.list()) > 2
        store.close()
    assert b"VAULT_KEK=not for web workers" in environments.pop("signer")
    assert set(environments) == {"issuer", "verifier", "worker"}
    for environment in environments.values():
        assert b"not for web workers" not in environment
        assert f"CERTSVC_KEYS_URL=signer:{kek.signer_socket}".encode() in environment
    assert "certsvc 已就绪" in capsys.readouterr().out
    ready = next(n for n, line in enumerate(lines) if "signer ready" in line)
    assert all("signer" in re.sub(r"\x1b\[\d+m", "", line)[:8] for line in lines[:ready])
    assert not kek.signer_socket.exists()
