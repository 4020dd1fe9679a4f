"""Faces over HTTP: headers, caching, words of certificates out of force, refusals."""

import io
import json
import re
import zipfile
from typing import Any

import pypdf
import pytest

from certsvc.api.faces import MAX_EXPORTED, ExportSlots
from certsvc.app import create_app
from certsvc.catalogue import Catalogue
from certsvc.printing.errors import PressBusy

TOKEN_NAME = "certificate.jwt"


def _face(caller: Any, issued: dict[str, Any], query: str = "", **options: Any) -> Any:
    return caller.get(f"{issued['links']['self']}/face.pdf{query}", **options)


def _reader(pdf: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(pdf))


def test_a_face_carries_the_certificate(licence: Any, issued: dict[str, Any]) -> None:
    answer = _face(licence, issued)
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "application/pdf"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    read = _reader(answer.data)
    assert read.attachments[TOKEN_NAME] == [issued["token"].encode()]
    name = answer.headers["Content-Disposition"]
    serial = issued["certificate_identifier"].split(".")[-3]
    assert f'attachment; filename="business-licence_{serial}_001.pdf"' in name
    assert f"filename*=UTF-8''%E8%90%A5%E4%B8%9A%E6%89%A7%E7%85%A7_{serial}_001.pdf" in name


def test_the_same_face_is_not_printed_twice(licence: Any, issued: dict[str, Any]) -> None:
    first = _face(licence, issued)
    assert re.fullmatch(r'"[0-9a-f]{32}"', first.headers["ETag"])
    assert _face(licence, issued).data == first.data
    again = _face(licence, issued, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    other = _face(licence, issued, "?lang=zh-en", headers={"If-None-Match": first.headers["ETag"]})
    assert other.status_code == 200


def test_a_caller_without_rights_gets_none(world: Any, police: Any, issued: dict[str, Any]) -> None:
    path = f"{issued['links']['self']}/face.pdf"
    assert world.app.test_client().get(path).status_code == 401
    # Another office's certificate and none at all: the same answer (T63).
    answers = [_face(police, issued), police.get(f"/v1/certificates/{'f' * 32}/face.pdf")]
    bodies = [{**one.get_json(), "instance": ""} for one in answers]
    assert bodies[0] == bodies[1]
    assert bodies[0]["code"] == "not_found"


@pytest.mark.parametrize("lang", ["", "en", "zh-EN", "zh,en", "zh\r\nX: y", "中" * 5000])
def test_the_language_is_one_of_two(licence: Any, issued: dict[str, Any], lang: str) -> None:
    path = f"{issued['links']['self']}/face.pdf"
    answer = licence.get(path, query_string={"lang": lang})
    document = answer.get_json()
    assert (answer.status_code, document["code"]) == (400, "parameter_invalid")
    assert document["errors"][0]["path"] == "/lang"
    assert len(answer.data) < 1000


def test_a_certificate_out_of_force_says_so(
    world: Any, licence: Any, licence_claims: list[dict[str, Any]], new_key: Any
) -> None:
    body = {"type": "business-licence", "claims": licence_claims[1]}
    issued = licence.post("/v1/certificates", body, key=new_key()).get_json()
    first = _face(licence, issued)
    status = Catalogue.builtin().get("business-licence").status
    (revoke,) = (one for one in status.operations if one.name == "revoke")
    (reason,) = (one for one in revoke.reasons if one.label.zh == "吊销")
    change = {"reason": reason.code, "detail": "说明"}
    changed = licence.post(f"{issued['links']['self']}/revoke", change)
    assert changed.status_code == 200, changed.text
    second = _face(licence, issued, headers={"If-None-Match": first.headers["ETag"]})
    assert second.status_code == 200
    (text, before) = (
        "".join(page.extract_text() for page in _reader(one.data).pages) for one in (second, first)
    )
    assert "已吊销" in text
    assert "已吊销" not in before
    assert _reader(second.data).attachments[TOKEN_NAME] == [issued["token"].encode()]


def test_a_character_without_a_glyph_is_named(
    licence: Any, licence_claims: list[dict[str, Any]], new_key: Any
) -> None:
    claims = {**licence_claims[2], "name": "示例\U000311a3有限公司"}
    body = {"type": "business-licence", "claims": claims}
    issued = licence.post("/v1/certificates", body, key=new_key())
    assert issued.status_code == 201, issued.text
    answer = _face(licence, issued.get_json())
    document = answer.get_json()
    assert (answer.status_code, document["code"]) == (422, "glyph_missing")
    (found,) = document["errors"]
    assert (found["path"], found["code"]) == ("/name", "glyph_missing")
    assert "U+311A3" in found["zh"]


def test_what_fits_no_code_has_no_face(
    licence: Any, licence_claims: list[dict[str, Any]], new_key: Any
) -> None:
    odd = "".join(chr(0x4E00 + (number * 7919) % 20000) for number in range(600))
    # The core profile, which is tried next, has names and addresses too.
    long = {"name": odd[:120], "domicile": odd[120:320], "legal_representative": odd[320:440]}
    body = {"type": "business-licence", "claims": {**licence_claims[0], **long}}
    found = licence.post("/v1/certificates", body, key=new_key()).get_json()
    answer = _face(licence, found)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "qr_too_large")


def _manifest(answer: Any) -> list[dict[str, Any]]:
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        return [json.loads(line) for line in archive.read("manifest.jsonl").splitlines()]


def test_an_export(world: Any, licence: Any, police: Any, issued: dict[str, Any]) -> None:
    ids = [issued["id"], "f" * 32, issued["id"], "x"]
    answer = licence.post("/v1/exports", {"ids": ids, "lang": "zh-en"})
    assert answer.status_code == 200
    assert answer.content_type == "application/zip"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="certificates.zip"'
    assert answer.headers["Cache-Control"] == "no-store"
    lines = _manifest(answer)
    assert [line["id"] for line in lines] == [issued["id"], "f" * 32, "x"]
    assert [line.get("error") for line in lines] == [None, *["certificate_not_found"] * 2]
    # Another office's certificates are none.
    lines = _manifest(police.post("/v1/exports", {"ids": [issued["id"]]}))
    assert [line["error"] for line in lines] == ["certificate_not_found"]


def test_an_export_as_one_document(licence: Any, issued: dict[str, Any]) -> None:
    answer = licence.post("/v1/exports", {"ids": [issued["id"]], "format": "pdf"})
    assert answer.content_type == "application/pdf"
    attached = _reader(answer.data).attachments
    assert attached["certificate-000001.jwt"] == [issued["token"].encode()]


def test_exports_that_are_refused(world: Any, licence: Any) -> None:
    for body, status, code in (
        ({}, 422, "request_invalid"),
        ({"ids": []}, 422, "request_invalid"),
        ({"ids": "all"}, 422, "request_invalid"),
        ({"ids": [1]}, 422, "request_invalid"),
        ({"ids": ["x" * 129]}, 422, "request_invalid"),
        ({"ids": ["x"], "format": "tar"}, 422, "request_invalid"),
        ({"ids": ["x"], "holder": "张三"}, 422, "request_invalid"),
        ({"ids": [f"{n:032x}" for n in range(MAX_EXPORTED + 1)]}, 422, "export_too_large"),
        ({"ids": [f"{n:032x}" for n in range(10_000)]}, 413, "body_too_large"),
    ):
        answer = licence.post("/v1/exports", body)
        assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert world.app.test_client().post("/v1/exports", json={"ids": ["x"]}).status_code == 401


def test_one_export_at_a_time_and_none_is_held_for_ever(
    world: Any, licence: Any, police: Any, issued: dict[str, Any]
) -> None:
    body = {"ids": [issued["id"]]}
    running = licence.post("/v1/exports", body, buffered=False)
    busy = licence.post("/v1/exports", body)
    assert (busy.status_code, busy.get_json()["code"]) == (503, "press_busy")
    assert busy.headers["Retry-After"]
    # Others are not kept out.
    assert police.post("/v1/exports", body).status_code == 200
    # Whoever hangs up gives its place back.
    running.close()
    assert licence.post("/v1/exports", body).status_code == 200


def test_slots() -> None:
    slots = ExportSlots(2)
    leave = slots.take("a")
    with pytest.raises(PressBusy):
        slots.take("a")
    slots.take("b")
    with pytest.raises(PressBusy):
        slots.take("c")
    leave()
    slots.take("c")


def test_a_rate_of_faces(world: Any, issued: dict[str, Any]) -> None:
    settings = world.settings.model_copy(update={"faces_per_second": 0.2})
    app = create_app(settings, clock=world.clock)
    path = f"{issued['links']['self']}/face.pdf"
    auth = world.credentials["business-licence"]
    first = app.test_client().get(path, auth=auth)
    again = app.test_client().get(path, auth=auth)
    assert (first.status_code, again.status_code) == (200, 429)
    assert int(again.headers["Retry-After"]) >= 1
    # Nothing else waits for that.
    assert app.test_client().get(issued["links"]["self"], auth=auth).status_code == 200
