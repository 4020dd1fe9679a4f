"""Damage that error correction or a keyboard let through: never accepted, never called forged."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from degrading.suite import Chance

from bench.world import HOUR, LICENCE, World, make_world, samples
from certsvc.catalogue import Catalogue
from certsvc_sdk import sdjwt, typedcode
from certsvc_sdk.client import Verifier
from certsvc_sdk.codes import Outcome
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.qr import DICTIONARY_HOUSEHOLD, DICTIONARY_LICENCE, frame, text

NOW = 1_800_000_000
HOST = "certs.example"
FLIPS = 3000
EACH_KIND = 20
TYPED = 300
_CRC_BYTES = 2


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with make_world(NOW) as made:
        yield made


@pytest.fixture(scope="module")
def verifier(world: World, tmp_path_factory: pytest.TempPathFactory) -> Verifier:
    """The SDK's own verifier, with trust and status data of a published tree."""
    cache: Path = tmp_path_factory.mktemp("cache")
    made = Verifier.from_root(
        world.folder / "root.json", url=world.url, cache_dir=cache, clock=lambda: NOW
    )
    made.prefetch()
    return made


@pytest.fixture(scope="module")
def frames(world: World) -> list[bytes]:
    """Licences; households with a seed; households that withhold a claim, with their salts."""
    return [
        *(_licence(world, number) for number in range(EACH_KIND)),
        *(_household(world, number, whole=True) for number in range(EACH_KIND)),
        *(_household(world, number, whole=False) for number in range(EACH_KIND)),
    ]


def _registered(world: World, kind: str) -> dict[str, Any]:
    names = ("iss", "vct", "certificate_identifier", "iat", "exp", "status")
    return {name: world.claims["flat" if kind == LICENCE else "household"][name] for name in names}


def _licence(world: World, number: int) -> bytes:
    record = {k: v for k, v in samples("business-licences")[number].items() if v is not None}
    token = _signed(world, _registered(world, LICENCE) | record, (), bytes(16))
    return frame.pack(token, None, dictionary=DICTIONARY_LICENCE)


def _household(world: World, number: int, *, whole: bool) -> bytes:
    kind = Catalogue.builtin().get("household-register")
    claims = kind.select(kind.normalise(samples("households")[number]), None)
    seed = Chance("household", number).state.bytes(frame.SEED_BYTES)
    registered = _registered(world, "household") | {"iat": NOW - HOUR}
    token = _signed(world, registered | claims, kind.profile(None).disclose, seed)
    if whole:
        return frame.pack(token, seed, dictionary=DICTIONARY_HOUSEHOLD)
    less = sdjwt.present(token, ["/head_name", "/address"])
    return frame.pack(less, None, dictionary=DICTIONARY_HOUSEHOLD)


def _signed(world: World, claims: dict[str, Any], disclose: Any, seed: bytes) -> str:
    draft = sdjwt.draft(
        header=world.header("ES256"),
        claims=claims,
        disclose=disclose,
        salts=sdjwt.salts_from_seed(seed),
    )
    return draft.finish(world.signers["ES256"].sign(draft.signing_input))


def test_whole_frames_are_valid(verifier: Verifier, frames: list[bytes]) -> None:
    for body in frames:
        verdict = verifier.check(text.to_text(body, HOST))
        assert verdict.outcome is Outcome.VALID, verdict.code


def test_corrected_bit_flips_are_never_accepted(verifier: Verifier, frames: list[bytes]) -> None:
    """One to three bits turned over in each of 3,000 frames, and the CRC made to fit.

    DEFLATE can spell the same text in several ways (a copy from another place that says the
    same). Such a frame still holds the exact signed token: nothing in it was altered.
    """
    seen: Counter[str] = Counter()
    for number in range(FLIPS):
        body = frames[number % len(frames)]
        flipped = _flipped(body, Chance("flip", number))
        verdict = verifier.check(text.to_text(flipped, HOST))
        seen[verdict.code] += 1
        if verdict.outcome is Outcome.VALID:
            assert frame.unpack(flipped) == frame.unpack(body), number
            seen["the same token"] += 1
    assert seen.total() - seen["the same token"] == FLIPS
    assert seen["valid"] == seen["the same token"] < FLIPS / 100
    # Many reach the signature: the CRC was no help to us.
    assert seen["signature_invalid"] > FLIPS / 6
    assert seen["unreadable"] == 0


def _flipped(body: bytes, chance: Chance) -> bytes:
    content = bytearray(body[:-_CRC_BYTES])
    for bit in {chance.below(8 * len(content)) for _ in range(1 + chance.below(3))}:
        content[bit // 8] ^= 1 << bit % 8
    return bytes(content) + frame.crc16(content)


def test_flips_without_a_new_crc_say_scan_again(verifier: Verifier, frames: list[bytes]) -> None:
    for number, body in enumerate(frames):
        flipped = _flipped(body, Chance("scan", number))[:-_CRC_BYTES] + body[-_CRC_BYTES:]
        assert verifier.check(text.to_text(flipped, HOST)).code == "unreadable"


@pytest.mark.parametrize("prefix", ["", "https://certs.example/v#", "HTTPS://CERTS.EXAMPLE/V#"])
def test_typing_errors_in_digits_are_never_called_forged(
    verifier: Verifier, frames: list[bytes], prefix: str
) -> None:
    """A hand scanner that loses, doubles, swaps or misreads digits."""
    for number in range(TYPED // 3):
        chance = Chance("digits", prefix, number)
        digits = text.to_parts(frames[number % len(frames)], HOST)[1]
        for _ in range(1 + chance.below(3)):
            digits = _mistyped(digits, "0123456789", chance)
        verdict = verifier.check(prefix + digits)
        assert verdict.code == "unreadable", number
        assert verdict.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("spelling", ["text", "lower", "digits"])
def test_typing_errors_in_the_typed_code_are_never_called_forged(
    verifier: Verifier, frames: list[bytes], spelling: str
) -> None:
    for number in range(TYPED // 3):
        code = typedcode.of(frame.unpack(frames[number % len(frames)]).token)
        right = {
            "text": typedcode.grouped(code),
            "lower": typedcode.grouped(code).lower(),
            "digits": typedcode.digits(code),
        }[spelling]
        letters = "0123456789" if spelling == "digits" else "0123456789CDFHKMRWX"
        typed = _mistyped(right, letters, Chance("code", spelling, number))
        with pytest.raises(CertsvcError) as caught:
            typedcode.read(typed)
        assert caught.value.code == "unreadable", (right, typed)
        verdict = verifier.check(typed)
        assert (verdict.outcome, verdict.code) == (Outcome.UNKNOWN, "unreadable"), (right, typed)


def _mistyped(right: str, letters: str, chance: Chance) -> str:
    """One character lost, doubled, swapped with the next, or wrong."""
    signs = [at for at, sign in enumerate(right) if sign != "-"]
    while True:
        at = signs[chance.below(len(signs))]
        wrong = letters[chance.below(len(letters))]
        before, sign, after = right[:at], right[at], right[at + 1 :]
        swapped = after[:1] + sign + after[1:] if after[:1] not in ("-", "") else sign + after
        typed = (
            before + after,
            before + sign + sign + after,
            before + swapped,
            before + wrong + after,
        )[chance.below(4)]
        if typed.upper() != right.upper():
            return typed
