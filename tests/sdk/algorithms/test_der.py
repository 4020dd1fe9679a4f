"""Our few lines of DER give what the library gives, for every shape of the two numbers."""

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from hypothesis import example, given
from hypothesis import strategies as st

from certsvc_sdk.algorithms import der

NUMBERS = st.integers(min_value=1, max_value=2**256 - 1)
EDGES = (1, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 2**247, 2**248 - 1, 2**255, 2**256 - 1)


@given(NUMBERS, NUMBERS)
@example(1, 1)
def test_equal_to_the_library(r: int, s: int) -> None:
    made = der.from_raw(r.to_bytes(32, "big"), s.to_bytes(32, "big"))
    assert made == encode_dss_signature(r, s)


@pytest.mark.parametrize("r", EDGES)
def test_edges(r: int) -> None:
    for s in EDGES:
        made = der.from_raw(r.to_bytes(32, "big"), s.to_bytes(32, "big"))
        assert made == encode_dss_signature(r, s)
        assert decode_dss_signature(made) == (r, s)
