from collections.abc import Callable
from typing import Any

from certsvc.service.shared.objects import MAX_BYTES, SharedObjects


def test_kept_and_found(way: Any, raw: Callable[..., str]) -> None:
    objects = SharedObjects(way.shared)
    assert objects.get("a", max_bytes=10) is None
    objects.put("a", b"0123456789", seconds=60)
    assert objects.get("a", max_bytes=10) == b"0123456789"
    assert objects.get("a", max_bytes=9) is None
    assert objects.get("b", max_bytes=10) is None
    assert 0 < int(raw("TTL", way.shared.key("object", "a")).removeprefix(":")) <= 60


def test_what_is_not_kept(way: Any) -> None:
    objects = SharedObjects(way.shared)
    objects.put("a", b"", seconds=60)
    objects.put("a", b"x", seconds=0)
    objects.put("a", bytes(MAX_BYTES + 1), seconds=60)
    assert way.counted("redis_calls_total") == {}
    objects.put("a", bytes(MAX_BYTES), seconds=60)
    assert objects.get("a", max_bytes=2 * MAX_BYTES) == bytes(MAX_BYTES)


def test_a_huge_value_does_not_travel(way: Any, raw: Callable[..., str]) -> None:
    objects = SharedObjects(way.shared)
    key = way.shared.key("object", "a")
    raw("SETRANGE", key, str(100 * 1024 * 1024 - 1), "x", seconds=30)
    before = _sent(raw, way)
    assert objects.get("a", max_bytes=1000) is None
    assert _sent(raw, way) - before < 10_000


def _sent(raw: Callable[..., str], way: Any) -> int:
    found: int = way.shared.call(lambda client: client.info("stats"))["total_net_output_bytes"]
    return found


def test_another_type_and_no_answer(way: Any, raw: Callable[..., str], redis_server: Any) -> None:
    objects = SharedObjects(way.shared)
    raw("RPUSH", way.shared.key("object", "a"), "x")
    assert objects.get("a", max_bytes=10) is None
    objects.put("a", b"x", seconds=60)
    assert objects.get("a", max_bytes=10) == b"x"
    redis_server.kill()
    assert objects.get("a", max_bytes=10) is None
    objects.put("a", b"x", seconds=60)
