import hashlib
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from certsvc.api import published
from certsvc.api.published import published_blueprint, read_published
from certsvc.publishing.tree import MAX_FILE, PublishedTree
from certsvc.service.http import HttpOptions, new_app

HASHED = "a" * 64 + ".119999000000000198.json"
FILES = {
    "trust/metadata/timestamp.json": ("application/json", published.NEWEST),
    "trust/metadata/1.root.json": ("application/json", published.IMMUTABLE),
    "trust/metadata/12.snapshot.json": ("application/json", published.IMMUTABLE),
    "trust/metadata/root.json": ("application/json", published.NEWEST),
    "trust/targets/about.json": ("application/json", published.NEWEST),
    f"trust/targets/issuers/999900/{HASHED}": ("application/json", published.IMMUTABLE),
    "status/119999000000000198/1": ("application/statuslist+jwt", "public, max-age=60"),
    "status/119999000000000198/lists.json": ("application/json", "public, max-age=60"),
    "vct/business-licence/1": ("application/json", "public, max-age=3600"),
    ".well-known/jwt-vc-issuer/i/119999000000000198": ("application/json", "public, max-age=300"),
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "published"
    for name in FILES:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'{{"file":"{name}"}}')
    (tmp_path / "keys.passphrase").write_text("secret")
    (root / "trust" / "metadata" / ".half.json").write_text("secret")
    (root / "trust" / "metadata" / "link.json").symlink_to(tmp_path / "keys.passphrase")
    return root


@pytest.fixture
def client(tree: Path) -> FlaskClient:
    options = HttpOptions(max_body=10, monotonic=lambda: 0.0, new_request_id=lambda: "made-0001")
    app: Flask = new_app("certsvc", options, {})
    app.register_blueprint(published_blueprint(PublishedTree(tree)))
    return app.test_client()


@pytest.mark.parametrize("name", FILES)
def test_files_have_their_type_cache_rule_and_etag(client: FlaskClient, name: str) -> None:
    answer = client.get(f"/{name}")
    assert answer.status_code == 200
    assert answer.text == f'{{"file":"{name}"}}'
    assert (answer.content_type, answer.headers["Cache-Control"]) == FILES[name]
    assert answer.headers["ETag"] == f'"{hashlib.sha256(answer.data).hexdigest()[:32]}"'
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", FILES)
def test_an_unchanged_file_is_not_sent_again(client: FlaskClient, name: str) -> None:
    etag = client.get(f"/{name}").headers["ETag"]
    again = client.get(f"/{name}", headers={"If-None-Match": etag})
    assert again.status_code == 304
    assert not again.data
    assert again.headers["Cache-Control"] == FILES[name][1]
    other = client.get(f"/{name}", headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/trust/metadata/9.root.json",
        "/trust/metadata/..%2f..%2f..%2fkeys.passphrase",
        "/trust/metadata/../../../keys.passphrase",
        "/trust/targets/../../../keys.passphrase",
        "/trust/targets/%2e%2e/%2e%2e/%2e%2e/keys.passphrase",
        "/trust/targets//etc/passwd",
        "/trust/targets/..\\..\\keys.passphrase",
        "/trust/targets/issuers",
        "/trust/targets/a/b/c/d/e/f",
        "/trust/targets/about.json%00",
        "/trust/metadata/.half.json",
        "/trust/metadata/link.json",
        "/status/../keys.passphrase",
        "/status/%2e%2e/%2e%2e",
        "/vct/business-licence/1/",
        "/trust/metadata/" + "a" * 300,
    ],
)
def test_nothing_outside_the_tree_is_served(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.get_json()["code"] == "not_found"
    assert "secret" not in answer.text


def test_a_missing_tree_is_not_found(tmp_path: Path) -> None:
    assert read_published(PublishedTree(tmp_path / "none"), ("status", "a", "1")) is None


def test_too_large_a_file_is_not_served(tree: Path) -> None:
    with (tree / "vct" / "business-licence" / "2").open("wb") as file:
        file.truncate(MAX_FILE + 1)
    assert read_published(PublishedTree(tree), ("vct", "business-licence", "2")) is None
