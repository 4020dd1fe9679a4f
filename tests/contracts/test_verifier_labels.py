"""The verifier ships its own labels, having no catalogue; they must be the catalogue's."""

import json
import re
from pathlib import Path

from certsvc.catalogue import Catalogue
from certsvc_sdk.steps import STEPS
from verifier.labels import load_labels

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def test_types_and_claims_have_the_catalogues_labels() -> None:
    catalogue = Catalogue.builtin()
    shipped = load_labels().types
    assert set(shipped) == set(catalogue.names())
    for name, labels in shipped.items():
        kind = catalogue.get(name)
        assert (labels.title.zh, labels.title.en) == (kind.titles.zh, kind.titles.en)
        assert {pointer: (words.zh, words.en) for pointer, words in labels.claims.items()} == {
            pointer: (label.zh, label.en) for pointer, label in kind.labels().items()
        }


def test_the_type_identifier_finds_its_labels() -> None:
    labels = load_labels()
    for name in Catalogue.builtin().names():
        vct = Catalogue.builtin().get(name).vct("https://certs.example/")
        assert labels.of(vct) is labels.types[name]


def test_every_numbered_check_has_a_label() -> None:
    labels = load_labels().checks
    assert list(labels) == [step.name for step in STEPS]
    assert all(CHINESE.search(words.zh) and words.en for words in labels.values())


def test_the_file_is_readable_as_it_is() -> None:
    import verifier

    text = (Path(verifier.__file__).parent / "labels.json").read_text(encoding="utf-8")
    assert json.dumps(json.loads(text), ensure_ascii=False, indent=1) + "\n" == text
