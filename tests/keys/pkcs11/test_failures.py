"""Tokens that are gone, slow, locked, exchanged or wrong (threat T55): nothing bad is released."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import PyKCS11
import pytest
from servers.softhsm import SoftHsm

import keys
from keys.algorithms import algorithm
from keys.errors import KeysError, Pkcs11Missing, StoreUnavailable
from keys.lifecycle import State
from keys.pkcs11 import Pkcs11KeyStore
from keys.pkcs11.link import PAUSE_MAX
from keys.store import KeyInfo

ISSUER = "119999000000000198"
Walk = Callable[..., KeyInfo]
Open = Callable[..., Pkcs11KeyStore]

HOLD = """
import fcntl, pathlib, sys
files = [path.open("r+b") for path in pathlib.Path(sys.argv[1]).glob("*/*") if path.is_file()]
for file in files:
    fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(KeysError) as caught:
        call()
    return caught.value.code


def after_pause(store: Pkcs11KeyStore) -> None:
    """As if the breaker's pause were over."""
    store._link._here().until = 0.0


@pytest.fixture
def key(store: Pkcs11KeyStore, walk: Walk) -> KeyInfo:
    return walk(store)


def test_signatures_survive_forced_logouts(open_again: Open, key: KeyInfo) -> None:
    signer = open_again("logout").signer(ISSUER, key.kid)
    for number in range(40):
        data = b"%d" % number
        assert algorithm("ES256").verify(key.public_jwk, data, signer.sign(data))


def test_changes_survive_forced_logouts(open_again: Open, walk: Walk) -> None:
    store = open_again("logout")
    done = [walk(store, State.DESTROYED, role=f"r{number}") for number in range(4)]
    assert [info.state for info in store.list()] == [State.DESTROYED] * 4
    assert {info.kid for info in store.list()} == {info.kid for info in done}
    sealed = store.data_key("rows").seal(b"x", context=b"c")
    assert open_again().data_key("rows").open(sealed, context=b"c") == b"x"


@pytest.mark.parametrize("kind", ["garbage", "foreign"])
def test_a_wrong_signature_is_never_released(open_again: Open, key: KeyInfo, kind: str) -> None:
    store = open_again(kind)
    signer = store.signer(ISSUER, key.kid)
    for _ in range(3):
        assert code_of(lambda: signer.sign(b"data")) == "signature_rejected"
    assert store.rejected == {key.kid: 3}


@pytest.mark.parametrize("kind", ["crash", "nonsense"])
def test_a_library_that_dies_takes_only_its_agent_along(
    open_again: Open, key: KeyInfo, kind: str
) -> None:
    store = open_again(kind)
    signer = store.signer(ISSUER, key.kid)
    assert code_of(lambda: signer.sign(b"x")) == StoreUnavailable.code
    after_pause(store)
    assert store.get(ISSUER, key.kid) == key


def test_a_token_that_hangs_is_given_up_in_time(
    hsm: SoftHsm, open_again: Open, key: KeyInfo, store: Pkcs11KeyStore
) -> None:
    """Somebody holds the locks of all the token's files, so that the library waits for ever."""
    slow = open_again(timeout="0.5")
    signer = slow.signer(ISSUER, key.kid)
    signer.sign(b"before")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(hsm.tokens)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=hsm.folder,
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    with holder:
        assert holder.stdout.readline() == b"held\n"
        begin = time.monotonic()
        assert code_of(lambda: signer.sign(b"hangs")) == StoreUnavailable.code
        waited = time.monotonic() - begin
        holder.stdin.close()
    assert waited < 20  # 0.5 s, on a machine that does other things too
    after_pause(slow)
    assert algorithm("ES256").verify(key.public_jwk, b"after", _patient(slow, signer, b"after"))


def _patient(store: Pkcs11KeyStore, signer: keys.Signer, data: bytes) -> bytes:
    """Signs, though half a second may be short for a new agent on a busy machine."""
    for _ in range(20):
        try:
            return signer.sign(data)
        except StoreUnavailable:
            after_pause(store)
    raise AssertionError("the token did not come back")


def test_the_breaker_lets_a_dead_token_alone(open_again: Open, key: KeyInfo) -> None:
    store = open_again("crash")
    clock = store._link._clock = Clock()
    signer = store.signer(ISSUER, key.kid)
    for pause in (1, 2, 4, 8, PAUSE_MAX):
        assert code_of(lambda: signer.sign(b"x")) == StoreUnavailable.code
        here = store._link._here()
        assert here.agent is None
        assert here.until == clock.now + pause
        clock.now += pause - 0.01
        with pytest.raises(StoreUnavailable, match="left alone"):
            signer.sign(b"x")
        assert here.agent is None  # nobody was asked
        clock.now += 0.02
    assert store.list() == [key]
    assert store._link._here().pause == 1


def test_a_token_that_answers_errors(open_again: Open) -> None:
    store = open_again("errors")
    assert code_of(store.list) == StoreUnavailable.code
    after_pause(store)
    arguments = {"issuer_id": ISSUER, "alg": "ES256", "purpose": "log", "now": 1}
    assert code_of(lambda: store.generate(**arguments)) == StoreUnavailable.code


def test_a_token_without_room(open_again: Open, store: Pkcs11KeyStore, walk: Walk) -> None:
    full = open_again("full")
    arguments = {"issuer_id": ISSUER, "alg": "ES256", "purpose": "log", "now": 1}
    assert code_of(lambda: full.generate(**arguments)) == "token_full"
    assert store.list() == []
    walk(store)  # and what the attempt left is gone
    assert len(store.list()) == 1


def test_a_token_whose_folder_is_removed(hsm: SoftHsm, open_again: Open, key: KeyInfo) -> None:
    store = open_again()
    signer = store.signer(ISSUER, key.kid)
    away = hsm.folder / "away"
    hsm.tokens.rename(away)
    hsm.tokens.mkdir()
    store.close()  # a new worker
    assert code_of(lambda: signer.sign(b"x")) == "token_unknown"
    assert code_of(store.list) == StoreUnavailable.code  # the breaker
    hsm.tokens.rmdir()
    away.rename(hsm.tokens)
    after_pause(store)
    assert algorithm("ES256").verify(key.public_jwk, b"x", signer.sign(b"x"))


def test_a_token_that_dies_under_a_running_agent(
    hsm: SoftHsm, open_again: Open, key: KeyInfo
) -> None:
    store = open_again()
    signer = store.signer(ISSUER, key.kid)
    signer.sign(b"before")
    shutil.rmtree(hsm.tokens)
    for _ in range(3):
        try:  # a library may sign from memory, but never wrongly
            assert algorithm("ES256").verify(key.public_jwk, b"after", signer.sign(b"after"))
        except KeysError:
            after_pause(store)
    with pytest.raises(KeysError):
        open_again().list()


def test_a_token_initialised_anew_is_another_one(
    hsm: SoftHsm, open_again: Open, key: KeyInfo
) -> None:
    store = open_again()
    signer = store.signer(ISSUER, key.kid)
    signer.sign(b"before")
    hsm.initialise_again("office")
    assert code_of(lambda: signer.sign(b"after")) == "token_changed"
    arguments = {"issuer_id": ISSUER, "alg": "ES256", "purpose": "log", "now": 1}
    assert code_of(lambda: store.generate(**arguments)) == "token_changed"
    assert code_of(lambda: store.data_key("rows")) == "token_changed"


def test_two_tokens_of_one_label_are_refused(hsm: SoftHsm, open_again: Open, key: KeyInfo) -> None:
    serial = _serial(open_again())
    hsm.new_token("office")
    assert code_of(open_again().list) == "token_ambiguous"
    chosen = Pkcs11KeyStore(hsm.uri(f"office;serial={serial}"))
    assert chosen.list() == [key]
    chosen.close()


def _serial(store: Pkcs11KeyStore) -> str:
    store.list()
    serial = store._link._seen[0]
    assert serial is not None
    return serial


def test_a_wrong_pin_is_tried_once(hsm: SoftHsm, open_again: Open, tmp_path: Path) -> None:
    logins = tmp_path / "logins"
    right = hsm.pin_file.read_text().strip()
    hsm.write_pin("00000000")
    store = open_again("counting", str(logins))
    for _ in range(5):
        assert code_of(store.list) == "pin_wrong"
        store.close()  # a new agent does not try it either
    assert logins.read_text() == "1"
    hsm.write_pin(right)
    assert store.list() == []
    assert logins.read_text() == "11"


def test_the_last_try_is_left_to_a_person(open_again: Open) -> None:
    store = open_again("lowtries")
    for _ in range(2):
        assert code_of(store.list) == "pin_locked"


def test_a_pin_that_was_changed_under_us(hsm: SoftHsm, open_again: Open, key: KeyInfo) -> None:
    """The running session goes on; a new one needs the new PIN."""
    store = open_again()
    signer = store.signer(ISSUER, key.kid)
    signer.sign(b"x")
    _change_pin(hsm, "99999999")
    signer.sign(b"x")
    store.close()
    assert code_of(lambda: signer.sign(b"x")) == "pin_wrong"
    hsm.write_pin("99999999")
    signer.sign(b"x")


def _change_pin(hsm: SoftHsm, pin: str) -> None:
    """What an administrator's tool does, in a process of its own."""
    text = (
        "import sys, PyKCS11\n"
        "library = PyKCS11.PyKCS11Lib(); library.load(sys.argv[1])\n"
        "session = library.openSession(library.getSlotList(tokenPresent=True)[0],"
        " PyKCS11.CKF_RW_SESSION)\n"
        "session.login(sys.argv[2]); session.setPin(sys.argv[2], sys.argv[3])\n"
    )
    old = hsm.pin_file.read_text().strip()
    subprocess.run([sys.executable, "-c", text, str(hsm.module), old, pin], check=True)


def test_sources_of_the_pin(
    hsm: SoftHsm, open_again: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFICE_PIN", hsm.pin_file.read_text().strip())
    by_name = open_again(**{"pin-source": "env:OFFICE_PIN"})
    assert by_name.list() == []
    by_name.generate(issuer_id=ISSUER, alg="Ed25519", purpose="log", now=1)
    assert code_of(open_again(**{"pin-source": "env:NO_PIN"}).list) == "pin_source_invalid"
    hsm.pin_file.chmod(0o640)
    assert code_of(open_again().list) == "permissions_loose"
    hsm.pin_file.chmod(0o600)
    hsm.write_pin("")
    assert code_of(open_again().list) == "pin_source_invalid"
    hsm.pin_file.unlink()
    store = open_again()
    assert code_of(store.list) == "pin_source_invalid"
    arguments = {"issuer_id": ISSUER, "alg": "ES256", "purpose": "log", "now": 1}
    assert code_of(lambda: store.generate(**arguments)) == "key_unknown"


def test_the_pin_never_shows(
    hsm: SoftHsm, open_again: Open, capfd: pytest.CaptureFixture[str]
) -> None:
    hsm.write_pin("00000000")
    store = open_again("counting", "/nonexistent/file")
    with pytest.raises(KeysError) as caught:
        store.list()
    shown = f"{caught.value!r} {store!r} {store._link.address!r} {capfd.readouterr()}"
    assert "00000000" not in shown
    assert "FileNotFoundError" in shown  # the agent said why it ended


@pytest.mark.parametrize("path", ["/nonexistent.so", "{text}", "/lib/x86_64-linux-gnu/libc.so.6"])
def test_a_module_that_is_none(open_again: Open, tmp_path: Path, path: str) -> None:
    (tmp_path / "text.so").write_text("no library")
    path = path.format(text=tmp_path / "text.so")
    assert code_of(open_again(**{"module-path": path}).list) == "token_unknown"


def test_a_broken_configuration_of_the_library(hsm: SoftHsm, open_again: Open) -> None:
    hsm.configuration.write_text("directories.tokendir = /nonexistent\n")
    assert code_of(open_again().list) in {"store_unavailable", "token_unknown"}


def test_an_agent_that_does_not_start(hsm: SoftHsm) -> None:
    for command in (("/nonexistent",), ("false",), ("true",)):
        store = Pkcs11KeyStore(hsm.uri("office"), command=command)
        assert code_of(store.list) == StoreUnavailable.code


def test_an_agent_killed_from_outside_is_replaced(open_again: Open, key: KeyInfo) -> None:
    store = open_again()
    signer = store.signer(ISSUER, key.kid)
    for _ in range(3):
        signer.sign(b"x")
        agent = store._link._here().agent
        assert agent is not None
        os.kill(agent.process.pid, signal.SIGKILL)
        agent.process.wait()
    assert algorithm("ES256").verify(key.public_jwk, b"x", signer.sign(b"x"))


def test_without_pykcs11_the_way_to_it_is_told(
    hsm: SoftHsm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keys.uri.find_spec", lambda name: None)
    with pytest.raises(Pkcs11Missing, match=r"pip install 'certsvc\[hsm\]'"):
        keys.open_store(hsm.uri("office"))


def test_only_the_agent_loads_pykcs11(hsm: SoftHsm) -> None:
    code = "import sys, keys; keys.open_store(sys.argv[1]).list(); print('PyKCS11' in sys.modules)"
    command = [sys.executable, "-c", code, hsm.uri("office")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"
    assert PyKCS11.__name__ == "PyKCS11"
