"""The verifier over a real repository behind a loopback server: online, offline, refreshing."""

import gc
import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from certsvc_sdk import Policy, VerificationFailed, Verifier
from certsvc_sdk.errors import FetchFailed, TrustInvalid, TrustUnavailable
from certsvc_sdk.verdict import Outcome


def paths(server: Any) -> list[str]:
    """What was asked for since the last call."""
    asked = [path for path, _ in server.requests]
    server.requests.clear()
    return asked


def test_a_code_is_verified_over_the_network_once_and_then_from_memory(
    verifier_of: Any, server: Any, issuer: Any, facts: Any
) -> None:
    verifier = verifier_of(url=server.url)
    verdict = verifier.check(issuer.qr_text(issuer.token()))
    assert (verdict.outcome, verdict.code) == (Outcome.VALID, "valid")
    assert (verdict.trust_age, verdict.status_age) == (0, 60)
    asked = paths(server)
    assert "/trust/metadata/timestamp.json" in asked
    assert asked.count(f"/status/{facts.uscc}/1") == 1
    assert verifier.verify(issuer.token().encode()).acceptable
    assert paths(server) == []


def test_a_verifier_reads_a_local_mirror_too(verifier_of: Any, publisher: Any, issuer: Any) -> None:
    verifier = verifier_of(url=publisher.tree.as_uri())
    assert verifier.check(issuer.token()).code == "valid"


def test_explicit_sources_go_before_the_trees_own_address(
    verifier_of: Any, server: Any, publisher: Any, issuer: Any, facts: Any, tmp_path: Path
) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "1").write_text(issuer.status_token({7: 1}, version=9))
    verifier = verifier_of(url=server.url, sources={facts.prefix: mirror.as_uri() + "/"})
    assert verifier.check(issuer.token()).code == "revoked"
    assert not any(path.startswith("/status") for path in paths(server))


def test_verify_raises_with_the_verdict(verifier_of: Any, server: Any, issuer: Any) -> None:
    verifier = verifier_of(url=server.url, policy=Policy(types=("household-register",)))
    with pytest.raises(VerificationFailed) as caught:
        verifier.verify(issuer.token())
    assert caught.value.code == "valid"
    assert caught.value.verdict.reasons == ("type_not_accepted",)
    assert "type_not_accepted" in str(caught.value)


def test_after_a_prefetch_no_line_is_needed(
    verifier_of: Any, server: Any, issuer: Any, facts: Any, monkeypatch: Any
) -> None:
    result = verifier_of(url=server.url).prefetch()
    assert (result.trust, result.issuers, result.lists, result.failed) == (True, 1, 1, ())
    assert result.complete
    monkeypatch.setattr("socket.socket.connect", _refuse)
    for options in ({"offline": True, "url": server.url}, {"offline": True}, {"url": server.url}):
        verdict = verifier_of(**options).check(issuer.token())
        assert (verdict.code, verdict.status_age) == ("valid", 60)


def _refuse(*args: Any) -> None:
    raise ConnectionRefusedError("no network in this test")


def test_without_a_line_and_without_a_cache_the_answer_is_unknown(
    verifier_of: Any, issuer: Any
) -> None:
    for options in ({"offline": True}, {"url": "http://127.0.0.1:9/"}, {}):
        verifier = verifier_of(**options)
        assert verifier.check(issuer.token()).code == "trust_unavailable"
        assert verifier.check("https://example.com/").code == "not_a_certificate"
        assert not verifier.refresh().trust


def test_data_past_its_time_is_fetched_anew_when_a_check_needs_it(
    verifier_of: Any, server: Any, publisher: Any, issuer: Any, facts: Any, clock: Any
) -> None:
    verifier = verifier_of(url=server.url)
    verifier.check(issuer.token())
    publisher.status(issuer.status_token({7: 2}, version=2, iat=facts.now))
    assert verifier.check(issuer.token()).code == "valid"
    paths(server)
    clock.now += 300
    assert verifier.check(issuer.token()).code == "suspended"
    assert "/trust/metadata/timestamp.json" in paths(server)
    clock.now += 299
    verifier.check(issuer.token())
    assert paths(server) == []


def test_an_unchanged_list_is_not_sent_again(
    verifier_of: Any, server: Any, issuer: Any, facts: Any, clock: Any
) -> None:
    verifier = verifier_of(url=server.url, status_refresh=10, trust_refresh=3600)
    verifier.check(issuer.token())
    server.requests.clear()
    clock.now += 10
    assert verifier.check(issuer.token()).status_age == 70
    assert len(server.requests) == 1
    assert server.requests[0][1] is not None  # If-None-Match
    verifier.check(issuer.token())
    assert len(server.requests) == 1


def test_the_cached_copy_answers_with_its_age_while_the_line_is_down(
    verifier_of: Any, server: Any, issuer: Any, facts: Any, clock: Any, caplog: Any
) -> None:
    verifier = verifier_of(url=server.url)
    verifier.check(issuer.token())
    server.answer = lambda handler: handler.reply(503, b"") or True
    server.requests.clear()
    clock.now += 3600
    with caplog.at_level(logging.WARNING, logger="certsvc_sdk"):
        verdict = verifier.check(issuer.token())
    assert (verdict.code, verdict.trust_age, verdict.status_age) == ("valid", 3600, 3660)
    assert "was not refreshed" in caplog.text
    assert len(server.requests) == 2  # the trust data and the list, once each
    assert verifier.check(issuer.token()).code == "valid"
    assert len(server.requests) == 2  # not again within five seconds
    clock.now += facts.day
    verdict = verifier.check(issuer.token())
    assert (verdict.outcome, verdict.code) == (Outcome.UNKNOWN, "trust_stale")
    allowed = Policy(max_trust_age=3 * facts.day, max_status_age=3 * facts.day)
    assert verifier.check(issuer.token(), policy=allowed).acceptable


def test_refresh_forces_and_forgets_failures(
    verifier_of: Any, server: Any, publisher: Any, issuer: Any, facts: Any, clock: Any
) -> None:
    verifier = verifier_of(url=server.url)
    verifier.check(issuer.token())
    server.answer = lambda handler: handler.reply(500, b"") or True
    clock.now += 301
    verifier.check(issuer.token())
    failed = verifier.refresh()
    assert (failed.trust, failed.failed, failed.complete) == (False, (facts.uri,), False)
    server.answer = None
    publisher.status(issuer.status_token({7: 1}, version=2, iat=facts.now))
    done = verifier.refresh()
    assert (done.trust, done.lists, done.failed) == (True, 1, ())
    assert verifier.check(issuer.token()).code == "revoked"


def test_a_key_published_since_is_looked_for_before_it_is_called_unknown(
    verifier_of: Any, server: Any, publisher: Any, issuer: Any, clock: Any, make_signer: Any
) -> None:
    verifier = verifier_of(url=server.url)
    verifier.check(issuer.token())
    new = make_signer("Ed25519", 91)
    token = issuer.token(signer=new)
    assert verifier.check(token).code == "key_unknown"
    record = issuer.record_json()
    keys = [*record["keys"], issuer.key_json(new, "certificate")]
    publisher.publish(issuer.record(keys=keys))
    assert verifier.check(token).code == "key_unknown"  # looked a moment ago
    clock.now += 10
    assert verifier.check(token).code == "valid"


def test_an_emergency_rotation_is_unknown_offline_and_never_invalid(
    verifier_of: Any, server: Any, issuer: Any, clock: Any, make_signer: Any
) -> None:
    verifier_of(url=server.url).prefetch()
    clock.now += 301
    token = issuer.token(signer=make_signer("ES256", 92))
    verdict = verifier_of(offline=True).check(token)
    assert (verdict.outcome, verdict.code) == (Outcome.UNKNOWN, "trust_stale")


def test_an_issuer_first_seen_while_its_record_cannot_be_had_is_unknown(
    verifier_of: Any, server: Any, issuer: Any
) -> None:
    server.answer = lambda handler: (
        "/issuers/" in handler.path and (handler.reply(503, b"") or True)
    )
    verifier = verifier_of(url=server.url)
    assert verifier.check(issuer.token()).code == "trust_unavailable"
    before = len(server.requests)
    assert verifier.check(issuer.token()).code == "trust_unavailable"
    assert len(server.requests) == before
    server.answer = None
    assert verifier.prefetch().trust
    assert verifier.check(issuer.token()).code == "valid"


def test_the_clock_set_back_after_a_check_is_noticed_also_after_a_restart(
    verifier_of: Any, server: Any, issuer: Any, facts: Any, clock: Any
) -> None:
    verifier_of(url=server.url).check(issuer.token())
    server.requests.clear()
    clock.now -= 730 * facts.day
    for options in ({"url": server.url}, {"offline": True}):
        verdict = verifier_of(**options).check(issuer.token())
        assert (verdict.outcome, verdict.code) == (Outcome.UNKNOWN, "clock_untrusted")
    assert "/trust/metadata/timestamp.json" not in paths(server)  # would stamp it with a wrong time


def test_another_root_is_another_world(
    verifier_of: Any, server: Any, issuer: Any, publisher: Any, facts: Any, tmp_path: Path
) -> None:
    verifier_of(url=server.url).check(issuer.token())
    other = type(publisher)(tmp_path / "other", facts, publisher.about.env)
    verifier = Verifier.from_root(other.root, cache_dir=tmp_path / "cache", clock=lambda: facts.now)
    assert verifier.check(issuer.token()).code == "trust_unavailable"


def test_threads_share_one_verifier(verifier_of: Any, server: Any, issuer: Any) -> None:
    verifier = verifier_of(url=server.url)
    token, codes = issuer.token(), list[str]()
    threads = [
        threading.Thread(target=lambda: codes.append(verifier.check(token).code)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == ["valid"] * 8
    asked = paths(server)
    # Once for the repository and once for the record and the list of this issuer.
    assert asked.count("/trust/metadata/timestamp.json") == 2
    assert sum(path.startswith("/status/") for path in asked) == 1


def test_without_a_cache_folder_nothing_is_left_behind(
    publisher: Any, server: Any, issuer: Any, clock: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    verifier = Verifier.from_root(publisher.root, url=server.url, clock=clock)
    assert verifier.check(issuer.token()).code == "valid"
    assert any((tmp_path / "tmp").iterdir())
    del verifier
    gc.collect()
    assert not any((tmp_path / "tmp").iterdir())


def test_wrong_set_up_is_refused_at_once(verifier_of: Any, tmp_path: Path) -> None:
    with pytest.raises(TrustUnavailable):
        Verifier.from_root(tmp_path / "missing.json")
    for url in ("http://certs.example/", "ftp://certs.example/", "certs.example", "https://"):
        with pytest.raises(FetchFailed):
            verifier_of(url=url)
    with pytest.raises(FetchFailed):
        verifier_of(sources={"https://certs.example": "file:///srv/"})


def test_only_text_is_accepted(verifier_of: Any) -> None:
    verifier = verifier_of(offline=True)
    for wrong in (None, 1, ["x"], object()):
        with pytest.raises(TypeError):
            verifier.check(wrong)


def test_a_clock_behind_fetches_no_record_with_a_wrong_time(
    verifier_of: Any, server: Any, publisher: Any, issuer: Any, facts: Any, clock: Any
) -> None:
    server.answer = lambda handler: (
        "/issuers/" in handler.path and (handler.reply(503, b"") or True)
    )
    verifier = verifier_of(url=server.url)
    assert verifier.check(issuer.token()).code == "trust_unavailable"
    server.answer = None
    clock.now -= facts.day
    assert verifier.check(issuer.token()).code == "clock_untrusted"
    clock.now += facts.day
    verifier.refresh()
    assert verifier.check(issuer.token()).code == "valid"


@pytest.mark.parametrize(
    "root",
    [b"", b"{}", b"[]", b'{"signed":{"_type":"targets"}}', b'{"signed":[]}', b"\xff", b"{" * 999],
    ids=["empty", "object", "list", "other-role", "no-role", "not-utf8", "deep"],
)
def test_what_is_no_root_is_refused_at_once(root: bytes, tmp_path: Path) -> None:
    with pytest.raises(TrustInvalid):
        Verifier.from_root(root, url="https://certs.example/")
    path = tmp_path / "root.json"
    path.write_bytes(root)
    with pytest.raises(TrustInvalid):
        Verifier.from_root(path, url="https://certs.example/")


def test_a_root_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.json", tmp_path, "nul\0"):
        with pytest.raises(TrustUnavailable):
            Verifier.from_root(path, url="https://certs.example/")


def test_the_trust_state_is_told(verifier_of: Any, server: Any, tmp_path: Path) -> None:
    alone = verifier_of(cache_dir=tmp_path / "none", offline=True)
    assert alone.trust_state() is None
    state = verifier_of(url=server.url).trust_state()
    assert state is not None
    assert state.environment == "production"
    assert state.as_of < state.expires


class TestLaterDictionaries:
    """A QR dictionary that is younger than this release comes as a target of the trust list."""

    DICTIONARY = bytes(range(256)) * 4 + b'"unified_social_credit_code":"'

    @pytest.fixture
    def text(self, issuer: Any, monkeypatch: Any) -> str:
        """A code of an issuer whose release knows dictionary 7."""
        from certsvc_sdk import qr
        from certsvc_sdk.qr import dictionaries, frame

        with monkeypatch.context() as newer:
            newer.setattr(dictionaries, "find", lambda number, later: self.DICTIONARY)
            newer.setattr(dictionaries, "load", lambda number: self.DICTIONARY)
            body = frame.pack(issuer.token(), bytes(range(16)), dictionary=7)
        return str(qr.text.to_text(body, "check.example"))

    def publish(self, publisher: Any, name: str, data: bytes) -> None:
        publisher.extra[f"dictionaries/{name}"] = data
        publisher.publish()

    def test_it_is_fetched_with_the_trust_data_and_kept(
        self, text: str, verifier_of: Any, publisher: Any, server: Any, clock: Any
    ) -> None:
        verifier = verifier_of(url=server.url)
        assert verifier.check(text).code == "format_unsupported"
        self.publish(publisher, "7.bin", self.DICTIONARY)
        clock.now += 400
        assert verifier.check(text).code == "valid"
        assert verifier_of(offline=True).check(text).code == "valid"

    @pytest.mark.parametrize("kind", ["other", "longer", "elsewhere", "altered"])
    def test_what_is_not_the_listed_one_is_not_used(
        self, kind: str, text: str, verifier_of: Any, publisher: Any, server: Any
    ) -> None:
        data = {"other": b"x" * 300, "longer": bytes(40_000)}.get(kind, self.DICTIONARY)
        self.publish(publisher, "07.bin" if kind == "elsewhere" else "7.bin", data)
        if kind == "altered":
            for path in publisher.tree.glob("trust/targets/dictionaries/*"):
                path.write_bytes(bytes(len(data)))
        code = verifier_of(url=server.url).check(text).code
        assert code in ("format_unsupported", "malformed")

    def test_a_built_in_one_is_never_replaced(
        self, verifier_of: Any, publisher: Any, server: Any, issuer: Any
    ) -> None:
        self.publish(publisher, "1.bin", self.DICTIONARY)
        assert verifier_of(url=server.url).check(issuer.qr_text(issuer.token())).code == "valid"
