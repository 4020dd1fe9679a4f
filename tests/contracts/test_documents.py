"""docs/http-api.md names every problem code and every finding's code, and no others."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from certsvc.api.errors import API_KINDS
from certsvc.api.schemas import CertificateRequest
from certsvc.catalogue import Catalogue, FindingCode
from certsvc.service.problems import SERVICE_KINDS, ProblemKind
from verifier.problems import VERIFIER_KINDS

DOCUMENT = Path(__file__).parents[2] / "docs" / "http-api.md"


def _section(title: str) -> str:
    parts = re.split(r"^#{2,3} (.*)$", DOCUMENT.read_text(), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))[title]


@pytest.mark.parametrize(
    ("title", "kinds"),
    [
        ("两个服务共有 / Both services", SERVICE_KINDS),
        ("签发服务 / Issuing service", API_KINDS),
        ("核验服务 / Verification service", VERIFIER_KINDS),
    ],
)
def test_the_problem_tables_are_the_code(title: str, kinds: tuple[ProblemKind, ...]) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (.+) \| (.+) \|$", _section(title), re.M)
    assert sorted(rows) == sorted((one.code, str(one.status), one.zh, one.en) for one in kinds)


def test_codes_are_unique_across_the_services() -> None:
    codes = [one.code for one in (*SERVICE_KINDS, *API_KINDS, *VERIFIER_KINDS)]
    assert len(codes) == len(set(codes))


def test_every_finding_is_listed() -> None:
    listed = re.findall(r"`(\w+)`", _section("内容错误的代码 / Codes inside `errors`"))
    assert sorted(listed) == sorted(one.value for one in FindingCode)


def _refused(body: dict[str, Any]) -> list[Any]:
    CertificateRequest.model_validate(body)
    found = Catalogue.builtin().get(body["type"])
    return found.validate(body["claims"], today=date(2027, 1, 15))


def test_the_documents_example_can_be_issued() -> None:
    body = json.loads(re.findall(r"-d '(\{.*?\}\})'", DOCUMENT.read_text(), re.S)[0])
    assert _refused(body) == []


def test_the_contracts_examples_can_be_issued(contract: dict[str, Any]) -> None:
    content = contract["paths"]["/v1/certificates"]["post"]["requestBody"]["content"]
    for example in content["application/json"]["examples"].values():
        assert _refused(example["value"]) == []


def test_every_documented_path_exists(contract: dict[str, Any]) -> None:
    named = re.findall(r"http://127\.0\.0\.1:800[01](/[^\s\"?]*)", DOCUMENT.read_text())
    known = [re.sub(r"\{\w+\}", "[^/]+", path) for path in contract["paths"]]
    assert named
    for path in named:
        assert any(re.fullmatch(pattern, path) for pattern in known), path
