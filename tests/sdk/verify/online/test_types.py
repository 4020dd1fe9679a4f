"""Type metadata through the verifier: where it is read, what it must equal, how long it serves."""

import json
import logging
from typing import Any

import pytest

from certsvc_sdk import sdjwt
from certsvc_sdk.errors import (
    FetchFailed,
    IntegrityInvalid,
    TrustUnavailable,
    TypeMetadataInvalid,
)
from certsvc_sdk.type_holding import REFRESH_SECONDS
from certsvc_sdk.typemetadata import Breach, Rule, check_claims, integrity_of

VCT = "https://certs.example/vct/business-licence/1"
PATH = "/vct/business-licence/1"


def document(vct: str = VCT, **members: Any) -> bytes:
    named = [{"locale": "zh-CN", "label": "名称"}, {"locale": "en", "label": "Name"}]
    content = {
        "vct": vct,
        "display": [{"locale": "zh-CN", "name": "营业执照"}],
        "claims": [{"path": ["name"], "display": named, "mandatory": True, "sd": "never"}],
    }
    return json.dumps(content | members, ensure_ascii=False).encode()


@pytest.fixture
def published(publisher: Any) -> Any:
    """Writes the type's document into the published tree."""

    def write(data: bytes, path: str = PATH) -> bytes:
        publisher.write(path.lstrip("/"), data)
        return data

    write(document())
    return write


def asked(server: Any, path: str = PATH) -> int:
    """How often the document was asked for since the last call."""
    count = [one for one, _ in server.requests].count(path)
    server.requests.clear()
    return count


def test_the_names_of_a_verified_certificate(
    verifier_of: Any, server: Any, issuer: Any, published: Any
) -> None:
    verifier = verifier_of(url=server.url)
    verdict = verifier.check(issuer.token())
    assert asked(server) == 0  # no verdict asks for it
    found = verifier.type_metadata(verdict)
    assert (found.vct, found.title().name, found.label(["name"], "en").name) == (
        VCT,
        "营业执照",
        "Name",
    )
    assert verdict.sentence("zh", found.labels()) == verdict.sentence("zh")
    assert verifier.type_metadata(VCT) == found
    assert asked(server) == 1


def test_a_certificate_is_held_to_its_type(
    verifier_of: Any, server: Any, issuer: Any, published: Any
) -> None:
    verifier = verifier_of(url=server.url)
    token = issuer.token(disclose=("/name",))
    verdict = verifier.check(token)
    breaches = check_claims(verifier.type_metadata(verdict), sdjwt.parse(token))
    assert breaches == (Breach(("name",), Rule.SD_NEVER),)
    # The verdict is the trust record's and the signature's, not the metadata's.
    assert verdict.acceptable


def test_integrity_ties_a_certificate_to_its_document(
    verifier_of: Any, server: Any, issuer: Any, published: Any
) -> None:
    verifier = verifier_of(url=server.url)
    good = verifier.check(issuer.token(**{"vct#integrity": integrity_of(document())}))
    assert verifier.type_metadata(good).vct == VCT
    for value in (integrity_of(b"other"), "sha256-x", 5, None, ""):
        verdict = verifier.check(issuer.token(**{"vct#integrity": value}))
        assert verdict.acceptable
        if value is None:
            continue
        with pytest.raises(IntegrityInvalid):
            verifier.type_metadata(verdict)


def test_a_newer_document_is_looked_for_where_the_copy_does_not_fit(
    verifier_of: Any, server: Any, issuer: Any, published: Any
) -> None:
    verifier = verifier_of(url=server.url)
    assert verifier.type_metadata(VCT).name is None
    newer = published(document(name="newer"))
    assert verifier.type_metadata(VCT).name is None  # an hour has not passed
    asked(server)
    verdict = verifier.check(issuer.token(**{"vct#integrity": integrity_of(newer)}))
    assert verifier.type_metadata(verdict).name == "newer"
    assert asked(server) == 1


def test_copies_serve_an_hour_and_longer_without_a_line(
    verifier_of: Any, server: Any, published: Any, clock: Any, caplog: Any
) -> None:
    options = {"url": server.url, "trust_refresh": 10**6}
    verifier = verifier_of(**options)
    verifier.type_metadata(VCT)
    assert asked(server) == 1
    clock.now += REFRESH_SECONDS - 1
    verifier.type_metadata(VCT)
    assert verifier_of(**options).type_metadata(VCT).vct == VCT  # another run, the same folder
    assert asked(server) == 0
    clock.now += 1
    verifier.type_metadata(VCT)
    assert [(path, tag is not None) for path, tag in server.requests if path == PATH] == [
        (PATH, True)
    ]
    # Confirmed by 304, it is fresh again, for other runs too.
    asked(server)
    verifier_of(**options).type_metadata(VCT)
    assert asked(server) == 0
    clock.now += REFRESH_SECONDS
    server.answer = lambda handler: handler.reply(500, b"") or True
    with caplog.at_level(logging.WARNING):
        assert verifier.type_metadata(VCT).vct == VCT
    assert "type metadata was not refreshed" in caplog.text
    assert verifier_of(offline=True).type_metadata(VCT).vct == VCT


def test_a_changed_document_replaces_the_copy(
    verifier_of: Any, server: Any, published: Any, clock: Any
) -> None:
    verifier = verifier_of(url=server.url, trust_refresh=10**6)
    verifier.type_metadata(VCT)
    published(document(name="newer"))
    clock.now += REFRESH_SECONDS
    assert verifier.type_metadata(VCT).name == "newer"


def test_only_configured_places_are_asked(
    verifier_of: Any, server: Any, published: Any, publisher: Any, issuer: Any, tmp_path: Any
) -> None:
    verifier = verifier_of(url=server.url)
    for vct in (
        "https://elsewhere.example/vct/a/1", "http://127.0.0.1:1/vct/a/1", "urn:example:a", "",
        "file:///etc/passwd", "https://certs.example/vct/../trust/metadata/1.root.json",
        "https://certs.example/vct/%2e%2e/a", "https://certs.example/vct/a?b",
        "https://certs.example.evil.example/vct/a/1", "//certs.example/a", "x" * 5000, "é",
    ):  # fmt: skip
        with pytest.raises(FetchFailed):
            verifier.type_metadata(vct)
    assert not any("root.json" in path for path, _ in server.requests if "vct" in path)
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "a").write_bytes(document("https://elsewhere.example/a"))
    verifier = verifier_of(
        url=server.url, sources={"https://elsewhere.example/": mirror.as_uri() + "/"}
    )
    assert verifier.type_metadata("https://elsewhere.example/a").title().name == "营业执照"
    # What a document extends is no more to be trusted with addresses than a token.
    published(document(extends="https://third.example/b"))
    with pytest.raises(FetchFailed):
        verifier.type_metadata(VCT)
    published(document(extends="https://elsewhere.example/a"))
    assert verifier_of(
        url=server.url, cache_dir=tmp_path / "new",
        sources={"https://elsewhere.example/": mirror.as_uri() + "/"},
    ).type_metadata(VCT).ancestors == ("https://elsewhere.example/a",)  # fmt: skip


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"<html>", b'{"vct":"x"}', b'{"vct":"x"', b"x" * 300_000]
)
def test_a_wrong_document_never_displaces_a_good_one(
    verifier_of: Any, server: Any, published: Any, clock: Any, data: bytes
) -> None:
    verifier = verifier_of(url=server.url, trust_refresh=10**6)
    verifier.type_metadata(VCT)
    published(data)
    clock.now += REFRESH_SECONDS
    if len(data) > 256 * 1024:
        assert verifier.type_metadata(VCT).vct == VCT  # not read at all: the copy serves
        return
    with pytest.raises(TypeMetadataInvalid):
        verifier.type_metadata(VCT)


def test_what_a_forged_certificate_names_is_not_followed(
    verifier_of: Any, server: Any, published: Any, issuer: Any, make_signer: Any
) -> None:
    verifier = verifier_of(url=server.url)
    token = issuer.token()
    forged = issuer.token(signer=make_signer("ES256", 60))
    for text in (forged, token + "WyJzIiwieCIsMV0~", "rubbish"):
        with pytest.raises(TypeMetadataInvalid):
            verifier.type_metadata(verifier.check(text))
    assert asked(server) == 0


def test_without_trust_data_or_a_copy_there_is_none(
    verifier_of: Any, server: Any, published: Any
) -> None:
    with pytest.raises(TrustUnavailable):
        verifier_of(offline=True).type_metadata(VCT)
    verifier_of(url=server.url).refresh()
    for options in ({"offline": True, "url": server.url}, {"offline": True}):
        with pytest.raises(FetchFailed):
            verifier_of(**options).type_metadata(VCT)


def test_a_damaged_or_foreign_copy_is_as_good_as_none(
    verifier_of: Any, server: Any, published: Any, tmp_path: Any
) -> None:
    verifier_of(url=server.url).type_metadata(VCT)
    (copy,) = (tmp_path / "cache").glob("*/types/*.json")
    whole = json.loads(copy.read_bytes())
    for content in (
        b"", b"{", b"[]", json.dumps(whole | {"uri": "x"}).encode(),
        json.dumps(whole | {"data": "===="}).encode(),
        json.dumps(whole | {"fetched_at": "x"}).encode(), b" " * 600_000,
    ):  # fmt: skip
        copy.write_bytes(content)
        asked(server)
        assert verifier_of(url=server.url).type_metadata(VCT).vct == VCT
        assert asked(server) == 1


def test_a_folder_that_cannot_be_written_costs_no_answer(
    verifier_of: Any, server: Any, published: Any, tmp_path: Any, caplog: Any
) -> None:
    verifier_of(url=server.url).refresh()
    (world,) = (path for path in (tmp_path / "cache").iterdir() if path.is_dir())
    (world / "types").write_text("in the way")
    with caplog.at_level(logging.WARNING):
        assert verifier_of(url=server.url).type_metadata(VCT).vct == VCT
    assert "the cache cannot keep type metadata" in caplog.text


def test_memory_is_bounded(verifier_of: Any, server: Any, published: Any) -> None:
    verifier = verifier_of(url=server.url)
    for number in range(140):
        path = f"/vct/t/{number}"
        published(document(f"https://certs.example{path}"), path)
        verifier.type_metadata(f"https://certs.example{path}")
    assert len(verifier._holdings.types._held) <= 128
