"""A PDF's token is the authority: altered text, swapped codes and second tokens are told."""

import io
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pypdf
import pytest

from certsvc.catalogue import Catalogue
from certsvc.face.document import Printed, Typesetter
from certsvc.face.qr import qr_symbol
from certsvc_sdk import qr, typedcode

NOW = 1_800_000_000
CATALOGUE = Catalogue.builtin()
SCOPE = "".join(f"第{number}项专业技术咨询服务；" for number in range(1, 150))

Answer = tuple[int, Any]
Ask = Callable[..., Answer]


@cache
def typesetter() -> Typesetter:
    return Typesetter()


def claims_of(kind: str) -> dict[str, Any]:
    profile = CATALOGUE.get(kind).profile()
    return dict(CATALOGUE.get(kind).select(CATALOGUE.get(kind).definition.example.claims, profile))


def face(
    token: str,
    kind: str = "business-licence",
    *,
    attach: str | None = None,
    language: str = "zh",
    says: dict[str, Any] | None = None,
) -> bytes:
    """The face of a certificate; `says` is what is printed in place of its claims."""
    seed = bytes(16) if token.count("~") > 1 else None
    dictionary = CATALOGUE.get(kind).definition.qr.dictionary
    text = qr.encode(token, seed, host="certs.example", dictionary=dictionary)
    address, _, digits = text.partition("#")
    return typesetter().render(
        Printed(
            kind=CATALOGUE.get(kind),
            claims=claims_of(kind) | (says or {}),
            identifier="1.2.156.3005.2.111.119999000000000198.000000000000000001.001.X",
            issuer_name="示例市市场监督管理局（示例）",
            token=attach or token,
            issued_at=NOW - 3600,
            check_url="https://certs.example/v",
            symbol=qr_symbol(address + "#", digits),
            typed_code=typedcode.grouped(typedcode.of(token)),
            language="zh-en" if language == "zh-en" else "zh",
        )
    )


def joined(*files: bytes, attachments: bool = False) -> bytes:
    """One PDF of several files' pages, as people make case files."""
    writer = pypdf.PdfWriter()
    for data in files:
        reader = pypdf.PdfReader(io.BytesIO(data))
        for page in reader.pages:
            writer.add_page(page)
        for name, contents in reader.attachments.items() if attachments else ():
            for content in contents:
                writer.add_attachment(name, content)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.fixture
def read(client: Any) -> Callable[..., Any]:
    """What the API says of a PDF."""

    def asked(data: bytes, query: str = "") -> Any:
        answer = client.post("/v1/verifications" + query, data=data, content_type="application/pdf")
        return answer.get_json()

    return asked


def told(body: Any) -> list[tuple[Any, ...]]:
    """Kind, page, certificate, verdict and notices of each entry."""
    return [
        (
            entry["kind"],
            entry["page"],
            entry["certificate"],
            entry["verdict"]["code"],
            [(notice["code"], *notice["claims"]) for notice in entry["notices"]],
        )
        for entry in body["verifications"]
    ]


@pytest.mark.parametrize("language", ["zh", "zh-en"])
@pytest.mark.parametrize("kind", ["business-licence", "household-register"])
def test_a_true_face_is_one_certificate_in_two_places(
    read: Any, world: Any, kind: str, language: str
) -> None:
    body = read(face(world.issue(kind), kind, language=language))
    assert told(body) == [
        ("attachment", None, 1, "valid", []),
        ("qr", 1, 1, "valid", []),
    ]
    (file,) = body["files"]
    assert (file["found"], file["certificates"]) == (2, 1)
    assert body["verifications"][0]["name"] == "certificate.jwt"
    assert len(body["verifications"][1]["position"]) == 4


def test_one_certificate_in_two_places_is_exactly_one(read: Any, world: Any) -> None:
    body = read(face(world.issue()), "?single=true")
    assert [entry["verdict"]["code"] for entry in body["verifications"]] == ["valid"]


@pytest.mark.parametrize(
    ("says", "missing"),
    [
        ({"name": "示例科技有限公词"}, ["/name"]),
        ({"name": "新示例科技有限公司"}, ["/name"]),
        ({"established_on": "2001-02-03"}, ["/established_on"]),
        (
            {"legal_representative": "冒名人", "registered_capital": "9000000万元"},
            ["/legal_representative", "/registered_capital"],
        ),
    ],
)
def test_altered_text_is_told_and_the_certificate_stays_valid(
    read: Any, world: Any, says: dict[str, Any], missing: list[str]
) -> None:
    body = read(face(world.issue(), says=says))
    entry = body["verifications"][1]
    assert entry["verdict"]["code"] == "valid"
    assert entry["verdict"]["claims"]["name"] == claims_of("business-licence")["name"]
    (notice,) = entry["notices"]
    assert notice["code"] == "document_differs"
    assert set(missing) <= set(notice["claims"])
    assert notice["zh"].startswith("纸面内容与证照数据不一致（")
    assert notice["zh"].endswith("以屏幕显示的证照数据为准")


def test_a_member_of_a_household_was_altered(read: Any, world: Any) -> None:
    kind = "household-register"
    members = [dict(one) for one in claims_of(kind)["members"]]
    members[1]["name"] = "冒名人"
    body = read(face(world.issue(kind), kind, says={"members": members}))
    (notice,) = body["verifications"][1]["notices"]
    assert notice["claims"] == ["/members/1/name"]


def test_words_left_out_of_a_long_text(read: Any, world: Any) -> None:
    claims = claims_of("business-licence") | {"business_scope": SCOPE}
    token = world.issue(claims=claims | {"business_scope": SCOPE[:300]})
    short = {"business_scope": SCOPE[:300]}
    assert told(read(face(token, says=short)))[1][4] == []
    shortened = SCOPE[:200] + SCOPE[210:300]
    body = read(face(token, says={"business_scope": shortened}))
    assert told(body)[1][4] == [("document_differs", "/business_scope")]


def test_a_code_of_the_core_profile_beside_the_whole_certificate(read: Any, world: Any) -> None:
    whole = world.issue()
    core = world.core_of(whole)
    true = read(face(core, attach=whole))
    assert told(true) == [("attachment", None, 1, "valid", []), ("qr", 1, 1, "valid", [])]
    single = read(face(core, attach=whole), "?single=true")
    assert "business_scope" in single["verifications"][0]["verdict"]["claims"]
    # What only the attachment says is compared too.
    altered = read(face(core, attach=whole, says={"business_scope": "任何项目"}))
    assert told(altered)[1][4] == [("document_differs", "/business_scope")]


def test_two_different_tokens_are_told_as_such(read: Any, world: Any) -> None:
    one, other = world.issue(), world.issue()
    swapped = read(face(one, attach=other))
    assert told(swapped) == [
        ("attachment", None, 1, "valid", [("attachment_differs",)]),
        ("qr", 1, 2, "valid", [("attachment_differs",)]),
    ]
    assert swapped["files"][0]["certificates"] == 2
    refused = read(face(one, attach=other), "?single=true")
    assert refused["code"] == "several_certificates"


def test_a_forged_attachment_beside_a_true_code(read: Any, world: Any) -> None:
    token = world.issue()
    body = read(face(token, attach=world.forge(token)))
    assert [(entry[0], entry[3]) for entry in told(body)] == [
        ("attachment", "signature_invalid"),
        ("qr", "valid"),
    ]
    assert all(entry[4] == [("attachment_differs",)] for entry in told(body))


def test_an_altered_page_is_not_saved_by_a_true_one_behind_it(read: Any, world: Any) -> None:
    token = world.issue()
    altered = face(token, says={"name": "冒名公司"})
    for attachments in (False, True):
        body = read(joined(altered, face(token), attachments=attachments))
        codes = [entry for entry in told(body) if entry[0] == "qr"]
        assert codes[0][4] == [("document_differs", "/name")]
        assert codes[1][4] == []
        assert {entry[2] for entry in codes} == {1}


def test_a_page_without_a_certificate_is_named(read: Any, world: Any) -> None:
    writer = pypdf.PdfWriter()
    writer.add_blank_page(595, 842)
    blank = io.BytesIO()
    writer.write(blank)
    body = read(joined(blank.getvalue(), face(world.issue())))
    assert body["files"] == [
        {"index": 0, "pages": 2, "found": 1, "certificates": 1, "pages_without": [1]}
    ]


def test_a_case_file_of_several_faces(read: Any, world: Any) -> None:
    licence, household = world.issue(), world.issue("household-register")
    data = joined(face(licence), face(household, "household-register"), attachments=True)
    body = read(data)
    assert sorted({(entry[2], entry[3]) for entry in told(body)}) == [(1, "valid"), (2, "valid")]
    assert all(entry[4] == [] for entry in told(body))


def test_a_scan_gets_no_notice(read: Any, world: Any) -> None:
    text = world.text(world.issue())
    assert told(read(world.pdf(text))) == [("qr", 1, 1, "valid", [])]


# --- the clerk's page


def desk(client: Any, data: bytes) -> str:
    fields = {"file": [(io.BytesIO(data), "证照.pdf")]}
    return str(
        client.post("/", data=fields, content_type="multipart/form-data").get_data(as_text=True)
    )


def test_the_clerk_sees_one_card_with_both_places(client: Any, world: Any) -> None:
    html = desk(client, face(world.issue()))
    assert re.findall(r'<article class="card (\w+)"', html) == ["green"]
    assert "附件 certificate.jwt、第 1 页 第 1 个码" in html
    assert 'class="notice"' not in html


def test_the_clerk_sees_that_the_paper_was_altered(client: Any, world: Any) -> None:
    html = desk(client, face(world.issue(), says={"name": "冒名公司"}))
    assert re.findall(r'<article class="card (\w+)"', html) == ["green"]
    assert "纸面内容与证照数据不一致（名称），以屏幕显示的证照数据为准" in html
    assert "冒名公司" not in html


def test_the_clerk_sees_which_page_was_altered(client: Any, world: Any) -> None:
    token = world.issue()
    altered = face(token, says={"name": "冒名公司"})
    html = desk(client, joined(face(token), altered, attachments=True))
    assert re.findall(r'<article class="card (\w+)"', html) == ["green"]
    assert "第 2 页：纸面内容与证照数据不一致（名称）" in html
    assert html.count("附件 certificate.jwt") == 1


def test_the_clerk_sees_two_certificates_apart(client: Any, world: Any) -> None:
    html = desk(client, face(world.issue(), attach=world.issue()))
    assert re.findall(r'<article class="card (\w+)"', html) == ["green", "green"]
    assert html.count("文件附带的证照与页面二维码不是同一份证照，请逐份核对") == 2
    assert "其中不同的证照 2 份" in html
