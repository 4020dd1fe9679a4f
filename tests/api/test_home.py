import re

import pytest
from flask.testing import FlaskClient

from certsvc.api.home import home_blueprint
from certsvc.service.http import HttpOptions, new_app


@pytest.fixture
def client() -> FlaskClient:
    options = HttpOptions(max_body=10, monotonic=lambda: 0.0, new_request_id=lambda: "made-0001")
    app = new_app("certsvc", options, {})
    app.register_blueprint(home_blueprint())
    return app.test_client()


def test_the_page_is_in_two_languages_and_runs_nothing(client: FlaskClient) -> None:
    page = client.get("/")
    assert page.content_type == "text/html; charset=utf-8"
    assert "电子证照签发服务" in page.text
    assert "Certificate issuing service" in page.text
    assert page.headers["Content-Security-Policy"].startswith(
        "default-src 'none'; style-src 'self'"
    )
    assert not re.search(r"<script|style=|\son\w+=|javascript:", page.text)
    assert 'href="/openapi.yaml"' in page.text


def test_the_style_sheet(client: FlaskClient) -> None:
    sheet = client.get("/style.css")
    assert sheet.content_type == "text/css; charset=utf-8"
    again = client.get("/style.css", headers={"If-None-Match": sheet.headers["ETag"]})
    assert again.status_code == 304
