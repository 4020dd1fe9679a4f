import io
import logging
from collections.abc import Callable
from typing import Any

from certsvc.service import logs


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _texts(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _texts(inner)]
    return [value] if isinstance(value, str) else []


def test_logs_hold_no_personal_data(
    world: Any,
    licence: Any,
    police: Any,
    licence_claims: list[dict[str, Any]],
    household_claims: list[dict[str, Any]],
    new_key: Callable[[], str],
) -> None:
    stream = io.StringIO()
    root = logging.getLogger()
    level = root.level
    handler = logs.configure(stream, level=logging.DEBUG)
    try:
        body = {"type": "business-licence", "claims": licence_claims[8]}
        first = licence.post("/v1/certificates", body, key=new_key()).get_json()
        body = {"type": "household-register", "claims": household_claims[8]}
        second = police.post("/v1/certificates", body, key=new_key()).get_json()
        for caller, one in ((licence, first), (police, second)):
            caller.get(one["qr"]["svg"])
            caller.get(one["links"]["self"] + "?token=" + one["token"])
            caller.post(one["links"]["self"] + "/revoke", {"reason": "x", "detail": "张三的说明"})
        bad = {**household_claims[8], "household_number": household_claims[8]["head_name"] * 100}
        police.post("/v1/certificates", {"type": "household-register", "claims": bad}, key="k")
        world.publish()
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    written = stream.getvalue()
    assert written.count('"logger":"certsvc.access"') >= 9
    assert '"client_id":"' in written
    secrets = [text for text in _texts([licence_claims[8], household_claims[8]]) if len(text) >= 3]
    secrets += [caller.auth[1] for caller in (licence, police)]
    secrets += [first["token"][:60], second["token"][:60], first["qr"]["text"][-60:], "张三的说明"]
    secrets += [first["id"], second["id"]]
    for secret in secrets:
        if secret not in {"1-1", "正本", "副本"}:
            assert secret not in written, secret
