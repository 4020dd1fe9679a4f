"""The clerk page: works without a script, says one thing clearly, never opens a link."""

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from certsvc_sdk import statuslist
from verifier.inputs import REQUEST_BYTES, from_scanner

NOW = 1_800_000_000
Post = Callable[..., tuple[int, str]]


@pytest.fixture
def post(client: FlaskClient) -> Post:
    def posted(**fields: Any) -> tuple[int, str]:
        answer = client.post("/", data=fields, content_type="multipart/form-data")
        assert answer.content_type == "text/html; charset=utf-8"
        return answer.status_code, answer.get_data(as_text=True)

    return posted


def looks(html: str) -> list[str]:
    return re.findall(r'<article class="card (\w+)"', html)


def test_the_page_asks_for_a_scan(client: FlaskClient) -> None:
    answer = client.get("/")
    html = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert re.search(r'<input id="text" name="text"[^>]* autofocus', html)
    assert '<input id="file" name="file" type="file" multiple' in html
    assert '<option value="business-licence">营业执照 Business licence</option>' in html
    assert "<script" not in html
    assert "style=" not in html
    assert not re.findall(r'(?:href|src|action)="(?!/)', html)


def test_headers(client: FlaskClient) -> None:
    for answer in (client.get("/"), client.post("/", data={"text": "x"})):
        assert answer.headers["Content-Security-Policy"] == (
            "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
            "frame-ancestors 'none'; base-uri 'none'"
        )
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("name", "kind"), [("desk.css", "text/css"), ("icon.svg", "image/svg+xml")]
)
def test_the_pages_own_files(client: FlaskClient, name: str, kind: str) -> None:
    answer = client.get(f"/static/{name}")
    assert answer.status_code == 200
    assert answer.mimetype == kind
    assert b"http://" not in answer.data.replace(b"http://www.w3.org/2000/svg", b"")
    answer.close()
    assert client.get("/static/other.css").get_json()["code"] == "not_found"


def test_a_valid_certificate(post: Post, world: Any) -> None:
    status, html = post(text=world.text(world.issue()))
    assert status == 200
    assert looks(html) == ["green"]
    assert "<title>有效 Valid" in html
    assert "证照有效（状态截至 01-15" in html
    assert "示例市市场监督管理局（示例）" in html
    assert "请与持证人身份证件或纸面核对" in html
    assert "<dt><span><bdi>名称</bdi>" in html
    assert "<bdi>示例科技有限公司</bdi>" in html
    assert re.search(r'<input id="text" name="text"[^>]* autofocus', html)
    assert "<summary>核验步骤" in html


def test_the_other_looks(post: Post, world: Any, clock: Any) -> None:
    revoked = world.issue()
    world.set_status(revoked, statuslist.INVALID, NOW)
    assert looks(post(text=revoked)[1]) == ["red"]
    unknown = world.issue(uri="https://certs.example/status/119999000000000198/9")
    assert looks(post(text=unknown)[1]) == ["amber"]
    _, html = post(text=world.issue(), type="household-register")
    assert looks(html) == ["blue"]
    assert '<option value="household-register" selected>' in html


def test_a_failed_signature_shows_no_face_data(post: Post, world: Any) -> None:
    _, html = post(text=world.forge(world.issue()))
    assert looks(html) == ["red"]
    assert "示例科技有限公司" not in html
    assert "市场监督管理局（示例）" not in html
    assert "请与持证人" not in html


def test_members_of_a_household(post: Post, world: Any) -> None:
    _, html = post(text=world.issue("household-register"))
    assert "<bdi>成员 2</bdi>" in html
    assert "<bdi>与户主关系</bdi>" in html


def test_each_code_has_its_own_card(post: Post, world: Any) -> None:
    good = world.text(world.issue())
    pdf = world.pdf(good, world.text(world.forge(world.issue())))
    image = world.image(good)
    files = [
        (io.BytesIO(pdf), "<b>证照.pdf"),
        (io.BytesIO(b"nothing"), "word.doc"),
        (io.BytesIO(image), "photo.png"),
    ]
    status, html = post(text=good, file=files)
    assert status == 200
    assert looks(html) == ["green", "green", "red", "grey", "green"]
    assert "共 5 项结果" in html
    assert "第 2 页 第 2 个码" in html
    assert "&lt;b&gt;证照.pdf" in html
    assert "<b>" not in html


def test_user_text_is_escaped(post: Post, world: Any) -> None:
    evil = "<script>alert(1)</script>\u202eevil"
    claims = {"name": evil, "<img src=x>": "x", "domicile": "https://elsewhere.example/"}
    _, html = post(text=world.issue(claims=claims))
    assert looks(html) == ["green"]
    assert "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script" not in html
    assert "<img" not in html
    assert not re.findall(r'(?:href|src|action)="(?!/)', html)


def test_the_text_of_the_scan_is_never_shown_again(post: Post) -> None:
    _, html = post(text="https://elsewhere.example/pay?<b>")
    assert looks(html) == ["red"]
    assert "这不是电子证照二维码" in html
    assert "elsewhere" not in html


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({}, 422, "没有可核验的内容"),
        ({"text": "  "}, 422, "没有可核验的内容"),
    ],
    ids=["nothing", "blank"],
)
def test_problems_are_pages_too(post: Post, fields: Any, status: int, words: str) -> None:
    got, html = post(**fields)
    assert got == status
    assert looks(html) == ["grey"]
    assert words in html


def test_oversize_posts(client: FlaskClient) -> None:
    long_text = b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\n' + b"1" * 600_000
    for body in (bytes(REQUEST_BYTES + 1), long_text + b"\r\n--x--\r\n"):
        answer = client.post("/", data=body, content_type="multipart/form-data; boundary=x")
        assert answer.status_code == 413
        html = answer.get_data(as_text=True)
        assert looks(html) == ["grey"]
        assert "请求正文过大" in html


def test_wedge_scanners_with_an_input_method_on(post: Post, world: Any) -> None:
    text = world.text(world.issue())
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" and c != "." else c for c in text)
    for typed in (text.upper(), wide.replace(".", "。"), f"{text}\n"):
        assert looks(post(text=typed)[1]) == ["green"]
    assert from_scanner("ｈｔｔｐｓ：／／ａ。ｂ／ｖ＃１２") == "https://a.b/v#12"


def test_a_failure_does_not_loosen_the_rules_for_the_next_one(client: Any) -> None:
    answer = client.post("/", data={"text": "", "type": "household-register"})
    assert answer.status_code == 422
    assert '<option value="household-register" selected>' in answer.get_data(as_text=True)
