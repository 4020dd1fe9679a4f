"""`POST /v1/verifications` gives every vector's verdict, or the problem it names."""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

from verifier.nonces import LocalNonces


def give_out(policy: Any, file: Path, *, now: int) -> None:
    """Make the vector's nonce one that the service gave out for the vector's audience."""
    if isinstance(policy, dict) and isinstance(policy.get("nonce"), str):
        file.unlink(missing_ok=True)
        audience = str(policy.get("audience") or "")
        LocalNonces(file).issue(policy["nonce"], audience=audience, now=now)


def test_verdict(http_vector: Any, replay: ModuleType, services: Any) -> None:
    client, place, clock = services.of(http_vector)
    for step in http_vector.steps:
        clock.now = step["now"]
        place.serve(step["status_lists"])
        body = {"text": replay.joined(step["input"])}
        if step["policy"] is not None:
            body["policy"] = step["policy"]
            give_out(step["policy"], place.cache / "nonces.db", now=step["now"])
        answer = client.post(
            "/v1/verifications", data=json.dumps(body), content_type="application/json"
        )
    found = answer.get_json()
    problem = http_vector.expect.get("http")
    if problem is not None:
        assert (answer.status_code, found["code"]) == (problem["status"], problem["code"])
        return
    assert answer.status_code == 200, found
    (entry,) = found["verifications"]
    assert replay.differences(http_vector, entry["verdict"]) == []
