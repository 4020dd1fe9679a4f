"""docs/certificate-types.md says what the code does."""

from pathlib import Path

import pytest

from certsvc.catalogue import Catalogue, FindingCode
from certsvc.catalogue.model import TypeFile
from certsvc.catalogue.schema import Node

DOC = Path(__file__).parents[2] / "docs" / "certificate-types.md"


@pytest.fixture(scope="module")
def text() -> str:
    return DOC.read_text(encoding="utf-8")


@pytest.mark.parametrize("code", [code.value for code in FindingCode])
def test_every_finding_is_explained(text: str, code: str) -> None:
    assert f"\n| `{code}` | " in text


def test_every_member_of_a_type_file_is_explained(text: str) -> None:
    for name, info in TypeFile.model_fields.items():
        assert f"`{info.alias or name}`" in text
    for name, info in Node.model_fields.items():
        assert (info.alias or name) in text


def test_every_rule_is_explained(text: str, catalogue: Catalogue) -> None:
    for name in catalogue.names():
        for rule in catalogue.get(name).definition.rules:
            assert f"\n| `{rule.rule}` | " in text
            assert all(f"`{part}`" in text for part in type(rule).model_fields if part != "rule")


def test_every_claim_profile_and_reason_of_the_built_in_types(
    text: str, catalogue: Catalogue
) -> None:
    for name in catalogue.names():
        one = catalogue.get(name)
        assert f"## {one.titles.zh} / {one.titles.en} (`{name}`, version {one.version})" in text
        assert f"`{one.type_code}`" in text
        for pointer, label in one.labels().items():
            assert any(
                line.startswith(f"| `{pointer}`") and f"| {label.zh} | {label.en} |" in line
                for line in text.splitlines()
            )
        for profile in one.profiles:
            assert f"`{profile}`" in text
        for operation in one.status.operations:
            for reason in operation.reasons:
                assert f"| `{operation.name}` {operation.label.zh} | `{reason.code}` | " in text
