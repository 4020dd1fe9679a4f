"""T37, T38, T41: lists inflate within bounds, indexes are strict, bits go in the right order."""

import base64
import gzip
import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc_sdk import jws, statuslist
from certsvc_sdk.errors import StatusListInvalid
from certsvc_sdk.statuslist import MutableStatusBits, StatusBits

URI = "https://certs.example/status/119999000000000198/1"
NOW = 1_800_000_000


def b64u(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token_of(claims: Any, header: Any = None) -> str:
    head = {"alg": "ES256", "typ": "statuslist+jwt", "kid": "k"} if header is None else header
    body = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return f"{b64u(json.dumps(head).encode())}.{b64u(body)}.AA"


def claims_of(data: bytes | None = None, **changes: Any) -> dict[str, Any]:
    lst = b64u(zlib.compress(b"\x00" * 8) if data is None else data)
    claims: dict[str, Any] = {"sub": URI, "iat": NOW, "status_list": {"bits": 2, "lst": lst}}
    return {**claims, **changes}


def test_t41_examples_of_the_standard() -> None:
    # Section 4.1: 16 one-bit and 12 two-bit statuses.
    one = StatusBits(1, bytes([0xB9, 0xA3]))
    assert [one.get(index) for index in range(16)] == [
        1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1,
    ]  # fmt: skip
    two = StatusBits(2, bytes([0xC9, 0x44, 0xF9]))
    assert [two.get(index) for index in range(12)] == [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]
    assert (len(one), len(two)) == (16, 12)


@given(st.sampled_from([1, 2, 4, 8]), st.data())
def test_what_is_set_is_read(bits: int, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.integers(0, 2**bits - 1), min_size=1, max_size=50))
    bag = MutableStatusBits(len(values), bits)
    for index, value in enumerate(values):
        bag.set(index, 2**bits - 1)
        bag.set(index, value)
    frozen = bag.freeze()
    assert [frozen.get(index) for index in range(len(values))] == values
    assert len(frozen.data) == -(-len(values) * bits // 8)


@given(st.sampled_from([1, 2, 4, 8]), st.data())
def test_filling_is_setting(bits: int, data: st.DataObject) -> None:
    pair = st.tuples(st.integers(0, 49), st.integers(0, 2**bits - 1))
    pairs = data.draw(st.lists(pair, max_size=80))
    one, other = MutableStatusBits(50, bits), MutableStatusBits(50, bits)
    one.fill(pairs)
    for index, value in pairs:
        other.set(index, value)
    assert one.freeze() == other.freeze()


@pytest.mark.parametrize("pair", [(-1, 0), (50, 0), (0, -1), (0, 4)])
def test_filling_refuses_what_does_not_fit(pair: tuple[int, int]) -> None:
    with pytest.raises(StatusListInvalid):
        MutableStatusBits(50).fill([pair])


def test_freeze_is_a_copy() -> None:
    bag = MutableStatusBits(8)
    frozen = bag.freeze()
    bag.set(3, statuslist.SUSPENDED)
    assert frozen.get(3) == statuslist.VALID
    assert bag.freeze().get(3) == statuslist.SUSPENDED
    assert (statuslist.INVALID, statuslist.SUPERSEDED) == (1, 3)


INDEXES = [-1, 32, 33, 2**31, 2**63, -(2**63), 10**30, True, False, 1.0, "1", None, [1], b"1"]


@pytest.mark.parametrize("index", INDEXES)
def test_t38_index_is_an_integer_inside_the_list(index: Any) -> None:
    with pytest.raises(StatusListInvalid):
        StatusBits(2, bytes(8)).get(index)
    with pytest.raises(StatusListInvalid):
        MutableStatusBits(32).set(index, 1)


def test_t38_edges() -> None:
    bits = StatusBits(2, bytes(7) + b"\xc0")
    assert (bits.get(0), bits.get(30), bits.get(31)) == (0, 0, 3)
    with pytest.raises(StatusListInvalid):
        StatusBits(2, b"").get(0)


@pytest.mark.parametrize("value", [-1, 4, 2**63, True, 1.0, "1", None])
def test_values_fit_their_width(value: Any) -> None:
    with pytest.raises(StatusListInvalid):
        MutableStatusBits(32).set(0, value)


@pytest.mark.parametrize("bits", [0, 3, 5, 6, 7, 16, -1, True, 2.0, "2", None])
def test_t41_width(bits: Any) -> None:
    with pytest.raises(StatusListInvalid):
        StatusBits(bits, b"\x00")
    with pytest.raises(StatusListInvalid):
        MutableStatusBits(8, bits)
    claims = claims_of()
    claims["status_list"]["bits"] = bits
    with pytest.raises(StatusListInvalid):
        statuslist.read(token_of(claims))


def test_sizes() -> None:
    for size in (0, -1, 2**23 + 1):
        with pytest.raises(StatusListInvalid):
            MutableStatusBits(size)
    assert len(MutableStatusBits(2**23).freeze().data) == statuslist.MAX_LIST_BYTES
    with pytest.raises(StatusListInvalid):
        StatusBits(2, bytes(statuslist.MAX_LIST_BYTES + 1))


def make(signer: Any, bits: StatusBits, **changes: Any) -> str:
    arguments: dict[str, Any] = {
        "header": signer.header("statuslist+jwt"),
        "sub": URI,
        "iat": NOW,
        "exp": NOW + 86_400,
        "ttl": 300,
        "version": 7,
        "bits": bits,
        **changes,
    }
    data = statuslist.draft(**arguments)
    return jws.attach(data, signer.sign(data))


def test_made_and_read(any_signer: Any) -> None:
    bag = MutableStatusBits(100_000)
    for index, value in ((0, 1), (77_777, 2), (99_999, 3)):
        bag.set(index, value)
    token = make(any_signer, bag.freeze())
    read = statuslist.read(token)
    jws.require_header(read.header, typ="statuslist+jwt", alg=any_signer.alg)
    any_signer.public.verify(read.compact.signing_input, read.compact.signature)
    assert (read.sub, read.iat, read.exp, read.ttl, read.version) == (
        URI,
        NOW,
        NOW + 86_400,
        300,
        7,
    )
    bits = read.bits()
    assert [bits.get(index) for index in (0, 1, 77_777, 99_999)] == [1, 0, 2, 3]
    assert bits == bag.freeze()
    payload = json.loads(read.compact.payload)
    assert list(payload) == ["sub", "iat", "exp", "ttl", "version", "status_list"]
    assert payload["status_list"].keys() == {"bits", "lst"}
    assert len(token) < 1000


@pytest.mark.parametrize(
    "changes",
    [
        {"header": {"alg": "ES256", "typ": "dc+sd-jwt", "kid": "k"}}, {"header": {"alg": "ES256"}},
        {"iat": -1}, {"exp": NOW}, {"exp": NOW - 1}, {"ttl": 0}, {"ttl": -5}, {"version": -1},
    ],
)  # fmt: skip
def test_senseless_drafts(es256_signer: Any, changes: Any) -> None:
    with pytest.raises(StatusListInvalid):
        make(es256_signer, StatusBits(2, bytes(8)), **changes)


def test_optional_claims_may_be_absent() -> None:
    read = statuslist.read(token_of(claims_of()))
    assert (read.exp, read.ttl, read.version) == (None, None, None)
    assert len(read.bits()) == 32


LST = b64u(zlib.compress(b"\x00"))


@pytest.mark.parametrize(
    "claims",
    [
        claims_of(sub=None), claims_of(sub=5), claims_of(iat=None), claims_of(iat=True),
        claims_of(iat=1.0),
        claims_of(iat=str(NOW)), claims_of(exp=None), claims_of(exp="1"), claims_of(exp=1.5),
        claims_of(ttl=None),
        claims_of(ttl=0), claims_of(ttl=-1), claims_of(ttl="300"), claims_of(version="7"),
        claims_of(version=None),
        claims_of(status_list=None), claims_of(status_list=[]), claims_of(status_list={}),
        claims_of(status_list={"bits": 2}), claims_of(status_list={"lst": LST}),
        claims_of(status_list={"bits": 2, "lst": None}), claims_of(status_list={"bits": 2,
        "lst": [0]}),
        {}, [], b"null", b"{", b'{"iat":1,"iat":2}', b"[" * 5000,
    ],
)  # fmt: skip
def test_claims_of_wrong_kind(claims: Any) -> None:
    with pytest.raises(StatusListInvalid):
        statuslist.read(token_of(claims))


@pytest.mark.parametrize("header", [{"alg": "ES256"}, {"typ": "dc+sd-jwt"}, {"typ": None}, {}, []])
def test_t19_header_type(header: Any) -> None:
    with pytest.raises(StatusListInvalid):
        statuslist.read(token_of(claims_of(), header))


@pytest.mark.parametrize("token", ["", "a.b", "{}", "é.e30.AA", token_of(claims_of()) + "~"])
def test_not_a_token(token: str) -> None:
    with pytest.raises(StatusListInvalid):
        statuslist.read(token)


RAW = zlib.compress(bytes(1000))


@pytest.mark.parametrize(
    "data",
    [
        b"", RAW[:-1], RAW[:-5], RAW[:4], RAW + b"\x00", RAW + RAW, b"\x00" + RAW, RAW[2:-4],
        bytes(50),
        RAW[:-1] + bytes([RAW[-1] ^ 1]), gzip.compress(bytes(1000), mtime=0),
    ],
)  # fmt: skip
def test_t37_data_must_end_exactly(data: bytes) -> None:
    read = statuslist.read(token_of(claims_of(data)))
    with pytest.raises(StatusListInvalid):
        read.bits()


@pytest.mark.parametrize("lst", ["====", "eNr=", "e N r", "é", "a"])
def test_lst_is_base64url(lst: str) -> None:
    read = statuslist.read(token_of(claims_of(status_list={"bits": 2, "lst": lst})))
    with pytest.raises(StatusListInvalid):
        read.bits()


def test_t37_bomb_unfolds_to_the_cap_only(monkeypatch: pytest.MonkeyPatch) -> None:
    packer = zlib.compressobj(9)
    bomb = b"".join(packer.compress(bytes(2**20)) for _ in range(200)) + packer.flush()
    assert len(bomb) < 210_000
    inflated: list[int] = []
    original = zlib.decompressobj

    class Counting:
        """zlib's own object; only counts what comes out."""

        def __init__(self) -> None:
            self._inner = original()
            self.eof, self.unused_data = False, b""

        def decompress(self, data: bytes, limit: int) -> bytes:
            out = self._inner.decompress(data, limit)
            inflated.append(len(out))
            return out

    read = statuslist.read(token_of(claims_of(bomb)))
    monkeypatch.setattr(zlib, "decompressobj", Counting)
    with pytest.raises(StatusListInvalid):
        read.bits()
    assert sum(inflated) == statuslist.MAX_LIST_BYTES + 1


def test_t37_the_cap_itself_is_read() -> None:
    full = zlib.compress(bytes(statuslist.MAX_LIST_BYTES))
    assert len(statuslist.read(token_of(claims_of(full))).bits()) == 2**23
    over = zlib.compress(bytes(statuslist.MAX_LIST_BYTES + 1))
    with pytest.raises(StatusListInvalid):
        statuslist.read(token_of(claims_of(over))).bits()


def test_t37_incompressible_list_of_full_size(es256_signer: Any) -> None:
    noise = b"".join(zlib.crc32(b"%d" % n).to_bytes(4, "big") for n in range(2**19))
    bits = StatusBits(2, noise)
    assert statuslist.read(make(es256_signer, bits)).bits() == bits


def test_oversized_token() -> None:
    with pytest.raises(StatusListInvalid):
        statuslist.read("a" * (statuslist.MAX_LIST_TOKEN + 1))
