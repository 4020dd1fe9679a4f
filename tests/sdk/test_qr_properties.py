"""Any claims, any nesting, any text that looks like a slot: `unpack(pack(t)) == t`."""

import hashlib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc_sdk import sdjwt
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.qr import frame, text

TRAPS = (
    '"_sd":[1]',
    '{"...":""}',
    '"_sd":[0,"' + "A" * 43 + '"]',
    '\\"_sd\\":[2]',
    '{"...":"' + "A" * 43 + '"}',
    "\\",
    '"',
    "\n",
    '"a":1\n"b":2',
    "_sd",
    "...",
    "",
)
TEXT = st.one_of(
    st.sampled_from(TRAPS),
    st.lists(st.sampled_from(TRAPS), max_size=3).map("".join),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
)
NAMES = TEXT.filter(lambda name: name not in {"_sd", "...", "_sd_alg"}).map(lambda name: f"x{name}")
VALUES = st.recursive(
    st.one_of(TEXT, st.integers(-(2**53) + 1, 2**53 - 1), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=12,
)
CLAIMS = st.dictionaries(NAMES, VALUES, min_size=1, max_size=5)
MANY = settings(max_examples=150, deadline=None, database=None)


def pointers(value: Any, path: str = "") -> list[str]:
    if isinstance(value, dict):
        steps = [(name.replace("~", "~0").replace("/", "~1"), item) for name, item in value.items()]
    elif isinstance(value, list):
        steps = [(str(index), item) for index, item in enumerate(value)]
    else:
        return []
    return [
        p for step, item in steps for p in (f"{path}/{step}", *pointers(item, f"{path}/{step}"))
    ]


@st.composite
def made(draw: st.DrawFn) -> tuple[str, bytes]:
    """A token of any claims with any disclosures, salted from a seed."""
    claims = draw(CLAIMS)
    every = pointers(claims)
    disclose = draw(st.sets(st.sampled_from(every), max_size=12))
    seed = draw(st.binary(min_size=16, max_size=16))
    draft = sdjwt.draft(
        header={"alg": "ES256", "typ": "dc+sd-jwt", "kid": draw(TEXT)},
        claims=claims,
        disclose=disclose,
        salts=sdjwt.salts_from_seed(seed),
    )
    return draft.finish(draw(st.binary(min_size=64, max_size=64))), seed


@MANY
@given(made(), st.sampled_from([0, 1, 2]))
def test_any_token_comes_back_with_its_seed(pair: tuple[str, bytes], dictionary: int) -> None:
    token, seed = pair
    body = frame.pack(token, seed, dictionary=dictionary)
    kept = seed if token.count("~") > 1 else None
    assert frame.unpack(body) == frame.Unpacked(token, kept, dictionary)


@MANY
@given(made(), st.data())
def test_any_presentation_comes_back_with_its_own_salts(
    pair: tuple[str, bytes], data: st.DataObject
) -> None:
    token, _ = pair
    shown = [item.pointer for item in sdjwt.parse(token).claims().disclosed]
    keep = data.draw(st.sets(st.sampled_from(shown))) if shown else set()
    partial = sdjwt.present(token, keep)
    body = frame.pack(partial, None, dictionary=2)
    assert frame.unpack(body) == frame.Unpacked(partial, None, 2)


@MANY
@given(st.binary(max_size=400))
def test_any_bytes_are_refused_in_our_own_tree(data: bytes) -> None:
    try:
        frame.unpack(data + frame.crc16(data))
    except CertsvcError:
        return


@MANY
@given(
    st.lists(
        st.one_of(st.sampled_from(TRAPS), st.sampled_from(('"a":1', '"_sd":[', "]", '{"m":', "}"))),
        max_size=12,
    ),
    st.sampled_from([0, 1, 2]),
)
def test_any_stream_is_refused_or_read(parts: list[str], flags: int) -> None:
    stream = ('{"alg":1}\n' + "".join(parts)).encode()
    salts = {0: bytes(16), 1: b"\x01" + bytes(16), 2: b""}[flags]
    content = bytes((1, 0, flags)) + salts + frame._deflate(stream, b"") + bytes(64)
    try:
        token = frame.unpack(content + frame.crc16(content)).token
    except CertsvcError:
        return
    # What is read has one spelling: packing it again gives the same token.
    seed = bytes(16) if flags == 0 else None
    try:
        again = frame.pack(token, seed, dictionary=0)
    except CertsvcError:
        return
    assert frame.unpack(again).token == token


@MANY
@given(st.text(max_size=200))
def test_any_text_is_refused_in_our_own_tree(heard: str) -> None:
    try:
        text.from_text(heard)
    except CertsvcError:
        return


def test_traps_in_names_and_values_together() -> None:
    claims = {f"x{trap}": {f"y{trap}": [trap, {f"z{trap}": trap}]} for trap in TRAPS}
    seed = hashlib.sha256(b"traps").digest()[:16]
    draft = sdjwt.draft(
        header={"alg": "ES256", "typ": "dc+sd-jwt", "kid": "k"},
        claims=claims,
        disclose=set(pointers(claims)),
        salts=sdjwt.salts_from_seed(seed),
    )
    token = draft.finish(bytes(64))
    assert token.count("~") == 5 * len(TRAPS) + 1
    assert frame.unpack(frame.pack(token, seed, dictionary=0)) == frame.Unpacked(token, seed, 0)


# Records as people write them, which no dictionary and no sample prepared for.
WORDS = st.one_of(
    st.sampled_from(
        [
            "欧阳𠮷",
            "阿卜杜拉·买买提",
            "O’Brien",
            "👩‍🚀",
            "ﷺ",
            "e\u0301",
            "㐂䶮",
            "１２３",
            "\u202e倒",
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8),
)
LONG_SCOPES = st.lists(
    st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=4, max_size=12),
    min_size=1,
    max_size=120,
).map("；".join)
MEMBERS = st.lists(
    st.fixed_dictionaries(
        {"name": WORDS, "relationship_to_head": st.sampled_from(["户主", "配偶", "子"])},
        optional={"sex": st.sampled_from("男女"), "employer": WORDS, "former_name": WORDS},
    ),
    min_size=1,
    max_size=6,
)
FEW = settings(max_examples=40, deadline=None, database=None, derandomize=True)
REGISTERED = {"iss": "https://certs.example/i/119999000000000198", "iat": 1_793_491_200}


def issued(claims: Any, disclose: set[str], seed: bytes) -> str:
    return sdjwt.draft(
        header={"alg": "ES256", "typ": "dc+sd-jwt", "kid": "n4bQgYhMfWW"},
        claims={**REGISTERED, **claims},
        disclose=disclose,
        salts=sdjwt.salts_from_seed(seed),
    ).finish(bytes(64))


@FEW
@given(WORDS, LONG_SCOPES)
def test_licences_nobody_tuned_for(name: str, scope: str) -> None:
    token = issued({"name": name, "business_scope": scope}, set(), bytes(16))
    assert frame.unpack(frame.pack(token, None, dictionary=1)).token == token


@FEW
@given(WORDS, MEMBERS, st.binary(min_size=16, max_size=16), st.data())
def test_households_nobody_tuned_for(
    address: str, members: Any, seed: bytes, data: st.DataObject
) -> None:
    pointers = {"/address", "/members/*"} | {
        f"/members/*/{name}" for name in ("sex", "employer", "former_name")
    }
    token = issued({"address": address, "members": members}, pointers, seed)
    assert frame.unpack(frame.pack(token, seed, dictionary=2)) == frame.Unpacked(token, seed, 2)
    shown = [item.pointer for item in sdjwt.parse(token).claims().disclosed]
    partial = sdjwt.present(token, data.draw(st.sets(st.sampled_from(shown))))
    assert frame.unpack(frame.pack(partial, None, dictionary=2)).token == partial
