"""Leaves: written one way, read one way, without personal data."""

import hashlib
import json
from typing import Any

import pytest

from certsvc_sdk import strict
from certsvc_sdk.errors import LogLeafInvalid
from certsvc_sdk.log import merkle
from certsvc_sdk.log.leaf import Changed, Event, Issued, issued_of, read_leaf

ISSUED = Issued(
    certificate_identifier="1.2.156.1",
    iat=1_800_000_000,
    iss="https://certs.example/i/119999000000000198",
    kid="abcdefghijk",
    sha256=bytes(range(32)),
    vct="https://certs.example/vct/licence/1",
)
CHANGED = Changed(
    at=1_800_000_001,
    certificate_identifier="1.2.156.1",
    event=Event.REVOKED,
    iss=ISSUED.iss,
    prev=ISSUED.hash,
    seq=1,
)


def test_the_bytes_are_fixed_for_ever() -> None:
    assert ISSUED.to_bytes() == (
        b'{"certificate_identifier":"1.2.156.1","event":"issued","iat":1800000000,'
        b'"iss":"https://certs.example/i/119999000000000198","kid":"abcdefghijk",'
        b'"sha256":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8","v":1,'
        b'"vct":"https://certs.example/vct/licence/1"}'
    )
    assert ISSUED.hash.hex() == merkle.leaf_hash(ISSUED.to_bytes()).hex()
    assert CHANGED.to_bytes() == (
        b'{"at":1800000001,"certificate_identifier":"1.2.156.1","event":"revoked",'
        b'"iss":"https://certs.example/i/119999000000000198","prev":"%s","seq":1,"v":1}'
        % strict.b64u_ascii(ISSUED.hash)
    )


@pytest.mark.parametrize("leaf", [ISSUED, CHANGED])
def test_a_leaf_is_read_as_written(leaf: Any) -> None:
    assert read_leaf(leaf.to_bytes()) == leaf
    members = json.loads(leaf.to_bytes())
    assert list(members) == sorted(members)


def _with(leaf: Any, **changes: Any) -> bytes:
    members = json.loads(leaf.to_bytes()) | changes
    kept = {name: value for name, value in members.items() if value is not ...}
    return json.dumps(kept, separators=(",", ":"), sort_keys=True).encode()


@pytest.mark.parametrize(
    "data",
    {
        "not JSON": b"leaf",
        "no object": b"[]",
        "white space": ISSUED.to_bytes() + b" ",
        "other order": b'{"v":1,' + ISSUED.to_bytes()[1:].replace(b',"v":1', b""),
        "another version": _with(ISSUED, v=2),
        "no version": _with(ISSUED, v=...),
        "one more": _with(ISSUED, name="x"),
        "one less": _with(ISSUED, vct=...),
        "kid": _with(ISSUED, kid="a b"),
        "iat below zero": _with(ISSUED, iat=-1),
        "iat as text": _with(ISSUED, iat="1"),
        "iat true": _with(ISSUED, iat=True),
        "short hash": _with(ISSUED, sha256="AAAA"),
        "padded hash": _with(ISSUED, sha256="A" * 43 + "="),
        "escaped": ISSUED.to_bytes().replace(b"licence", b"licenc\\u0065"),
        "unknown event": _with(CHANGED, event="forgotten"),
        "issued event with another's members": _with(CHANGED, event="issued"),
        "seq zero": _with(CHANGED, seq=0),
        "at below zero": _with(CHANGED, at=-1),
        "short prev": _with(CHANGED, prev="AAAA"),
        "one more in a change": _with(CHANGED, reason="x"),
        "too long": _with(ISSUED, vct="x" * 9000),
    }.items(),
    ids=lambda item: item[0],
)
def test_no_leaf(data: tuple[str, bytes]) -> None:
    with pytest.raises(LogLeafInvalid):
        read_leaf(data[1])


def test_the_leaf_of_an_issue_follows_from_the_token(es256_signer: Any) -> None:
    payload = {
        "iss": ISSUED.iss,
        "vct": ISSUED.vct,
        "certificate_identifier": "1.2.156.1",
        "iat": 1_800_000_000,
        "name": "张三",
    }
    token = es256_signer.jws(strict.dumps(payload))
    signing_input = token.rpartition(".")[0].encode()
    leaf = issued_of(signing_input)
    assert leaf.kid == es256_signer.kid
    assert leaf.sha256.hex() == hashlib.sha256(signing_input).hexdigest()
    assert "张三" not in leaf.to_bytes().decode()
    for name in payload.keys() - {"name"}:
        without = {key: value for key, value in payload.items() if key != name}
        token = es256_signer.jws(strict.dumps(without))
        with pytest.raises(LogLeafInvalid):
            issued_of(token.rpartition(".")[0].encode())
    for wrong in (b"", b"a.b.c", b"e30.e30"):
        with pytest.raises(LogLeafInvalid):
            issued_of(wrong)


def test_what_cannot_be_a_leaf_is_not_written() -> None:
    for changes in ({"vct": "x" * 9000}, {"iat": 2**53}, {"iss": "\ud800"}):
        fields = {name: getattr(ISSUED, name) for name in Issued.__slots__}
        with pytest.raises(LogLeafInvalid):
            Issued(**fields | changes).to_bytes()
