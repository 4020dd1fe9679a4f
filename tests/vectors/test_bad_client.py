"""`Verifier` over a real trust repository and served lists gives every vector's verdict."""

from types import ModuleType
from typing import Any


def test_verdict(vector: Any, replay: ModuleType, verifiers: Any) -> None:
    verifier, place, clock = verifiers.of(vector)
    for step in vector.steps:
        clock.now = step["now"]
        place.serve(step["status_lists"])
        text, policy = replay.joined(step["input"]), replay.policy_of(step)
        verdict = verifier.check(text, policy=policy, at=step["at"])
    assert replay.differences(vector, verdict.to_json()) == []
