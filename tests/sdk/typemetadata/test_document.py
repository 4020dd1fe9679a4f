"""One type metadata document: what is read, what is refused, what is passed over."""

import json
from typing import Any

import pytest

from certsvc_sdk.errors import TypeMetadataInvalid
from certsvc_sdk.typemetadata import ClaimMetadata, Display, Document, Sd, parse
from certsvc_sdk.typemetadata.document import MAX_CLAIMS, MAX_DOCUMENT

VCT = "https://betelgeuse.example.com/education_credential/v42"
# SD-JWT VC, appendix "Example Type Metadata", shortened.
EXAMPLE: dict[str, Any] = {
    "vct": VCT,
    "name": "Betelgeuse Education Credential - First Version",
    "description": "This is our first version of the education credential. Don't panic.",
    "extends": "https://galaxy.example.com/galactic-education-credential/v2",
    "extends#integrity": "sha256-ilOUJsTultOwLfz7QUcFALaRa3BP/jelX1ds04kB9yU=",
    "display": [
        {
            "locale": "en-US",
            "name": "Betelgeuse Education Credential",
            "description": "Education credential for all carbon-based life forms.",
            "rendering": {
                "simple": {"background_color": "#12107c"},
                "svg_templates": [{"uri": "https://betelgeuse.example.com/public/a.svg"}],
            },
        },
        {"locale": "de-DE", "name": "Betelgeuse-Bildungsnachweis"},
    ],
    "claims": [
        {
            "path": ["name"],
            "display": [
                {"locale": "de-DE", "label": "Vor- und Nachname"},
                {"locale": "en-US", "label": "Name", "description": "The name of\nthe student"},
            ],
            "sd": "always",
            "mandatory": True,
        },
        {"path": ["address", "street_address"], "svg_id": "address_street_address"},
        {"path": ["degrees", None], "sd": "always"},
        {"path": ["degrees", 0, "type"], "mandatory": False, "sd": "never"},
    ],
}


def read(obj: Any) -> Document:
    return parse(json.dumps(obj).encode())


def with_claim(**members: Any) -> dict[str, Any]:
    return {"vct": VCT, "claims": [{"path": ["a"]} | members]}


def with_display(*entries: Any) -> dict[str, Any]:
    return {"vct": VCT, "display": list(entries)}


def test_the_drafts_example() -> None:
    found = read(EXAMPLE)
    assert (found.vct, found.name) == (VCT, EXAMPLE["name"])
    assert found.extends == EXAMPLE["extends"]
    assert found.extends_integrity == EXAMPLE["extends#integrity"]
    assert found.display is not None
    assert [(one.locale, one.description is None) for one in found.display] == [
        ("en-US", False),
        ("de-DE", True),
    ]
    name, street, degrees, kind = found.claims
    assert (name.path, name.mandatory, name.sd) == (("name",), True, Sd.ALWAYS)
    assert name.display == (
        Display(locale="de-DE", name="Vor- und Nachname"),
        Display(locale="en-US", name="Name", description="The name of\nthe student"),
    )
    assert street == ClaimMetadata(
        path=("address", "street_address"), svg_id="address_street_address"
    )
    assert (degrees.path, degrees.mandatory, degrees.display) == (("degrees", None), None, None)
    assert (kind.path, kind.mandatory, kind.sd) == (("degrees", 0, "type"), False, Sd.NEVER)


def test_the_least_document() -> None:
    assert read({"vct": "urn:example:x"}) == Document(vct="urn:example:x")


def test_members_that_are_not_understood_are_ignored() -> None:
    claim = {"path": ["a"], "display": [{"locale": "en", "label": "A", "hint": 1}], "x": None}
    display = {"locale": "en", "name": "N", "x": []}
    plain = read({"vct": VCT, "display": [display], "claims": [claim], "schema": {"a": 1}, "x": 5})
    assert plain.claims[0].display == (Display(locale="en", name="A"),)


@pytest.mark.parametrize(
    "document",
    [
        [], "x", None, {}, {"vct": None}, {"vct": ""}, {"vct": 5}, {"vct": ["x"]},
        {"vct": "x" * 3000},
        {"vct": VCT, "name": 1}, {"vct": VCT, "name": None}, {"vct": VCT, "description": []},
        {"vct": VCT, "extends": 1}, {"vct": VCT, "extends": None},
        {"vct": VCT, "extends#integrity": "sha256-x"},
        {"vct": VCT, "extends": "x", "extends#integrity": 1},
        {"vct": VCT, "claims": {}}, {"vct": VCT, "claims": None}, {"vct": VCT, "claims": ["a"]},
        {"vct": VCT, "claims": [{}]}, {"vct": VCT, "display": {}}, {"vct": VCT, "display": [1]},
        {"vct": VCT, "display": None},
    ],
)  # fmt: skip
def test_wrong_documents(document: Any) -> None:
    with pytest.raises(TypeMetadataInvalid) as caught:
        read(document)
    assert caught.value.code == "type_metadata_invalid"


@pytest.mark.parametrize(
    "members",
    [
        {"path": None}, {"path": "a"}, {"path": []}, {"path": {}}, {"path": [1.5]},
        {"path": [True]}, {"path": [-1]}, {"path": [["a"]]}, {"path": [{}]}, {"path": ["a"] * 17},
        {"mandatory": "true"}, {"mandatory": 1}, {"mandatory": None},
        {"sd": "sometimes"}, {"sd": "Always"}, {"sd": True}, {"sd": None}, {"sd": ""},
        {"svg_id": ""}, {"svg_id": "1a"}, {"svg_id": "a-b"}, {"svg_id": "é"}, {"svg_id": 1},
        {"svg_id": "a\n"},
        {"display": {}}, {"display": [{"locale": "en"}]}, {"display": [{"label": "A"}]},
        {"display": [{"locale": "en", "label": ""}]}, {"display": [{"locale": "en", "label": 1}]},
        {"display": [{"locale": "en", "name": "A"}]},
    ],
)  # fmt: skip
def test_wrong_claims(members: dict[str, Any]) -> None:
    with pytest.raises(TypeMetadataInvalid):
        read(with_claim(**members))


@pytest.mark.parametrize(
    "entry",
    [
        {}, {"locale": "en"}, {"name": "N"}, {"locale": 1, "name": "N"},
        {"locale": "", "name": "N"}, {"locale": "en_US", "name": "N"},
        {"locale": "en-", "name": "N"}, {"locale": "中文", "name": "N"},
        {"locale": "en-abcdefghi", "name": "N"}, {"locale": "en" + "-a" * 40, "name": "N"},
        {"locale": "en", "name": "x" * 257},
        {"locale": "en", "name": "N", "description": "x" * 4097},
        {"locale": "en", "name": "N", "description": 5},
    ],
)  # fmt: skip
def test_wrong_displays(entry: dict[str, Any]) -> None:
    with pytest.raises(TypeMetadataInvalid):
        read(with_display(entry))


@pytest.mark.parametrize(
    "text", ["a\u202eb", "a\nb", "a\x1bb", "\u2066a", "a\u2028b", "a\u200fb", "a\x7fb"]
)
def test_names_cannot_distort_the_page(text: str) -> None:
    for document in (
        with_display({"locale": "zh-CN", "name": text}),
        with_claim(display=[{"locale": "zh-CN", "label": text}]),
    ):
        with pytest.raises(TypeMetadataInvalid):
            read(document)


def test_descriptions_have_lines_but_no_bidirectional_controls() -> None:
    entry = {"locale": "en", "name": "N", "description": "one\n\ttwo"}
    assert read(with_display(entry)).display is not None
    with pytest.raises(TypeMetadataInvalid):
        read(with_display(entry | {"description": "one\u202etwo"}))


def test_nothing_stands_twice() -> None:
    for claims in (
        [{"path": ["a"]}, {"path": ["a"], "sd": "always"}],
        [{"path": ["a", None]}, {"path": ["a", None]}],
        [{"path": ["a"], "svg_id": "x"}, {"path": ["b"], "svg_id": "x"}],
    ):
        with pytest.raises(TypeMetadataInvalid):
            read({"vct": VCT, "claims": claims})
    with pytest.raises(TypeMetadataInvalid):
        read(with_display({"locale": "en-US", "name": "A"}, {"locale": "EN-us", "name": "B"}))
    # A name that is a digit and an index are different claims.
    assert len(read({"vct": VCT, "claims": [{"path": ["a", 0]}, {"path": ["a", "0"]}]}).claims) == 2


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"\xef\xbb\xbf{}", b'{"vct":"a","vct":"b"}', b'{"vct":"a"}x', b'{"vct":"\xff"}',
        b'{"vct":"\\ud800"}', b'{"vct":"a","x":NaN}', b'{"vct":"a","x":' + b"[" * 20 + b"]" * 20
        + b"}", b'{"vct":"' + b"a" * MAX_DOCUMENT + b'"}',
    ],
)  # fmt: skip
def test_it_is_strict_json(data: bytes) -> None:
    with pytest.raises(TypeMetadataInvalid):
        parse(data)


def test_sizes_are_bounded() -> None:
    claims = [{"path": [f"c{number}"]} for number in range(MAX_CLAIMS + 1)]
    assert len(read({"vct": VCT, "claims": claims[:-1]}).claims) == MAX_CLAIMS
    with pytest.raises(TypeMetadataInvalid):
        read({"vct": VCT, "claims": claims})
    entries = [{"locale": f"x-a{number}", "name": "N"} for number in range(33)]
    with pytest.raises(TypeMetadataInvalid):
        read(with_display(*entries))
