"""`POST /v1/verifications`: every way in, every kind of answer."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from certsvc_sdk import statuslist

HOUR = 3600
NOW = 1_800_000_000
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"
Ask = Callable[..., tuple[int, Any]]
Codes = Callable[..., list[str]]


def part(data: bytes, name: str = "scan.png") -> tuple[io.BytesIO, str]:
    return io.BytesIO(data), name


def form(**fields: Any) -> dict[str, Any]:
    return {"data": fields, "content_type": "multipart/form-data"}


# --- one text, many texts


def test_one_token(ask: Ask, world: Any) -> None:
    status, body = ask({"text": world.issue()})
    assert status == 200
    (entry,) = body["verifications"]
    assert (entry["index"], entry["page"], entry["position"]) == (0, None, None)
    verdict = entry["verdict"]
    assert (verdict["outcome"], verdict["code"], verdict["acceptable"]) == ("VALID", "valid", True)
    assert verdict["claims"]["name"] == "示例科技有限公司"
    assert verdict["issuer_name"]["zh"] == "示例市市场监督管理局（示例）"


def test_a_qr_text_gives_the_same_verdict_as_its_token(ask: Ask, world: Any) -> None:
    token = world.issue("household-register")
    answers = [ask({"text": text})[1] for text in (token, world.text(token))]
    assert answers[0] == answers[1]


def test_items_keep_their_order(ask: Ask, world: Any) -> None:
    good = world.issue()
    texts = [good, world.forge(good), "hello", ""]
    _, body = ask({"items": [{"text": text} for text in texts]})
    assert [entry["index"] for entry in body["verifications"]] == [0, 1, 2, 3]
    found = [entry["verdict"]["code"] for entry in body["verifications"]]
    assert found[:3] == ["valid", "signature_invalid", "not_a_certificate"]
    assert found[3] != "valid"


def test_invalid_and_unknown_are_answers(codes: Codes, world: Any) -> None:
    expired = world.issue(exp=NOW - 1)
    foreign = world.issue(iss="https://certs.example/i/119999000000000273")
    no_list = world.issue(uri="https://certs.example/status/119999000000000198/9")
    strange = world.issue(signer=world.stranger)
    items = [{"text": text} for text in (expired, foreign, no_list, strange)]
    assert codes({"items": items}) == [
        "expired",
        "issuer_unknown",
        "status_unavailable",
        "key_unknown",
    ]


def test_a_revocation_shows_within_seconds(codes: Codes, world: Any, clock: Any) -> None:
    token = world.issue()
    assert codes({"text": token}) == ["valid"]
    world.set_status(token, statuslist.INVALID, NOW)
    clock.now += 3
    assert codes({"text": token}) == ["revoked"]


def test_without_a_line_the_cache_answers(world: Any, make_app: Any, clock: Any) -> None:
    token = world.issue()
    client = make_app().test_client()
    post = {"data": json.dumps({"text": token}), "content_type": "application/json"}
    client.post("/v1/verifications", **post)
    offline = make_app(trust_url="http://127.0.0.1:1/").test_client()
    clock.now += 60
    verdict = offline.post("/v1/verifications", **post).get_json()["verifications"][0]["verdict"]
    assert (verdict["code"], verdict["trust_age"]) == ("valid", 60)


# --- the policy


def test_a_valid_certificate_need_not_be_acceptable(ask: Ask, world: Any) -> None:
    policy = {"types": ["household-register"]}
    _, body = ask({"text": world.issue(), "policy": policy})
    verdict = body["verifications"][0]["verdict"]
    assert (verdict["outcome"], verdict["acceptable"]) == ("VALID", False)
    assert verdict["reasons"] == ["type_not_accepted"]
    assert verdict["policy"] == policy


def test_a_policy_of_a_form(ask: Ask, world: Any) -> None:
    fields = form(
        file=part(world.image(world.text(world.issue()))),
        policy=json.dumps({"claims": ["religion"]}),
    )
    _, body = ask(**fields)
    assert body["verifications"][0]["verdict"]["reasons"] == ["claims_missing"]


def test_missing_claims_go_by_the_labels_of_the_type(ask: Ask, world: Any) -> None:
    licence = {"text": world.issue(claims={"name": "示例科技有限公司"})}
    wanted = ["legal_representative", "/business_scope", "unheard"]
    _, body = ask({**licence, "policy": {"claims": wanted}})
    verdict = body["verifications"][0]["verdict"]
    assert verdict["sentence"]["zh"].endswith("缺法定代表人（负责人）、经营范围、unheard")
    assert "Legal representative or person in charge, Business scope" in verdict["sentence"]["en"]
    assert verdict["missing_claims"] == wanted


# --- files


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "gif", "bmp", "tiff"])
def test_raw_images(ask: Ask, world: Any, kind: str) -> None:
    image = world.image(world.text(world.issue()), form=kind)
    status, body = ask(data=image, content_type=f"image/{kind}")
    assert status == 200, body
    (entry,) = body["verifications"]
    assert entry["verdict"]["code"] == "valid"
    assert entry["page"] is None
    assert len(entry["position"]) == 4


def test_a_pdf_with_several_codes(ask: Ask, world: Any) -> None:
    good = world.issue()
    pdf = world.pdf(world.text(good), world.text(world.forge(good)))
    _, body = ask(data=pdf, content_type="application/pdf")
    found = [(entry["page"], entry["verdict"]["code"]) for entry in body["verifications"]]
    assert found == [(1, "valid"), (2, "signature_invalid")]


def test_a_form_with_texts_and_files(ask: Ask, world: Any) -> None:
    text = world.text(world.issue())
    fields = form(text=text, file=[part(world.image(text)), part(world.pdf(text, text), "a.pdf")])
    _, body = ask(**fields)
    assert [(entry["index"], entry["page"]) for entry in body["verifications"]] == [
        (0, None),
        (1, None),
        (2, 1),
        (2, 2),
    ]


def test_two_codes_in_one_image_are_never_merged(ask: Ask, world: Any) -> None:
    texts = [world.text(world.issue()), world.text(world.issue(exp=NOW - 1))]
    _, body = ask(data=world.image(*texts), content_type="image/png")
    found = body["verifications"]
    assert {entry["verdict"]["code"] for entry in found} == {"valid", "expired"}
    assert found[0]["position"] != found[1]["position"]


def test_files_that_give_no_verdict(ask: Ask, world: Any) -> None:
    blank = world.image("x")[:200]
    cases = [
        (blank, "image/png", 422, "image_unreadable"),
        (b"%PDF-1.7 broken", "application/pdf", 422, "image_unreadable"),
        (_blank_png(), "image/png", 422, "no_code_found"),
        (
            b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
            "image/heic",
            422,
            "file_unsupported",
        ),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", 422, "file_unsupported"),
        (b"PK\x03\x04", "image/png", 422, "file_unsupported"),
    ]
    for data, kind, status, code in cases:
        got, problem = ask(data=data, content_type=kind)
        assert (got, problem["code"]) == (status, code), kind
        assert problem["errors"][0]["path"] == "/file/0"


def test_each_bad_file_of_a_form_is_named(ask: Ask, world: Any) -> None:
    files = [part(world.image(world.text(world.issue()))), part(_blank_png()), part(b"GIF")]
    status, problem = ask(**form(file=files))
    assert (status, problem["code"]) == (422, "no_code_found")
    assert [(error["path"], error["code"]) for error in problem["errors"]] == [
        ("/file/1", "no_code_found"),
        ("/file/2", "file_unsupported"),
    ]


# --- exactly one


def test_several_certificates_where_one_is_needed(ask: Ask, world: Any) -> None:
    first, second = world.issue(), world.issue()
    pdf = world.pdf(world.text(first), world.text(second))
    status, problem = ask(data=pdf, content_type="application/pdf", query="?single=true")
    assert (status, problem["code"]) == (422, "several_certificates")
    assert problem["errors"] == [
        {
            "path": "/file/0",
            "code": "several_certificates",
            "zh": "发现多份证照，请只提交一份",
            "en": "More than one certificate was found; submit exactly one",
        }
    ]
    status, _ = ask(data=pdf, content_type="application/pdf", query="?single=false")
    assert status == 200


def test_a_damaged_code_beside_a_certificate_counts(ask: Ask, world: Any) -> None:
    text = world.text(world.issue())
    items = [{"text": text}, {"text": text[:-3]}]
    status, problem = ask({"items": items}, query="?single=true")
    assert (status, problem["code"]) == (422, "several_certificates")
    assert [error["path"] for error in problem["errors"]] == ["/items/0/text", "/items/1/text"]


def test_several_certificates_of_a_form_are_named(ask: Ask, world: Any) -> None:
    texts = [world.text(world.issue()) for _ in range(3)]
    for given, places in ((texts[:1], ["/text"]), (texts[:2], ["/text/0", "/text/1"])):
        fields = form(text=given, file=part(world.image(texts[2])))
        _, problem = ask(**fields, query="?single=true")
        assert [error["path"] for error in problem["errors"]] == [*places, "/file/0"]


def test_a_bad_file_beside_a_text_is_counted_among_the_files(ask: Ask) -> None:
    _, problem = ask(**form(text="x", file=part(b"GIF")))
    assert [error["path"] for error in problem["errors"]] == ["/file/0"]


def test_what_is_no_second_certificate(codes: Codes, world: Any) -> None:
    text = world.text(world.issue())
    pdf = world.pdf("https://elsewhere.example/pay", text, text)
    single = {"content_type": "application/pdf", "query": "?single=true"}
    assert codes(data=pdf, **single) == ["valid"]
    foreign = world.pdf("https://elsewhere.example/pay", "tel:12345")
    assert codes(data=foreign, **single) == ["not_a_certificate"]


def _blank_png() -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.new("L", (200, 200), 255).save(file, "png")
    return file.getvalue()
