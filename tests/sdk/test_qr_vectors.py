"""QR vectors: frames that are read for ever, and broken ones, each named for its defect."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from certsvc_sdk import qr
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.qr import dictionaries

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "qr" / "frame-v1.json").read_text("utf-8")
)


@pytest.mark.parametrize("case", VECTORS["valid"], ids=lambda case: case["name"])
def test_a_published_frame_gives_its_token_back(case: dict[str, Any]) -> None:
    seed = bytes.fromhex(case["seed"]) if case["seed"] else None
    assert qr.decode(case["text"]) == qr.Unpacked(case["token"], seed, case["dictionary"])


@pytest.mark.parametrize("case", VECTORS["invalid"], ids=lambda case: case["name"])
def test_a_broken_text_is_refused_with_its_code(case: dict[str, Any]) -> None:
    with pytest.raises(CertsvcError) as caught:
        qr.decode(case["text"])
    assert caught.value.code == case["code"]


def test_published_dictionaries_are_the_pinned_ones() -> None:
    pinned = VECTORS["dictionaries_sha256"]
    assert {
        number: hashlib.sha256(dictionaries.load(int(number))).hexdigest() for number in pinned
    } == pinned
