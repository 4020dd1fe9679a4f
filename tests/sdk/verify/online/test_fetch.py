"""Fetching: hard limits, no redirects, no plain http abroad, a pause after a failure."""

import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tuf.api.exceptions import DownloadError, DownloadHTTPError

from certsvc_sdk import fetch
from certsvc_sdk.errors import FetchFailed
from certsvc_sdk.fetch import AnswerFailed, Fetcher, tuf_fetcher
from certsvc_sdk.sources import Source, Sources, check_base


def read(server: Any, name: str, **options: Any) -> Any:
    options = {"max_bytes": 1000} | options
    return Fetcher().get(Source(server.url + name, configured=True), **options)


def answering(server: Any, status: int, body: bytes = b"", **headers: str) -> None:
    server.answer = lambda handler: handler.reply(status, body, **headers) or True


def test_a_file_comes_with_its_entity_tag_and_once(server: Any, publisher: Any) -> None:
    publisher.write("x", b"data")
    first = read(server, "x")
    assert (first.body, bool(first.etag)) == (b"data", True)
    again = read(server, "x", etag=first.etag)
    assert (again.body, again.etag) == (None, first.etag)
    publisher.write("x", b"other")
    assert read(server, "x", etag=first.etag).body == b"other"


@pytest.mark.parametrize("etag", ['"a\r\nX: y"', '"' + "a" * 70_000 + '"', "bare", '"\u6709"', ""])
def test_an_entity_tag_that_cannot_be_sent_back_is_left_out(
    etag: str, server: Any, publisher: Any
) -> None:
    publisher.write("x", b"data")
    assert read(server, "x", etag=etag).body == b"data"
    assert server.requests[-1][1] is None


@pytest.mark.parametrize("status", [204, 301, 302, 304, 307, 401, 404, 500, 503])
def test_only_200_carries_content_and_redirects_are_not_followed(status: int, server: Any) -> None:
    answering(server, status, b"x" if status not in (204, 304) else b"", Location="/y")
    with pytest.raises(AnswerFailed) as caught:
        read(server, "x")
    assert caught.value.status == status
    assert len(server.requests) == 1


def test_one_byte_above_the_cap_is_refused(server: Any, publisher: Any) -> None:
    publisher.write("x", b"a" * 1000)
    assert len(read(server, "x").body) == 1000
    publisher.write("x", b"a" * 1001)
    with pytest.raises(FetchFailed, match="longer"):
        read(server, "x")


def test_a_content_encoding_is_not_undone(server: Any) -> None:
    import gzip

    packed = gzip.compress(b"a" * 100_000)
    answering(server, 200, packed, **{"Content-Encoding": "gzip"})
    assert read(server, "x").body == packed


def test_an_answer_cut_short_is_no_answer(server: Any) -> None:
    def cut(handler: Any) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"short")
        handler.close_connection = True
        return True

    server.answer = cut
    with pytest.raises(FetchFailed):
        read(server, "x")


def test_a_server_that_never_ends_its_headers_meets_the_total_limit(
    server: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(fetch, "TOTAL_SECONDS", 0.1)
    done = threading.Event()

    def hang(handler: Any) -> bool:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX")
        handler.wfile.flush()
        handler.close_connection = True
        return done.wait(30)

    server.answer = hang
    try:
        with pytest.raises(FetchFailed):
            read(server, "x")
    finally:
        done.set()


def test_a_server_that_never_ends_its_body_meets_the_total_limit(
    server: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(fetch, "TOTAL_SECONDS", 0.1)

    def endless(handler: Any) -> bool:
        handler.send_response(200)
        handler.end_headers()
        handler.close_connection = True
        with suppress(OSError):
            while True:
                handler.wfile.write(b"x")
                handler.wfile.flush()
        return True

    server.answer = endless
    with pytest.raises(FetchFailed, match="too long"):
        read(server, "x", max_bytes=10**9)


def test_a_refused_connection_is_a_failure(server: Any) -> None:
    with pytest.raises(FetchFailed):
        Fetcher().get(Source("http://127.0.0.1:9/x", configured=True), max_bytes=9)


def test_https_needs_a_certificate_that_verifies(server: Any) -> None:
    url = server.url.replace("http:", "https:") + "x"
    with pytest.raises(FetchFailed) as caught:
        Fetcher().get(Source(url, configured=True), max_bytes=9)
    reason = caught.value.__cause__
    assert isinstance(getattr(reason, "args", (None,))[0], ssl.SSLError) or "SSL" in str(reason)


def test_a_source_that_failed_is_left_alone_for_a_while(server: Any) -> None:
    ticks = [0.0]
    fetcher = Fetcher(monotonic=lambda: ticks[0])
    source = Source(server.url + "gone", configured=True)
    for moment, requests in ((0.0, 1), (4.9, 1), (5.0, 2), (9.9, 2), (10.0, 3)):
        ticks[0] = moment
        with pytest.raises(AnswerFailed) as caught:
            fetcher.get(source, max_bytes=9)
        assert (caught.value.status, len(server.requests)) == (404, requests)
    fetcher.forget_failures()
    with pytest.raises(AnswerFailed):
        fetcher.get(source, max_bytes=9)
    assert len(server.requests) == 4


def test_the_memory_of_failures_is_bounded(server: Any) -> None:
    fetcher = Fetcher(monotonic=lambda: 0.0)
    for number in range(300):
        fetcher.avoid(Source(f"{server.url}{number}", configured=True))
    assert len(fetcher._failures) == 256
    with pytest.raises(FetchFailed, match="a moment ago"):
        fetcher.get(Source(f"{server.url}299", configured=True), max_bytes=9)


def test_a_local_mirror_is_read_within_the_same_limits(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"data")
    base = tmp_path.as_uri()

    def get(name: str, *, configured: bool = True, cap: int = 9) -> Any:
        return Fetcher().get(Source(f"{base}/{name}", configured=configured), max_bytes=cap)

    assert get("x").body == b"data"
    for wrong in ({"name": "gone"}, {"name": "x", "configured": False}, {"name": "x", "cap": 3}):
        with pytest.raises(FetchFailed):
            get(**wrong)
    for name in ("../x", "", "sub/../x"):
        with pytest.raises(FetchFailed):
            get(name)


class TestSources:
    def test_the_longest_prefix_wins(self) -> None:
        sources = Sources(
            {
                "https://certs.example/": "https://mirror.example/tree/",
                "https://certs.example/status/": "file:///srv/status/",
            }
        )
        assert sources.resolve("https://certs.example/status/1") == Source(
            "file:///srv/status/1", configured=True
        )
        assert sources.resolve("https://certs.example/vct/x").url.startswith("https://mirror")

    def test_other_addresses_are_https_or_this_machine(self) -> None:
        sources = Sources({})
        for address in ("https://a.example/1", "http://127.0.0.1:8000/status/1"):
            assert sources.resolve(address) == Source(address, configured=False)
        for address in (
            "http://a.example/1",
            "file:///etc/passwd",
            "https://a.example/1?x",
            "ftp://a.example/1",
            "",
        ):
            with pytest.raises(FetchFailed):
                sources.resolve(address)

    @pytest.mark.parametrize(
        "base",
        [
            "http://mirror.example/",
            "ftp://mirror.example/",
            "file://host/srv/",
            "https:///x/",
            "https://user@mirror.example/",
            "https://mirror.example/?q",
            "https://mirror.example/#f",
            "https://[::1/",
            "https://mirror.example:99999/",
            "https://mirror.example:0/",
            "mirror/",
        ],
    )
    def test_a_configured_address_of_another_kind_is_refused(self, base: str) -> None:
        with pytest.raises(FetchFailed):
            check_base(base)

    def test_prefix_and_base_end_in_a_slash(self) -> None:
        for prefixes in (
            {"https://a.example": "file:///srv/"},
            {"https://a.example/": "file:///x"},
        ):
            with pytest.raises(FetchFailed):
                Sources(prefixes)


class TestTufFetcher:
    def test_it_streams_and_speaks_tufs_errors(self, server: Any, publisher: Any) -> None:
        publisher.write("x", b"data")
        adapter = tuf_fetcher(Fetcher())
        assert adapter.download_bytes(server.url + "x", 10) == b"data"
        with pytest.raises(DownloadHTTPError) as caught:
            adapter.download_bytes(server.url + "gone", 10)
        assert caught.value.status_code == 404
        with pytest.raises(DownloadError):
            adapter.download_bytes("http://127.0.0.1:9/x", 10)


def test_a_host_that_does_not_answer_is_not_asked_for_other_things(server: Any) -> None:
    clock = [0.0]
    fetcher = Fetcher(monotonic=lambda: clock[0])
    refused = server.url.replace(f":{server.server_port}/", ":9/")  # nobody listens
    one, two = (Source(refused + name, configured=True) for name in ("one", "two"))
    with pytest.raises(FetchFailed):
        fetcher.get(one, max_bytes=9)
    assert fetcher.avoids(two)
    with pytest.raises(FetchFailed, match="the host"):
        fetcher.get(two, max_bytes=9)
    clock[0] = fetch.RETRY_SECONDS
    assert not fetcher.avoids(two)
    assert not fetcher.avoids(one)


def test_one_bad_answer_does_not_speak_for_the_host(server: Any, publisher: Any) -> None:
    fetcher = Fetcher()
    publisher.write("y", b"data")
    publisher.write("x", b"a" * 100)
    for name, size in (("gone", 9), ("x", 9)):
        with pytest.raises(FetchFailed):
            fetcher.get(Source(server.url + name, configured=True), max_bytes=size)
    assert fetcher.get(Source(server.url + "y", configured=True), max_bytes=9).body == b"data"
