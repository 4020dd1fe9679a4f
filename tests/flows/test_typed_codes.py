"""A typed code through the real issuer, worker and verifier, as a clerk meets it."""

import time
from typing import Any

from certsvc.cli.run import SHOWN, issuer_url
from certsvc.cli.story import PATIENCE
from certsvc_sdk import typedcode
from certsvc_sdk.client import Verifier
from certsvc_sdk.resolver import HttpResolver

World = Any


def issue(world: World, key: str) -> dict[str, Any]:
    from certsvc.cli.records import demo_records

    answer = world.department("business-licence").post(
        "v1/certificates",
        {"type": "business-licence", "claims": demo_records("business-licence")[SHOWN]},
        idempotency_key=key,
    )
    assert answer.status == 201, answer.body
    made: dict[str, Any] = answer.json()
    return made


def ask(world: World, text: str) -> dict[str, Any]:
    answer = world.verifier.post("v1/verifications", {"text": text})
    assert answer.status == 200, answer.body
    (entry,) = answer.json()["verifications"]
    verdict: dict[str, Any] = entry["verdict"]
    return verdict


def test_a_code_typed_at_the_window(world: World) -> None:
    issued = issue(world, "typed-code-flow")
    code = issued["typed_code"]
    assert typedcode.of(issued["token"]) == typedcode.read(code)
    scanned = ask(world, issued["qr"]["text"])
    for spelling in (code, code.lower().replace("-", " "), typedcode.digits(typedcode.read(code))):
        typed = ask(world, spelling)
        assert (typed["code"], typed["typed"]) == ("valid", True)
        assert typed["claims"] == scanned["claims"]
    wrong = code[:-1] + ("2" if code[-1] != "2" else "3")
    assert ask(world, wrong)["code"] == "unreadable"
    assert ask(world, typedcode.of("nobody's~"))["code"] == "code_unknown"
    # The demo's own log has lines of all this, and not one code.
    plain = typedcode.read(code)
    assert not [line for line in world.lines if code in line or plain in line]


def test_a_code_of_a_revoked_certificate_says_so(world: World) -> None:
    issued = issue(world, "typed-code-revoked")
    department = world.department("business-licence")
    operations = department.get("v1/types/business-licence").json()["operations"]
    reason = next(one for one in operations if one["name"] == "revoke")["reasons"][0]["code"]
    done = department.post(f"v1/certificates/{issued['id']}/revoke", {"reason": reason})
    assert done.status == 200, done.body
    end = time.monotonic() + PATIENCE
    while (found := ask(world, issued["typed_code"])["code"]) != "revoked":
        assert time.monotonic() < end, found
        time.sleep(0.05)


def test_a_program_with_the_sdk(world: World, tmp_path: Any) -> None:
    issued = issue(world, "typed-code-flow")
    name, _, secret = world.settings.resolver_clients.read_text().strip().partition(":")
    address = issuer_url(world.settings)
    verifier = Verifier.from_root(
        world.settings.trust_root,
        url=address,
        cache_dir=tmp_path,
        resolver=HttpResolver(address, client_id=name, secret=secret),
    )
    assert verifier.verify(issued["typed_code"]).typed
    assert verifier.resolve(issued["typed_code"]) == issued["token"]
