"""Lists and the example token of Token Status List."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from certsvc_sdk import jws, statuslist
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.errors import SignatureInvalid, StatusListInvalid
from certsvc_sdk.statuslist import MutableStatusBits, StatusBits

pytestmark = pytest.mark.vectors
Find = Callable[[str], Path]
EXAMPLE_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "I3HWm_0Ds1dPMI-IWmf4mBmH-YaeAVbPVu7vB27CxXo",
    "y": "6N_d5Elj9bs1htgV3okJKIdbHEpkgTmAluYKJemzn1M",
}


def read_list(bits: int, lst: str) -> StatusBits:
    """Put a list into a token and read it: the way every list comes in."""
    payload = {"sub": "u", "iat": 1, "status_list": {"bits": bits, "lst": lst}}
    data = jws.signing_input(
        {"alg": "ES256", "typ": "statuslist+jwt", "kid": "k"}, json.dumps(payload).encode()
    )
    return statuslist.read(jws.attach(data, b"\x00" * 64)).bits()


def test_rendered_lists(vector_file: Find) -> None:
    path = vector_file("token-status-list-rendered/vectors.json")
    cases: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    assert [case["bits"] for case in cases] == [1, 2, 4, 8, 1, 2]
    for case in cases:
        bits = read_list(case["bits"], case["lst"])
        assert len(bits) == case["entries"]
        expected = {int(index): value for index, value in case["status"].items()}
        assert {index: bits.get(index) for index in expected} == expected
        # All others are 0: as many set entries as the vector names.
        assert _set_entries(bits) == {index for index, value in expected.items() if value}
        bag = MutableStatusBits(case["entries"], case["bits"])
        for index, value in expected.items():
            bag.set(index, value)
        assert bag.freeze() == bits
        assert read_list(case["bits"], bag.freeze().to_lst()) == bits
        with pytest.raises(StatusListInvalid):
            bits.get(case["entries"])


def _set_entries(bits: StatusBits) -> set[int]:
    found: set[int] = set()
    per_byte = 8 // bits.bits
    for place, byte in enumerate(bits.data):
        if byte:
            indexes = range(place * per_byte, (place + 1) * per_byte)
            found.update(index for index in indexes if bits.get(index))
    return found


@pytest.mark.parametrize(
    ("name", "bits", "data"),
    [("status_list_encoding_json", 1, "b9a3"), ("status_list_encoding2_json", 2, "c944f9")],
)
def test_short_lists(vector_file: Find, name: str, bits: int, data: str) -> None:
    text = vector_file(f"token-status-list/examples/{name}.md").read_text(encoding="utf-8")
    example = json.loads(re.sub(r"\s", "", text[text.index("{") :]))
    assert example["bits"] == bits
    assert read_list(bits, example["lst"]) == StatusBits(bits, bytes.fromhex(data))


def test_rendered_token(vector_file: Find) -> None:
    rows = json.loads(vector_file("token-status-list-rendered/tokens.json").read_text())
    tokens = {row["token"] for row in rows if "~" not in row["token"]}
    raw = vector_file("token-status-list/examples/status_list_jwt_raw.md").read_text()
    tokens.add(re.sub(r"\s", "", raw))
    assert len(tokens) == 1
    read = statuslist.read(tokens.pop())
    jws.require_header(read.header, typ="statuslist+jwt", alg="ES256")
    key = PublicKey.from_jwk(EXAMPLE_KEY, "ES256")
    key.verify(read.compact.signing_input, read.compact.signature)
    with pytest.raises(SignatureInvalid):
        key.verify(read.compact.signing_input + b"A", read.compact.signature)
    assert (read.sub, read.iat, read.exp, read.ttl, read.version) == (
        "https://example.com/statuslists/1",
        1686920170,
        2291720170,
        43200,
        None,
    )
    assert read.bits() == StatusBits(1, b"\xb9\xa3")
