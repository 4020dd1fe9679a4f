"""SM2 keys in software: refused unless the operator says so; openssl as the second opinion."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import gmssl_pyx
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

import keys
from keys.algorithms import algorithm, unb64u
from keys.algorithms.sm2 import SM2
from keys.errors import AlgorithmUnsupported, SoftwareSm2Refused
from keys.filestore import FileKeyStore
from keys.lifecycle import State
from keys.provision import ensure_active

PASSPHRASE = b"correct horse battery staple"
ISSUER = "119999000000000198"
SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004")
SIGNING = ("-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678")
Run = Callable[..., bytes]


@pytest.fixture
def openssl(tmp_path: Path) -> Run:
    """Runs the openssl program on files made of the keyword arguments."""

    def run(*arguments: str, **files: bytes) -> bytes:
        for name, data in files.items():
            (tmp_path / name).write_bytes(data)
        done = subprocess.run(
            ["openssl", *arguments], cwd=tmp_path, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    return run


def open_store(root: Path, *, allowed: bool) -> FileKeyStore:
    return FileKeyStore(root, passphrase=PASSPHRASE, scrypt_n=2, allow_software_sm2=allowed)


def test_openssl_verifies_what_we_sign(openssl: Run) -> None:
    private = SM2.generate()
    jwk = SM2.public_jwk(private)
    public = SPKI + unb64u(jwk["x"]) + unb64u(jwk["y"])
    for data in (b"x", "证照".encode(), bytes(5000)):
        raw = SM2.sign(private, data)
        assert len(raw) == 64
        r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
        said = openssl(
            *("pkeyutl", "-verify", *SIGNING, "-pubin", "-keyform", "DER", "-inkey", "public"),
            *("-in", "data", "-sigfile", "signature"),
            public=public,
            data=data,
            signature=encode_dss_signature(r, s),
        )
        assert b"Success" in said


def test_openssl_reads_our_private_key_and_we_verify_what_it_signs(openssl: Run) -> None:
    private = SM2.generate()
    der = openssl(
        *("pkeyutl", "-sign", *SIGNING, "-keyform", "DER", "-inkey", "key", "-in", "data"),
        key=SM2.dump(private),
        data=b"data",
    )
    r, s = decode_dss_signature(der)
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert SM2.verify(SM2.public_jwk(private), b"data", raw)
    assert not SM2.verify(SM2.public_jwk(private), b"Data", raw)


def test_a_key_that_openssl_made_is_ours_too(openssl: Run) -> None:
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", "key.pem")
    der = openssl("pkcs8", "-topk8", "-nocrypt", "-in", "key.pem", "-outform", "DER")
    private = SM2.load(der)
    assert SM2.dump(private) == der
    assert SM2.verify(SM2.public_jwk(private), b"data", SM2.sign(private, b"data"))


def test_a_store_refuses_sm2_unless_told_otherwise(tmp_path: Path) -> None:
    strict, lenient = (open_store(tmp_path / "keys", allowed=told) for told in (False, True))
    arguments = {"issuer_id": ISSUER, "alg": "SM2", "purpose": "certificate", "now": 1}
    with pytest.raises(SoftwareSm2Refused) as caught:
        strict.generate(**arguments)
    assert caught.value.code == "software_sm2_refused"
    assert strict.list() == []
    info = lenient.generate(**arguments)
    for state in (State.PRE_PUBLISHED, State.ACTIVE):
        info = lenient.set_state(ISSUER, info.kid, state, now=1)
    signer = lenient.active(ISSUER, "certificate")
    assert SM2.verify(signer.public_jwk, b"data", signer.sign(b"data"))
    # The key may be seen and taken out of service, and nothing else.
    assert strict.get(ISSUER, info.kid).alg == "SM2"
    for use in (
        lambda: strict.signer(ISSUER, info.kid),
        lambda: strict.active(ISSUER, "certificate"),
        lambda: ensure_active(strict, issuer_id=ISSUER, alg="SM2", purpose="certificate", now=1),
    ):
        with pytest.raises(SoftwareSm2Refused):
            use()
    assert strict.set_state(ISSUER, info.kid, State.RETIRED, now=2).state is State.RETIRED


def test_open_store_hands_the_permission_down(tmp_path: Path) -> None:
    arguments = {"issuer_id": ISSUER, "alg": "SM2", "purpose": "certificate", "now": 1}
    for allowed in (False, True):
        store = keys.open_store(
            f"file:{tmp_path}/keys", passphrase=PASSPHRASE, scrypt_n=2, allow_software_sm2=allowed
        )
        if allowed:
            assert store.generate(**arguments).alg == "SM2"
        else:
            with pytest.raises(SoftwareSm2Refused):
                store.generate(**arguments)


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    private = SM2.generate()
    monkeypatch.setitem(sys.modules, "gmssl_pyx", None)
    for use in (SM2.generate, lambda: SM2.sign(private, b"data")):
        with pytest.raises(AlgorithmUnsupported, match=r"certsvc\[sm2\]"):
            use()


def test_hostile_keys_and_signatures_stay_errors() -> None:
    jwk = SM2.public_jwk(SM2.generate())
    off_curve = {**jwk, "x": jwk["y"]}
    assert not SM2.verify(off_curve, b"data", bytes(range(64)))
    assert not SM2.verify(jwk, b"data", bytes(64))
    assert not SM2.verify(jwk, b"data", b"\xff" * 64)
    zero = SM2.load(SM2.dump(SM2.generate())[:36] + bytes(32) + SM2.dump(SM2.generate())[68:])
    with pytest.raises(AlgorithmUnsupported):
        SM2.sign(zero, b"data")


@pytest.mark.parametrize("name", ["ML-DSA-44", "ML-DSA-65", "SM2"])
def test_a_key_lives_through_the_store(tmp_path: Path, name: str) -> None:
    store = open_store(tmp_path / "keys", allowed=True)
    ensure_active(store, issuer_id=ISSUER, alg=name, purpose="certificate", now=1)
    signer = open_store(tmp_path / "keys", allowed=True).active(ISSUER, "certificate")
    assert signer.alg == name
    assert algorithm(name).verify(signer.public_jwk, b"data", signer.sign(b"data"))


def test_the_library_signs_with_the_default_identity() -> None:
    assert gmssl_pyx.SM2_DEFAULT_SIGNER_ID == b"1234567812345678"
