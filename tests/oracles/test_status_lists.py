"""Token status lists: `@sd-jwt/jwt-status-list` and `openvc-core` against ours, both ways."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from openvc.keys import P256SigningKey
from openvc.status import token_status_list as openvc
from openvc.status.issue import build_status_list_token, verify_status_list_token

from certsvc_sdk import jws, statuslist
from certsvc_sdk.errors import SignatureInvalid, StatusListInvalid
from certsvc_sdk.statuschunks import KeptStatusBits
from certsvc_sdk.statuslist import MutableStatusBits, StatusBits

Signers = Callable[..., Any]
Issue = Callable[..., str]
URI = "https://certs.example/status/1"
IAT, EXP = 1_700_000_000, 1_700_086_400
# Longer than one byte in every width, and no multiple of eight.
SIZE = 1_003


def statuses(bits: int, size: int = SIZE) -> list[int]:
    """Statuses without a pattern; every value of the width occurs."""
    noise = hashlib.shake_256(b"statuses").digest(size)
    return [byte & (1 << bits) - 1 for byte in noise]


def ours(values: list[int], bits: int) -> StatusBits:
    made = MutableStatusBits(len(values), bits)
    for index, value in enumerate(values):
        made.set(index, value)
    return made.freeze()


def token_of(values: list[int], bits: int, signer: Any) -> str:
    data = statuslist.draft(
        header=signer.header("statuslist+jwt"),
        sub=URI,
        iat=IAT,
        exp=EXP,
        ttl=300,
        version=7,
        bits=ours(values, bits),
    )
    return jws.attach(data, signer.sign(data))


def read_signed(token: str, signer: Any) -> statuslist.StatusListToken:
    found = statuslist.read(token)
    jws.require_header(found.header, typ="statuslist+jwt", alg=signer.alg)
    signer.public.verify(found.compact.signing_input, found.compact.signature)
    return found


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_node_reads_our_bits(bits: int, node: Any) -> None:
    values = statuses(bits)
    found = node.ask("statuslist_unpack", lst=ours(values, bits).to_lst(), bits=bits)
    # The last byte is filled up with places that nobody uses.
    assert found[:SIZE] == values
    assert not any(found[SIZE:])


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_both_read_bits_that_were_compressed_in_chunks(bits: int, node: Any) -> None:
    size = 200_000 // bits * 8
    values = [0] * size
    kept = KeptStatusBits(ours(values, bits))
    for place in range(0, size, 9_973):
        kept.set(place, (1 << bits) - 1)
        values[place] = (1 << bits) - 1
        kept.to_lst()
    found = node.ask("statuslist_unpack", lst=kept.to_lst(), bits=bits)
    assert found == values
    data = openvc.decode_status_list(kept.to_lst())
    assert data == kept.freeze().data


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_openvc_reads_our_bits(bits: int) -> None:
    values = statuses(bits)
    data = openvc.decode_status_list(ours(values, bits).to_lst())
    assert [openvc.get_status(data, index, bits=bits) for index in range(SIZE)] == values


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_we_read_a_signed_list_of_node(bits: int, any_signer: Any, node: Any) -> None:
    values = statuses(bits)
    claims = {"sub": URI, "iat": IAT, "exp": EXP, "ttl": 300}
    header = any_signer.header("statuslist+jwt")
    asked = {"claims": claims, "header": header, "jwk": any_signer.private_jwk}
    token = node.ask("statuslist_sign", values=values, bits=bits, **asked)
    found = read_signed(token, any_signer)
    assert (found.sub, found.iat, found.exp, found.ttl, found.version) == (URI, IAT, EXP, 300, None)
    inflated = found.bits()
    assert [inflated.get(index) for index in range(SIZE)] == values
    with pytest.raises(SignatureInvalid):
        read_signed(token, type(any_signer)(any_signer.alg, 8))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_node_reads_a_signed_list_of_ours(bits: int, any_signer: Any, node: Any) -> None:
    values = statuses(bits)
    token = token_of(values, bits, any_signer)
    found = node.ask("statuslist_read", token=token, alg=any_signer.alg, jwk=any_signer.jwk)
    assert found["header"] == any_signer.header("statuslist+jwt")
    assert (found["bits"], found["values"][:SIZE]) == (bits, values)
    assert [found["claims"][name] for name in ("sub", "iat", "exp", "ttl", "version")] == [
        URI,
        IAT,
        EXP,
        300,
        7,
    ]
    other = type(any_signer)(any_signer.alg, 8)
    with pytest.raises(node.Refused, match="ERR_JWS_SIGNATURE_VERIFICATION_FAILED"):
        node.ask("statuslist_read", token=token, alg=any_signer.alg, jwk=other.jwk)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_signed_lists_both_ways_with_openvc(bits: int, make_signer: Signers) -> None:
    signer, values = make_signer("ES256"), statuses(bits)
    now = datetime.fromtimestamp(IAT + 60, UTC)
    claims = verify_status_list_token(
        token_of(values, bits, signer), public_key_jwk=signer.jwk, expected_uri=URI, now=now
    )
    status_list = claims["status_list"]
    assert status_list["bits"] == bits
    data = openvc.decode_status_list(status_list["lst"])
    assert [openvc.get_status(data, index, bits=bits) for index in range(SIZE)] == values

    packed = openvc.new_status_list(SIZE, bits=bits)
    for index, value in enumerate(values):
        openvc.set_status(packed, index, value, bits=bits)
    theirs = build_status_list_token(
        signing_key=P256SigningKey.from_jwk(signer.private_jwk, signer.kid),
        uri=URI,
        status_list=packed,
        bits=bits,
        issued_at=IAT,
        expires=EXP,
        ttl=300,
    )
    found = read_signed(theirs, signer)
    inflated = found.bits()
    assert (found.sub, found.width) == (URI, bits)
    assert [inflated.get(index) for index in range(SIZE)] == values


@pytest.mark.parametrize(("status", "error"), [(0, None), (1, "not valid"), (2, "not valid")])
def test_node_finds_the_status_of_our_certificate(
    status: int,
    error: str | None,
    node: Any,
    make_signer: Signers,
    issue: Issue,
    claims: dict[str, Any],
) -> None:
    """`@sd-jwt/sd-jwt-vc` follows the reference of our token into our signed list."""
    signer = make_signer("ES256")
    values = [3] * 64
    values[41] = status
    reference = {"status_list": {"idx": 41, "uri": URI}}
    asked = {"alg": signer.alg, "jwk": signer.jwk, "now": IAT + 60}
    asked["token"] = issue(signer, {**claims, "status": reference})
    lists = {URI: token_of(values, 2, signer)}
    if error is None:
        found = node.ask("sdjwt_verify", vc=True, lists=lists, **asked)
        assert found["claims"]["status"] == reference
        forged = {URI: token_of(values, 2, make_signer("ES256", 8))}
        with pytest.raises(node.Refused, match="Status List JWT verification failed"):
            node.ask("sdjwt_verify", vc=True, lists=forged, **asked)
        return
    with pytest.raises(node.Refused, match=error):
        node.ask("sdjwt_verify", vc=True, lists=lists, **asked)


def test_peers_refuse_an_index_outside_the_list_as_we_do(
    node: Any, make_signer: Signers, issue: Issue, claims: dict[str, Any]
) -> None:
    """T38: outside is never "not revoked"."""
    signer, bits = make_signer("ES256"), ours([0] * 8, 2)
    with pytest.raises(StatusListInvalid):
        bits.get(8)
    with pytest.raises(openvc.StatusListError):
        openvc.get_status(openvc.decode_status_list(bits.to_lst()), 8, bits=2)
    reference = {"status_list": {"idx": 8, "uri": URI}}
    token = issue(signer, {**claims, "status": reference})
    with pytest.raises(node.Refused, match="Index out of bounds"):
        node.ask(
            "sdjwt_verify",
            vc=True,
            token=token,
            alg=signer.alg,
            jwk=signer.jwk,
            now=IAT + 60,
            lists={URI: token_of([0] * 8, 2, signer)},
        )
