"""Status lists over time: never back, never from strangers, revoked for ever, on disk and off."""

import logging
from pathlib import Path
from typing import Any

import pytest

from certsvc_sdk import Policy, strict
from certsvc_sdk.cache import StatusCache, StoredList


def renew(verifier: Any, clock: Any) -> None:
    """Make the list due and forget that it failed."""
    clock.now += 300
    verifier._holdings._fetcher.forget_failures()


@pytest.mark.parametrize(
    ("second", "code"),
    [
        ({"version": 4, "iat": 1_800_000_050}, "suspended"),
        ({"version": 5, "iat": 1_799_999_900}, "suspended"),
        ({"version": 5, "iat": 1_800_000_050}, "valid"),
        ({"version": 6, "iat": 1_799_999_000}, "valid"),
    ],
)
def test_a_list_never_goes_back(
    second: Any, code: str, verifier_of: Any, server: Any, publisher: Any, issuer: Any, clock: Any,
    caplog: Any,
) -> None:  # fmt: skip
    publisher.status(issuer.status_token({7: 2}, version=5))
    verifier = verifier_of(url=server.url)
    assert verifier.check(issuer.token()).code == "suspended"
    publisher.status(issuer.status_token(**second))
    renew(verifier, clock)
    with caplog.at_level(logging.WARNING, logger="certsvc_sdk"):
        assert verifier.check(issuer.token()).code == code
    assert ("went back" in caplog.text) == (code == "suspended")
    assert verifier_of(offline=True).check(issuer.token()).code == code


def test_a_newer_list_of_another_process_is_not_written_over(
    verifier_of: Any, server: Any, publisher: Any, issuer: Any, clock: Any, caplog: Any
) -> None:
    slow, fast = verifier_of(url=server.url), verifier_of(url=server.url)
    assert slow.check(issuer.token()).code == "valid"
    publisher.status(issuer.status_token({7: 2}, version=7))
    renew(fast, clock)
    assert fast.check(issuer.token()).code == "suspended"
    publisher.status(issuer.status_token(version=6))  # a mirror that lags behind
    renew(slow, clock)
    with caplog.at_level(logging.WARNING, logger="certsvc_sdk"):
        assert slow.check(issuer.token()).code == "suspended"
    assert "went back" in caplog.text
    assert verifier_of(offline=True).check(issuer.token()).code == "suspended"


def test_a_policy_stricter_than_the_refresh_looks_for_newer_data(
    verifier_of: Any, server: Any, publisher: Any, issuer: Any, facts: Any, clock: Any
) -> None:
    verifier = verifier_of(url=server.url, status_refresh=10_000, trust_refresh=10_000)
    assert verifier.check(issuer.token()).code == "valid"
    clock.now += 200
    publisher.status(issuer.status_token(version=2, iat=facts.now + 200))
    strict_policy = Policy(max_status_age=100, max_trust_age=100)
    assert verifier.check(issuer.token(), policy=strict_policy).code == "valid"
    clock.now += 200
    assert verifier.check(issuer.token(), policy=strict_policy).code == "status_stale"
    asked = len(server.requests)
    assert verifier.check(issuer.token(), policy=strict_policy).code == "status_stale"
    assert len(server.requests) == asked  # once for each moment


def test_an_ended_list_is_looked_for_whatever_its_ttl(
    verifier_of: Any, server: Any, publisher: Any, issuer: Any, facts: Any, clock: Any
) -> None:
    publisher.status(issuer.status_token(ttl=10**9, exp=facts.now + 100))
    verifier = verifier_of(url=server.url)
    assert verifier.check(issuer.token()).code == "valid"
    clock.now += 100
    publisher.status(issuer.status_token(version=2, iat=facts.now + 90))
    assert verifier.check(issuer.token()).code == "valid"


def test_what_is_not_the_issuers_list_never_replaces_it(
    verifier_of: Any, server: Any, publisher: Any, issuer: Any, facts: Any, clock: Any,
    make_signer: Any, caplog: Any,
) -> None:  # fmt: skip
    verifier = verifier_of(url=server.url)
    verifier.check(issuer.token())
    good = issuer.status_token({7: 1}, version=9)
    wrong = [
        issuer.status_token({7: 1}, version=9, signer=make_signer("ES256", 71)),
        issuer.status_token({7: 1}, version=9, signer=issuer.key),
        issuer.status_token({7: 1}, version=9, uri=f"{facts.prefix}2"),
        good[:-6] + "AAAAAA",
        good[: len(good) // 2],
        "",
        "<html>404</html>",
        "\ufeff" + good,
    ]
    for body in wrong:
        publisher.status(body)
        renew(verifier, clock)
        with caplog.at_level(logging.WARNING, logger="certsvc_sdk"):
            verdict = verifier.check(issuer.token())
        assert verdict.code == "valid", body[:40]
        assert "not genuine" in caplog.text
        caplog.clear()
        asked = len(server.requests)
        verifier.check(issuer.token())
        assert len(server.requests) == asked  # nor is it asked for again at once
    publisher.status(good + "\n")
    renew(verifier, clock)
    assert verifier.check(issuer.token()).code == "revoked"


def test_no_list_at_all_is_status_unavailable(
    verifier_of: Any, server: Any, publisher: Any, issuer: Any, facts: Any
) -> None:
    (publisher.tree / f"status/{facts.uscc}/1").unlink()
    verdict = verifier_of(url=server.url).check(issuer.token())
    assert verdict.code == "status_unavailable"
    assert verdict.claims is not None


def test_revoked_once_is_revoked_for_every_later_run(
    verifier_of: Any, server: Any, publisher: Any, issuer: Any
) -> None:
    publisher.status(issuer.status_token({7: 1}, version=5))
    assert verifier_of(url=server.url).check(issuer.token()).code == "revoked"
    publisher.status(issuer.status_token(version=6))
    verifier = verifier_of(url=server.url)
    verifier.refresh()
    assert verifier.check(issuer.token()).code == "revoked"


def test_a_list_whose_key_left_the_record_gives_way_to_the_new_keys_list(
    verifier_of: Any, server: Any, publisher: Any, issuer: Any, facts: Any, make_signer: Any
) -> None:
    publisher.status(issuer.status_token({7: 2}, version=2**50))
    verifier = verifier_of(url=server.url)
    assert verifier.check(issuer.token()).code == "suspended"
    new = make_signer("ES256", 72)
    record = issuer.record_json()
    publisher.publish(issuer.record(keys=[record["keys"][0], issuer.key_json(new, "status")]))
    publisher.status(issuer.status_token(version=1, signer=new))
    verifier.refresh()
    assert verifier.check(issuer.token()).code == "valid"


def test_a_list_far_in_the_future_does_not_stop_the_clock_for_others(
    verifier_of: Any, server: Any, publisher: Any, issuer: Any, facts: Any
) -> None:
    publisher.status(issuer.status_token(iat=facts.now + 3650 * facts.day))
    second = issuer.token(status={"status_list": {"idx": 7, "uri": f"{facts.prefix}2"}})
    publisher.status(issuer.status_token(uri=f"{facts.prefix}2"), f"{facts.prefix}2")
    verifier = verifier_of(url=server.url)
    assert verifier.check(issuer.token()).code == "clock_untrusted"
    assert verifier.check(second).code == "valid"


def test_prefetch_fetches_only_what_lies_under_the_issuers_prefix(
    verifier_of: Any, server: Any, publisher: Any, facts: Any
) -> None:
    named = [facts.uri, "https://evil.example/1", f"{facts.base}status/other/1", 7]
    publisher.write(f"status/{facts.uscc}/lists.json", strict.dumps({"status_lists": named}))
    result = verifier_of(url=server.url).prefetch()
    assert (result.lists, result.failed) == (1, ())


@pytest.mark.parametrize("body", [b"{}", b"[", b'{"status_lists":{}}'])
def test_a_broken_aggregation_is_reported(
    body: bytes, verifier_of: Any, server: Any, publisher: Any, facts: Any
) -> None:
    publisher.write(f"status/{facts.uscc}/lists.json", body)
    result = verifier_of(url=server.url).prefetch()
    assert (result.trust, result.complete) == (True, False)
    assert result.failed == (f"{facts.prefix}lists.json",)


def test_an_issuer_may_have_no_aggregation(
    verifier_of: Any, server: Any, publisher: Any, issuer: Any
) -> None:
    publisher.publish(issuer.record(status_aggregation=None))
    assert verifier_of(url=server.url).prefetch().complete


class TestCache:
    def stored(self, issuer: Any, facts: Any, **changes: Any) -> StoredList:
        values = {"uri": facts.uri, "token": "x.y.z", "etag": '"e"', "fetched_at": 5} | changes
        return StoredList(**values)

    def test_what_is_stored_comes_back(self, tmp_path: Path, issuer: Any, facts: Any) -> None:
        cache = StatusCache(tmp_path / "new" / "folder")
        assert cache.load(facts.uri) is None
        cache.store(self.stored(issuer, facts))
        again = StatusCache(tmp_path / "new" / "folder")
        assert again.load(facts.uri) == self.stored(issuer, facts)
        assert again.uris() == (facts.uri,)

    def test_damaged_files_are_as_good_as_none(
        self, tmp_path: Path, verifier_of: Any, server: Any, issuer: Any, facts: Any
    ) -> None:
        verifier_of(url=server.url).check(issuer.token())
        folder = next((tmp_path / "cache").glob("*/status"))
        for name, data in {
            **{path.name: b'{"uri":' for path in folder.glob("list-*.json")},
            "clock": b"soon",
            "revoked": b"\0\xff\nnonsense\n" + b"a" * 64 + b" x\n",
        }.items():
            (folder / name).write_bytes(data)
        assert verifier_of(offline=True).check(issuer.token()).code == "status_unavailable"
        assert verifier_of(url=server.url).check(issuer.token()).code == "valid"
        assert verifier_of(offline=True).check(issuer.token()).code == "valid"

    def test_a_tampered_list_is_not_believed(
        self, tmp_path: Path, verifier_of: Any, server: Any, issuer: Any, facts: Any
    ) -> None:
        verifier_of(url=server.url).check(issuer.token())
        folder = next((tmp_path / "cache").glob("*/status"))
        cache = StatusCache(folder)
        forged = issuer.status_token(signer=issuer.key, version=99)
        for token in (forged, "x"):
            cache.store(self.stored(issuer, facts, token=token))
            assert verifier_of(offline=True).check(issuer.token()).code == "status_unavailable"

    def test_processes_share_revocations_and_the_floor_of_time(self, tmp_path: Path) -> None:
        one, two = StatusCache(tmp_path), StatusCache(tmp_path)
        assert not two.is_revoked("u", 1)
        one.note_revoked("u", 1)
        one.note_revoked("u", 1)
        assert two.is_revoked("u", 1)
        assert not two.is_revoked("u", 2)
        assert (tmp_path / "revoked").read_bytes().count(b" 1\n") == 1
        one.raise_floor(100)
        two.raise_floor(50)
        assert StatusCache(tmp_path).clock_floor == two.clock_floor == 100
        two.raise_floor(99)
        assert StatusCache(tmp_path).clock_floor == 100

    def test_a_half_written_line_does_not_hide_the_next_one(self, tmp_path: Path) -> None:
        (tmp_path / "revoked").write_bytes(b"0123abc")
        StatusCache(tmp_path).note_revoked("u", 3)
        assert StatusCache(tmp_path).is_revoked("u", 3)

    def test_a_folder_that_cannot_be_written_costs_persistence_only(
        self, tmp_path: Path, issuer: Any, facts: Any, caplog: Any
    ) -> None:
        (tmp_path / "file").write_text("in the way")
        cache = StatusCache(tmp_path / "file" / "status")
        with caplog.at_level(logging.WARNING, logger="certsvc_sdk"):
            cache.store(self.stored(issuer, facts))
            cache.note_revoked("u", 1)
            cache.raise_floor(9)
        assert "cannot keep" in caplog.text
        assert (cache.is_revoked("u", 1), cache.clock_floor, cache.uris()) == (True, 9, ())

    def test_a_failed_write_leaves_the_old_file(
        self, tmp_path: Path, issuer: Any, facts: Any, monkeypatch: Any
    ) -> None:
        cache = StatusCache(tmp_path)
        cache.store(self.stored(issuer, facts))

        def full(descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", full)
        cache.store(self.stored(issuer, facts, fetched_at=6))
        assert cache.load(facts.uri) == self.stored(issuer, facts)
        assert not list(tmp_path.glob(".new-*"))

    def test_a_flipped_bit_does_not_move_time(self, tmp_path: Path) -> None:
        StatusCache(tmp_path).raise_floor(1_800_000_000)
        good = (tmp_path / "clock").read_bytes()
        assert StatusCache(tmp_path).clock_floor == 1_800_000_000
        for bit in range(len(good) * 8):
            bad = bytearray(good)
            bad[bit // 8] ^= 1 << bit % 8
            (tmp_path / "clock").write_bytes(bytes(bad))
            assert StatusCache(tmp_path).clock_floor == 0

    def test_an_oversized_file_is_not_read(self, tmp_path: Path) -> None:
        (tmp_path / "clock").write_bytes(b"1" * 33)
        assert StatusCache(tmp_path).clock_floor == 0
