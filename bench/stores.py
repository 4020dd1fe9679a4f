"""Signatures by kind of key store, by the clock on the wall: a token works in another process."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import keys
from bench.harness import Effort, Result, Row, Slice, measure
from bench.world import World
from keys import KeyStore, State
from keys.pkcs11 import Pkcs11KeyStore

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
_PIN, _SO_PIN = "24680246", "13579135"
_ISSUER = "bench"
NOTES = {
    "pkcs11": "SoftHSM2: one agent, state read at each signature",
    "signer": "a process of its own; both sides verify",
}


def signed(world: World, effort: Effort) -> list[Result]:
    """One thread that chooses the active key and signs, as issuing does; SoftHSM2 where it is."""
    with TemporaryDirectory(prefix="certsvc-bench-") as name:
        folder = Path(name)
        stores = {"file": keys.open_store(f"file:{folder / 'keys'}", passphrase=b"x", scrypt_n=2)}
        with ExitStack() as stack:
            stores["signer"] = stack.enter_context(_signer(folder))
            if MODULE.is_file() and shutil.which("softhsm2-util") is not None:
                stores["pkcs11"] = stack.enter_context(_token(folder))
            return measure("stores", list(_rows(stores, world.now)), effort)


def _rows(stores: dict[str, KeyStore], now: int) -> Iterator[Row]:
    for alg in ("ES256", "Ed25519"):
        base = f"file: {alg}"
        for kind, store in stores.items():
            if kind != "signer":  # which has the files' keys
                _activate(store, alg, now)
            note = NOTES.get(kind, "")
            run = _signatures(store, alg)
            yield Row(name=f"{kind}: {alg}", base=base, run=run, note=note, ours=True)


def _activate(store: KeyStore, alg: str, now: int) -> None:
    key = store.generate(issuer_id=_ISSUER, alg=alg, purpose="certificate", role=alg, now=now)
    for state in (State.PRE_PUBLISHED, State.ACTIVE):
        store.set_state(_ISSUER, key.kid, state, now=now)


def _signatures(store: KeyStore, alg: str) -> Slice:
    def run(count: int) -> float:
        began = time.perf_counter()
        for number in range(count):
            store.active(_ISSUER, "certificate", role=alg).sign(b"payload %d" % number)
        return time.perf_counter() - began

    return run


@contextmanager
def _signer(folder: Path) -> Iterator[KeyStore]:
    passphrase, path = folder / "passphrase", folder / "signer" / "signer.sock"
    passphrase.touch(mode=0o600)
    passphrase.write_bytes(b"x")
    address = {
        "CERTSVC_KEYS_URL": f"file:{folder / 'keys'}",
        "CERTSVC_KEYS_PASSPHRASE_FILE": str(passphrase),
    }
    command = [sys.executable, "-m", "certsvc", "signer", "--socket", str(path)]
    process = subprocess.Popen(
        command, env={**os.environ, **address}, stderr=subprocess.PIPE, text=True
    )
    store = keys.open_store(f"signer:{path}")
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if "signer ready" in line:
                break
        yield store
    finally:
        store.close()
        process.terminate()
        process.communicate()


@contextmanager
def _token(folder: Path) -> Iterator[KeyStore]:
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {folder / 'tokens'}\n", encoding="utf-8")
    pin = folder / "pin"
    pin.touch(mode=0o600)
    pin.write_text(_PIN, encoding="ascii")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    pins = ["--pin", _PIN, "--so-pin", _SO_PIN]
    command = ["softhsm2-util", "--init-token", "--free", "--label", "bench", *pins]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    query = f"module-path={MODULE}&pin-source=file:{pin}&timeout=30"
    store = Pkcs11KeyStore(f"pkcs11:token=bench?{query}")
    try:
        yield store
    finally:
        store.close()
        del os.environ["SOFTHSM2_CONF"]
