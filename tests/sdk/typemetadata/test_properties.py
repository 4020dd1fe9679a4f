"""Whatever stands in a document or an `…#integrity`, only this SDK's own errors come out."""

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from certsvc_sdk import sdjwt
from certsvc_sdk.errors import IntegrityInvalid, TypeMetadataInvalid
from certsvc_sdk.typemetadata import check_claims, check_integrity, integrity_of, resolve

SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=6)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["path", "display", "locale", "label", "name", "sd", "mandatory", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
STEPS = st.sampled_from(["a", "b", "list", "_sd", "..."]) | st.none() | st.integers(0, 2)
CLAIM = st.fixed_dictionaries(
    {"path": st.lists(STEPS, min_size=1, max_size=4)},
    optional={
        "sd": st.sampled_from(["always", "allowed", "never"]),
        "mandatory": st.booleans(),
        "display": VALUES,
    },
)
DOCUMENT = st.fixed_dictionaries(
    {"vct": st.just("a") | SCALARS},
    optional={
        "extends": st.sampled_from(["a", "b"]) | SCALARS,
        "extends#integrity": SCALARS,
        "display": VALUES,
        "claims": st.lists(CLAIM, max_size=5) | VALUES,
        "name": SCALARS,
    },
)
CREDENTIAL = {"vct": "a", "a": {"b": 1}, "b": None, "list": [1, {"a": [2]}, [3]]}


def presentation(keep: set[str]) -> sdjwt.Parsed:
    made = sdjwt.draft(
        header={"alg": "ES256"},
        claims=CREDENTIAL,
        disclose={"/a", "/a/b", "/list/1", "/list/1/a/0"},
        salts=sdjwt.salts_from_seed(bytes(16)),
    )
    return sdjwt.parse(sdjwt.present(made.finish(bytes(64)), keep))


@settings(max_examples=150, deadline=None)
@given(document=DOCUMENT, keep=st.sets(st.sampled_from(["/a", "/a/b", "/list/1", "/list/1/a/0"])))
@example(document={"vct": "a", "claims": [{"path": ["list", None, "a", None]}]}, keep=set())
def test_any_document_is_read_or_refused(document: Any, keep: set[str]) -> None:
    data = json.dumps(document).encode()
    try:
        metadata = resolve("a", lambda uri: data if uri == "a" else b'{"vct":"b"}')
    except (TypeMetadataInvalid, IntegrityInvalid):
        return
    metadata.labels()
    metadata.title()
    parsed = presentation(keep)
    whole = presentation({"/a", "/a/b", "/list/1", "/list/1/a/0"})
    # What is wrong by what is shown is wrong by everything: withholding accuses nobody.
    assert set(check_claims(metadata, parsed)) <= set(check_claims(metadata, whole))


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        resolve("a", lambda _uri: data)
    except TypeMetadataInvalid:
        return
    raise AssertionError("no random bytes describe the type a")


@settings(max_examples=150, deadline=None)
@given(text=st.text(alphabet="sha256384512-+/=? \tAZaz09_é", max_size=80), data=st.binary())
def test_any_integrity_is_checked_or_refused(text: str, data: bytes) -> None:
    check_integrity(data, integrity_of(data))
    try:
        check_integrity(data, text)
    except IntegrityInvalid:
        return
    raise AssertionError("a random text is the integrity of random bytes")
