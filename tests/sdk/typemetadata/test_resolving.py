"""What a type inherits, and names for people in the language that serves."""

import json
from typing import Any

import pytest

from certsvc_sdk.errors import FetchFailed, IntegrityInvalid, TypeMetadataInvalid
from certsvc_sdk.typemetadata import (
    ClaimMetadata,
    Display,
    Sd,
    TypeMetadata,
    integrity_of,
    resolve,
)
from certsvc_sdk.typemetadata.resolving import MAX_CHAIN

BASE = "https://example.com/base-type-metadata"
CHILD = "https://example.com/custom-type-metadata"


class Shelf:
    """Documents by address, and what was asked for."""

    def __init__(self, *documents: dict[str, Any]) -> None:
        self.data = {one["vct"]: json.dumps(one).encode() for one in documents}
        self.asked: list[str] = []

    def __call__(self, uri: str) -> bytes:
        self.asked.append(uri)
        if uri not in self.data:
            raise FetchFailed("no such document")
        return self.data[uri]


def labels(en: str) -> list[dict[str, str]]:
    return [{"label": en, "locale": "en"}]


def test_the_drafts_example_of_extending() -> None:
    shelf = Shelf(
        {
            "vct": BASE,
            "claims": [
                {"path": ["name"], "display": labels("Full Name")},
                {"path": ["address", "city"], "display": labels("City")},
            ],
        },
        {
            "vct": CHILD,
            "extends": BASE,
            "claims": [
                {"path": ["address", "city"], "display": labels("Town")},
                {"path": ["nationalities"], "display": labels("Nationalities")},
            ],
        },
    )
    found = resolve(CHILD, shelf)
    assert shelf.asked == [CHILD, BASE]
    assert (found.vct, found.ancestors) == (CHILD, (BASE,))
    assert found.claims == (
        ClaimMetadata(path=("name",), display=(Display(locale="en", name="Full Name"),)),
        ClaimMetadata(path=("address", "city"), display=(Display(locale="en", name="Town"),)),
        ClaimMetadata(
            path=("nationalities",), display=(Display(locale="en", name="Nationalities"),)
        ),
    )


def extend(base: dict[str, Any], child: dict[str, Any]) -> ClaimMetadata:
    shelf = Shelf(
        {"vct": BASE, "claims": [{"path": ["a"], **base}]},
        {"vct": CHILD, "extends": BASE, "claims": [{"path": ["a"], **child}]},
    )
    (claim,) = resolve(CHILD, shelf).claims
    return claim


def test_properties_are_inherited_one_by_one() -> None:
    base = {"sd": "always", "mandatory": True, "svg_id": "a", "display": labels("A")}
    assert extend(base, {}) == extend(base, dict(base))
    assert extend(base, {"svg_id": "b"}).svg_id == "b"
    assert extend(base, {"svg_id": "b"}).display == (Display(locale="en", name="A"),)
    two = [{"label": "甲", "locale": "zh"}, {"label": "A", "locale": "en"}]
    # A list is never merged with the other's.
    assert extend({"display": two}, {"display": labels("B")}).display == (
        Display(locale="en", name="B"),
    )


@pytest.mark.parametrize(
    ("base", "child", "result"),
    [
        (None, "always", Sd.ALWAYS), (None, "never", Sd.NEVER), ("allowed", "never", Sd.NEVER),
        ("allowed", None, Sd.ALLOWED), ("always", None, Sd.ALWAYS), ("never", "never", Sd.NEVER),
        ("always", "never", None), ("always", "allowed", None), ("never", "always", None),
        ("never", "allowed", None),
    ],
)  # fmt: skip
def test_sd_can_only_be_made_definite(base: Any, child: Any, result: Any) -> None:
    documents = [{} if one is None else {"sd": one} for one in (base, child)]
    if result is None:
        with pytest.raises(TypeMetadataInvalid):
            extend(*documents)
    else:
        assert extend(*documents).sd is result


@pytest.mark.parametrize(
    ("base", "child", "result"),
    [
        (False, True, True), (None, True, True), (True, None, True), (True, True, True),
        (False, None, False), (True, False, None),
    ],
)  # fmt: skip
def test_mandatory_can_only_be_added(base: Any, child: Any, result: Any) -> None:
    documents = [{} if one is None else {"mandatory": one} for one in (base, child)]
    if result is None:
        with pytest.raises(TypeMetadataInvalid):
            extend(*documents)
    else:
        assert extend(*documents).mandatory is result


def test_a_limit_holds_over_several_generations() -> None:
    shelf = Shelf(
        {"vct": "a", "claims": [{"path": ["x"], "sd": "never"}]},
        {"vct": "b", "extends": "a", "claims": [{"path": ["x"], "mandatory": True}]},
        {"vct": "c", "extends": "b", "claims": [{"path": ["x"], "sd": "always"}]},
    )
    assert resolve("b", shelf).claims == (ClaimMetadata(path=("x",), sd=Sd.NEVER, mandatory=True),)
    with pytest.raises(TypeMetadataInvalid):
        resolve("c", shelf)


def test_display_of_a_type_is_replaced_as_a_whole() -> None:
    zh, en = {"locale": "zh-CN", "name": "甲"}, {"locale": "en", "name": "A"}
    shelf = Shelf(
        {"vct": "a", "display": [zh, en], "name": "base"},
        {"vct": "b", "extends": "a"},
        {"vct": "c", "extends": "b", "display": [en], "name": "own", "description": "d"},
    )
    assert [one.name for one in resolve("b", shelf).display] == ["甲", "A"]
    assert resolve("b", shelf).name is None
    found = resolve("c", shelf)
    assert [one.name for one in found.display] == ["A"]
    assert (found.name, found.description, found.ancestors) == ("own", "d", ("b", "a"))


def test_two_generations_cannot_give_one_svg_id_to_two_claims() -> None:
    shelf = Shelf(
        {"vct": "a", "claims": [{"path": ["x"], "svg_id": "s"}]},
        {"vct": "b", "extends": "a", "claims": [{"path": ["y"], "svg_id": "s"}]},
    )
    with pytest.raises(TypeMetadataInvalid):
        resolve("b", shelf)


def test_circles_and_endless_chains_end() -> None:
    for shelf in (
        Shelf({"vct": "a", "extends": "a"}),
        Shelf({"vct": "a", "extends": "b"}, {"vct": "b", "extends": "a"}),
    ):
        with pytest.raises(TypeMetadataInvalid):
            resolve("a", shelf)
        assert len(shelf.asked) == len(shelf.data)
    chain = Shelf(*({"vct": str(one), "extends": str(one + 1)} for one in range(100)))
    with pytest.raises(TypeMetadataInvalid):
        resolve("0", chain)
    assert len(chain.asked) == MAX_CHAIN
    chain = Shelf(*({"vct": str(one), "extends": str(one + 1)} for one in range(MAX_CHAIN - 1)),
                  {"vct": str(MAX_CHAIN - 1)})  # fmt: skip
    assert len(resolve("0", chain).ancestors) == MAX_CHAIN - 1


def test_a_document_describes_the_type_that_was_asked_for() -> None:
    shelf = Shelf({"vct": "a", "extends": "b"}, {"vct": "b"})
    assert resolve("a", shelf).ancestors == ("b",)
    shelf.data["b"] = json.dumps({"vct": "B"}).encode()
    for vct in ("a", "b"):
        with pytest.raises(TypeMetadataInvalid):
            resolve(vct, shelf)


def test_integrity_is_checked_before_a_document_is_read() -> None:
    shelf = Shelf({"vct": "a"})
    assert resolve("a", shelf, integrity=integrity_of(shelf.data["a"])).vct == "a"
    for integrity in (integrity_of(b"other"), "sha256-x", "", 5, ["x"], {}):
        with pytest.raises(IntegrityInvalid):
            resolve("a", shelf, integrity=integrity)
    shelf.data["a"] = b"not even JSON"
    with pytest.raises(IntegrityInvalid):
        resolve("a", shelf, integrity=integrity_of(b"other"))


def test_integrity_of_what_is_extended() -> None:
    shelf = Shelf({"vct": "b"})
    good, bad = integrity_of(shelf.data["b"]), integrity_of(b"other")
    child = {"vct": "a", "extends": "b"}
    shelf.data["a"] = json.dumps(child | {"extends#integrity": good}).encode()
    assert resolve("a", shelf).ancestors == ("b",)
    # The child's own integrity is no word about its parent.
    assert resolve("a", shelf, integrity=integrity_of(shelf.data["a"])).ancestors == ("b",)
    shelf.data["a"] = json.dumps(child | {"extends#integrity": bad}).encode()
    with pytest.raises(IntegrityInvalid):
        resolve("a", shelf)


def test_what_fetch_raises_passes_through() -> None:
    with pytest.raises(FetchFailed):
        resolve("a", Shelf())
    with pytest.raises(FetchFailed):
        resolve("a", Shelf({"vct": "a", "extends": "b"}))


def described(*locales: str) -> TypeMetadata:
    shelf = Shelf({"vct": "a", "display": [{"locale": one, "name": one} for one in locales]})
    return resolve("a", shelf)


@pytest.mark.parametrize(
    ("there", "wanted", "found"),
    [
        (("en", "zh-CN"), (), "zh-CN"), (("en", "zh"), (), "zh"), (("en", "zh-TW"), (), "zh-TW"),
        (("de", "en"), (), "en"), (("de", "fr"), (), "de"), ((), (), None),
        (("en-GB", "en-US"), ("en-US",), "en-US"), (("en-GB", "en"), ("en-US",), "en"),
        (("fr", "en-GB"), ("en-US",), "en-GB"), (("ZH-cn", "en"), ("zh-CN",), "ZH-cn"),
        (("zh-Hans-CN", "en"), ("zh-CN", "en"), "zh-Hans-CN"),
        (("zh-Hans", "zh"), ("zh-Hans-CN",), "zh-Hans"), (("en", "fr"), ("de", "fr"), "fr"),
    ],
)  # fmt: skip
def test_a_name_in_the_language_that_serves(there: Any, wanted: Any, found: Any) -> None:
    title = described(*there).title(*wanted)
    assert (None if title is None else title.name) == found


def test_labels_by_path_and_as_a_verdict_takes_them() -> None:
    both = [{"locale": "en", "label": "Name"}, {"locale": "zh-CN", "label": "姓名"}]
    shelf = Shelf(
        {
            "vct": "a",
            "claims": [
                {"path": ["members", None, "name"], "display": both},
                {"path": ["a/b~c", 0], "display": labels("Odd")},
                {"path": ["silent"]},
                {"path": ["empty"], "display": []},
            ],
        }
    )
    found = resolve("a", shelf)
    assert found.labels() == {
        "/members/*/name": {"zh": "姓名", "en": "Name"},
        "/a~1b~0c/0": {"zh": "Odd", "en": "Odd"},
    }
    path = ["members", None, "name"]
    names = [found.label(path), found.label(path, "en"), found.label(path, "fr", "zh")]
    assert [one and one.name for one in names] == ["姓名", "Name", "姓名"]
    assert found.label(["silent"]) is found.label(["empty"]) is found.label(["absent"]) is None
