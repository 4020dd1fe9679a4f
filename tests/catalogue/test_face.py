"""Faces as data: they name what the type has, and all of it."""

import copy
import json
from importlib import resources
from typing import Any

import pytest

from certsvc.catalogue import Catalogue, TypeFileInvalid
from certsvc.catalogue.face import default_face
from certsvc.catalogue.model import TypeFile, read_type_file
from certsvc.catalogue.schema import walk

_FOLDER = resources.files("certsvc.catalogue") / "types"
LICENCE: dict[str, Any] = json.loads((_FOLDER / "business-licence.json").read_bytes())
HOUSEHOLD: dict[str, Any] = json.loads((_FOLDER / "household-register.json").read_bytes())


def _read(document: dict[str, Any]) -> TypeFile:
    return read_type_file(json.dumps(document).encode())


def _refused(document: dict[str, Any], said: str) -> None:
    with pytest.raises(TypeFileInvalid, match=said):
        _read(document)


@pytest.fixture
def licence() -> dict[str, Any]:
    return copy.deepcopy(LICENCE)


@pytest.fixture
def household() -> dict[str, Any]:
    return copy.deepcopy(HOUSEHOLD)


@pytest.mark.parametrize("name", Catalogue.builtin().names())
def test_built_in_faces_print_every_claim(name: str) -> None:
    definition = Catalogue.builtin().get(name).definition
    assert definition.face is not None
    assert definition.printed_face() is definition.face


def test_unknown_claim(licence: dict[str, Any]) -> None:
    licence["face"]["head"].append({"claim": "/turnover"})
    _refused(licence, "face: /turnover is no text claim")


def test_claim_that_is_no_text(household: dict[str, Any]) -> None:
    household["face"]["head"].append({"claim": "/members"})
    _refused(household, "face: /members is no text claim")


def test_claim_left_out(licence: dict[str, Any]) -> None:
    licence["face"]["head"].pop()
    _refused(licence, "face: leaves out .*copy_number")


def test_date_that_is_none(licence: dict[str, Any]) -> None:
    licence["face"]["head"][0]["form"] = "date"
    _refused(licence, "face: /unified_social_credit_code is no date")


def test_period_without_an_end(licence: dict[str, Any]) -> None:
    licence["face"]["head"][0]["form"] = "period"
    _refused(licence, "until goes with form: period")


def test_entry_of_a_block_that_stands_elsewhere(household: dict[str, Any]) -> None:
    household["face"]["sections"][0]["fields"].append({"claim": "/address"})
    _refused(household, r"face: /address does not stand in /members/\*")


def test_block_that_does_not_repeat(household: dict[str, Any]) -> None:
    household["face"]["sections"][0]["each"] = "/members"
    _refused(household, "face: /members does not repeat")


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({}, "either columns or fields"),
        ({"fields": [{"claim": "/name"}], "columns": [{"fields": [{"claim": "/name"}]}]}, "either"),
        ({"fields": [{"claim": "/name"}], "heading": [{"claim": "/name"}]}, "goes with each"),
        ({"each": "/x/*", "columns": [{"fields": [{"claim": "/name"}]}]}, "grid of fields"),
        ({"fields": [{"claim": "/name"}], "grid": 4}, "less than or equal to 3"),
        ({"fields": [{"claim": "/name", "markup": "#x"}]}, "Extra inputs"),
    ],
)
def test_section_that_contradicts_itself(
    licence: dict[str, Any], section: dict[str, Any], said: str
) -> None:
    licence["face"]["sections"].append(section)
    _refused(licence, said)


def test_subtitle_is_a_claim(licence: dict[str, Any]) -> None:
    licence["face"]["subtitle"] = "/nothing"
    _refused(licence, "face: /nothing is no text claim")


@pytest.mark.parametrize("document", [LICENCE, HOUSEHOLD], ids=["licence", "household"])
def test_plain_face_prints_every_claim(document: dict[str, Any]) -> None:
    without = {name: value for name, value in document.items() if name != "face"}
    definition = _read(without)
    face = definition.printed_face()
    face.check(definition.claims)
    assert face == default_face(definition.claims)
    texts = [pointer for pointer, node in walk(definition.claims) if node.type == "string"]
    assert len(texts) > 10
