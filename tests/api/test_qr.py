import io
import json
from typing import Any

import pytest
from PIL import Image

from certsvc.api.qr import qr_answer
from certsvc.api.schemas import QrCode
from certsvc_sdk import qr, sdjwt


def test_the_text_carries_the_token(issued: dict[str, Any]) -> None:
    assert qr.decode(issued["qr"]["text"]).token == issued["token"]


def test_svg(licence: Any, issued: dict[str, Any]) -> None:
    answer = licence.get(issued["qr"]["svg"])
    assert answer.status_code == 200
    assert answer.content_type.startswith("image/svg+xml")
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.text.startswith("<svg ")
    again = licence.get(issued["qr"]["svg"], headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("module", [None, 1, 4, 32])
def test_png(licence: Any, issued: dict[str, Any], module: int | None) -> None:
    query = "" if module is None else f"?module={module}"
    answer = licence.get(issued["qr"]["png"] + query)
    assert answer.content_type == "image/png"
    image = Image.open(io.BytesIO(answer.data))
    modules = 17 + 4 * issued["qr"]["version"] + 8
    assert image.size == ((module or 8) * modules,) * 2


def test_png_scans(licence: Any, issued: dict[str, Any]) -> None:
    zxingcpp = pytest.importorskip("zxingcpp")
    answer = licence.get(issued["qr"]["png"])
    (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(answer.data)))
    assert found.text == issued["qr"]["text"]


@pytest.mark.parametrize("module", ["0", "33", "-1", "1.5", "x", "", "1" * 50, "\u0661"])
def test_module_is_bounded(licence: Any, issued: dict[str, Any], module: str) -> None:
    answer = licence.get(issued["qr"]["png"], query_string={"module": module})
    document = answer.get_json()
    assert (answer.status_code, document["code"]) == (400, "parameter_invalid")
    assert document["errors"] == [
        {
            "path": "/module",
            "code": "number_invalid",
            "zh": "应为 1 至 32 的整数",
            "en": "should be a whole number 1 to 32",
        }
    ]


def test_what_does_not_fit_has_no_code() -> None:
    address = "https://certs.example/v#"
    assert isinstance(qr_answer("0" * 32, address + "1" * 1000, "full"), QrCode)
    assert qr_answer("0" * 32, address + "1" * 3000, "full") is None


def unknown(length: int) -> str:
    """Characters that no dictionary knows, so that they do not shrink."""
    return "".join(chr(0x4E00 + (number * 7919) % 20000) for number in range(length))


@pytest.mark.parametrize("length", [700, 1900], ids=["no-printable-symbol", "no-symbol-at-all"])
def test_the_code_of_a_certificate_that_does_not_fit_shows_its_core(
    licence: Any, licence_claims: list[dict[str, Any]], new_key: Any, length: int
) -> None:
    claims = {**licence_claims[0], "business_scope": unknown(length)}
    answer = licence.post(
        "/v1/certificates", {"type": "business-licence", "claims": claims}, key=new_key()
    )
    assert answer.status_code == 201, answer.text
    found = answer.get_json()
    assert (found["profile"], found["qr_reason"]) == ("full", None)
    assert found["qr"]["profile"] == "core"
    token = qr.decode(found["qr"]["text"]).token
    whole, paper = (sdjwt.parse(one) for one in (found["token"], token))
    payloads = [json.loads(one.jws.payload) for one in (whole, paper)]
    assert payloads[0]["business_scope"] == claims["business_scope"]
    assert payloads[1] == {k: v for k, v in payloads[0].items() if k != "business_scope"}
    assert whole.jws.header == paper.jws.header
    for end in ("svg", "png"):
        assert licence.get(f"{found['links']['self']}/qr.{end}").status_code == 200
    again = licence.get(found["links"]["self"]).get_json()
    assert again["qr"] == found["qr"]


def test_where_even_the_core_does_not_fit_there_is_no_code(
    licence: Any, licence_claims: list[dict[str, Any]], new_key: Any
) -> None:
    lengths = {
        "domicile": 200,
        "name": 120,
        "legal_representative": 120,
        "registration_authority": 80,
        "entity_type": 60,
        "registered_capital": 60,
    }
    text, claims = unknown(sum(lengths.values())), dict(licence_claims[0])
    for name, length in lengths.items():
        claims[name], text = text[:length], text[length:]
    for profile in ("full", "core"):
        body = {"type": "business-licence", "claims": claims, "profile": profile}
        answer = licence.post("/v1/certificates", body, key=new_key())
        assert answer.status_code == 201, answer.text
        found = answer.get_json()
        assert (found["qr"], found["qr_reason"]) == (None, "qr_too_large")
        for end in ("svg", "png"):
            image = licence.get(f"{found['links']['self']}/qr.{end}")
            assert (image.status_code, image.get_json()["code"]) == (409, "qr_too_large")


@pytest.mark.parametrize("end", ["svg", "png"])
def test_a_size_that_nobody_could_scan_is_refused(
    licence: Any, issued: dict[str, Any], end: str
) -> None:
    answer = licence.get(issued["qr"][end] + "?size_mm=20")
    document = answer.get_json()
    assert (answer.status_code, document["code"]) == (422, "print_too_small")
    (error,) = document["errors"]
    side = 17 + 4 * issued["qr"]["version"] + 8
    assert error["path"] == "/size_mm"
    assert 0.33 <= error["least"] / side < 0.331
    assert f"{error['least']:g} 毫米" in error["zh"]
    again = licence.get(f"{issued['qr'][end]}?size_mm={error['least']}")
    assert again.status_code == 200
    if end == "svg":
        assert f'width="{error["least"]:g}mm"' in again.text


@pytest.mark.parametrize(
    "size", ["", "-1", "x", "1001", "40.55", "4e1", "nan", "inf", "\u0664\u0660"]
)
@pytest.mark.parametrize("end", ["svg", "png"])
def test_a_size_is_a_number(licence: Any, issued: dict[str, Any], end: str, size: str) -> None:
    answer = licence.get(issued["qr"][end], query_string={"size_mm": size})
    document = answer.get_json()
    assert (answer.status_code, document["code"]) == (400, "parameter_invalid")
    assert document["errors"][0]["path"] == "/size_mm"
