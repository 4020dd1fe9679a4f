"""Five hundred odd and hostile pictures (T73): refused or read, never believed, never too dear."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from odd import reading
from odd.corpus import COUNTS, Texts, corpus

from bench.world import SEED, World, make_world
from certsvc_sdk import errors, qr, sdjwt
from certsvc_sdk.client import Verifier
from certsvc_sdk.codes import Outcome
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.file_limits import READING_SECONDS
from certsvc_sdk.qr import frame, text

NOW = 1_800_000_000
HOST = "certs.example"
MOST_BYTES = 512 * 1024 * 1024
# The time is asked between two steps, of which the longest takes some seconds.
ONE_STEP = 5.0
FILE_REFUSALS = {
    error.code
    for error in (
        errors.FileTooLarge,
        errors.FileUnsupported,
        errors.ImageUnreadable,
        errors.NoCodeFound,
    )
}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with make_world(NOW) as made:
        yield made


@pytest.fixture(scope="module")
def verifier(world: World, tmp_path_factory: pytest.TempPathFactory) -> Verifier:
    made = Verifier.from_root(
        world.folder / "root.json",
        url=world.url,
        cache_dir=tmp_path_factory.mktemp("cache"),
        clock=lambda: NOW,
    )
    made.prefetch()
    return made


@pytest.fixture(scope="module")
def texts(world: World) -> Texts:
    ours, second = (world.token(name, "ES256") for name in ("thirteen", "household"))
    household = encoded(second, qr.DICTIONARY_HOUSEHOLD)
    return Texts(encoded(ours), household, tuple(forged(world, ours)))


def encoded(token: str, dictionary: int = qr.DICTIONARY_LICENCE) -> str:
    return qr.encode(token, SEED, host=HOST, dictionary=dictionary)


def forged(world: World, ours: str) -> Iterator[str]:
    """Ten with another signature, ten with another name, signed by a key of another use."""
    body = text.from_text(encoded(ours))
    for number in range(10):
        wrong = bytearray(body[:-2])
        wrong[-1 - 6 * number] ^= 1
        yield text.to_text(bytes(wrong) + frame.crc16(bytes(wrong)), HOST)
    for number in range(10):
        draft = sdjwt.draft(
            header=world.header("ES256"),
            claims=world.claims["thirteen"] | {"name": f"某某{number}有限公司"},
            disclose=world.disclose["thirteen"],
            salts=sdjwt.salts_from_seed(SEED),
        )
        yield encoded(draft.finish(world.status_signer.sign(draft.signing_input)))


@pytest.fixture(scope="module")
def read(texts: Texts, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process with limits read; it ends well only if nothing but our errors came up."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "files").mkdir()
    for name, data in corpus(texts):
        (folder / "files" / name).write_bytes(data)
    script = [sys.executable, str(reading.__file__), str(folder / "files"), str(folder / "out")]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads((folder / "out").read_text("utf-8"))
    return found


def test_there_are_five_hundred(read: dict[str, Any]) -> None:
    assert Counter(name.rpartition("-")[0] for name in read["answers"]) == COUNTS
    assert sum(COUNTS.values()) == 500


def test_refusals_have_the_codes_of_files(read: dict[str, Any]) -> None:
    assert {answer["code"] for answer in read["answers"].values()} <= {None, *FILE_REFUSALS}
    assert all(bool(answer["texts"]) == (not answer["code"]) for answer in read["answers"].values())


def test_time_and_memory_are_bounded(read: dict[str, Any]) -> None:
    assert read["peak"] < MOST_BYTES
    longest = max(answer["seconds"] for answer in read["answers"].values())
    assert longest < READING_SECONDS + ONE_STEP


def test_nothing_but_our_own_tokens_is_valid(
    read: dict[str, Any], verifier: Verifier, texts: Texts
) -> None:
    own = {qr.decode(texts.ours).token, qr.decode(texts.second).token}
    valid: Counter[str] = Counter()
    for name, answer in read["answers"].items():
        for said in answer["texts"]:
            verdict = verifier.check(said)
            if verdict.outcome is Outcome.VALID:
                assert qr.decode(said).token in own, name
                valid[name.rpartition("-")[0]] += 1
    assert valid["turned"] >= 30
    assert valid["damaged"] >= 15
    # Tokens under a declared character set, and digits at another host, are still the token.
    assert valid["modes"] >= 10
    assert not valid["forged"]
    assert not valid["bombs"]
    assert not valid["patterns"]


def test_forged_codes_are_read_and_refused(read: dict[str, Any], verifier: Verifier) -> None:
    answers = [answer for name, answer in read["answers"].items() if name.startswith("forged")]
    codes = Counter(verifier.check(said).code for answer in answers for said in answer["texts"])
    assert codes == {"signature_invalid": COUNTS["forged"]}


def test_two_certificates_are_never_mixed(read: dict[str, Any], texts: Texts) -> None:
    """Side by side, over one another, by colour: what is read is one of them, whole."""
    for name, answer in read["answers"].items():
        if name.startswith("several") and len(answer["texts"]) < 10:
            assert set(answer["texts"]) <= {texts.ours, texts.second, ""}, name


def test_pieces_of_a_structured_append_are_no_certificate(texts: Texts) -> None:
    from odd import modes

    from certsvc_sdk.image import read_codes

    for data in modes._parts(texts.ours):
        try:
            said = [code.text for code in read_codes(data)]
        except CertsvcError:
            continue
        assert all(len(one) < len(texts.ours) or one == texts.ours for one in said)
