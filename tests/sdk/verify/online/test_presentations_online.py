"""A verifier that gives out nonces and accepts each once."""

import re
from pathlib import Path
from typing import Any

import pytest

from certsvc_sdk import Policy, sdjwt, strict
from certsvc_sdk.errors import PolicyInvalid
from certsvc_sdk.nonces import NONCE_LIFE, NonceUse, ProcessNonces

HALL = "https://hall.example"
README = Path(__file__).parents[4] / "sdk/README.md"


@pytest.fixture
def show(issuer: Any, holder_signer: Any, clock: Any) -> Any:
    """`show(nonce)`: what the holder's telephone sends."""

    def make(nonce: str) -> str:
        token = issuer.token(cnf={"jwk": holder_signer.jwk})
        return sdjwt.present_bound(
            token, ("/legal_representative",),
            alg="ES256", sign=holder_signer.sign, aud=HALL, nonce=nonce, iat=int(clock.now),
        )  # fmt: skip

    return make


def policy(nonce: str) -> Policy:
    return Policy(require_holder_binding=True, audience=HALL, nonce=nonce)


def test_each_nonce_is_accepted_once(verifier_of: Any, server: Any, show: Any) -> None:
    verifier = verifier_of(url=server.url, nonces=ProcessNonces())
    one, two = verifier.new_nonce(), verifier.new_nonce()
    assert one != two
    shown = show(one)
    assert verifier.check(shown, policy=policy(one)).acceptable
    assert verifier.check(shown, policy=policy(one)).code == "presentation_replayed"
    assert verifier.check(shown, policy=policy(two)).code == "holder_binding_invalid"
    assert verifier.check(show(two), policy=policy(two)).acceptable


def test_another_process_or_another_day_knows_no_such_nonce(
    verifier_of: Any, server: Any, show: Any, clock: Any
) -> None:
    verifier = verifier_of(url=server.url, nonces=ProcessNonces())
    nonce = verifier.new_nonce()
    other = verifier_of(url=server.url, nonces=ProcessNonces())
    assert other.check(show(nonce), policy=policy(nonce)).code == "presentation_expired"
    clock.now += NONCE_LIFE
    assert verifier.check(show(nonce), policy=policy(nonce)).code == "presentation_expired"


def test_processes_may_share_a_store(verifier_of: Any, server: Any, show: Any) -> None:
    class Shared:
        """What Redis would do: SET … EX, then SET … XX GET KEEPTTL."""

        def __init__(self) -> None:
            self.values: dict[str, str] = {}

        def issue(self, nonce: str, *, now: int) -> None:
            self.values.setdefault(nonce, "issued")

        def take(self, nonce: str, *, now: int) -> NonceUse:
            before = self.values.get(nonce)
            if before is None:
                return NonceUse.UNKNOWN
            self.values[nonce] = "used"
            return NonceUse.FRESH if before == "issued" else NonceUse.USED

    store = Shared()
    nonce = verifier_of(url=server.url, nonces=store).new_nonce()
    shown = show(nonce)
    codes = [
        verifier_of(url=server.url, nonces=store).check(shown, policy=policy(nonce)).code
        for _ in range(2)
    ]
    assert codes == ["valid", "presentation_replayed"]
    store.values.clear()  # flushed: it fails closed
    shared = verifier_of(url=server.url, nonces=store)
    assert shared.check(shown, policy=policy(nonce)).code == "presentation_expired"


def test_a_verdict_that_is_worked_out_twice_uses_a_nonce_once(
    verifier_of: Any, server: Any, publisher: Any, issuer: Any, show: Any, clock: Any
) -> None:
    """A right published since the trust data was fetched is looked for within the same check."""
    record = issuer.record_json()
    verifier = verifier_of(url=server.url, nonces=ProcessNonces())
    publisher.publish(issuer.record(rights=[]))
    clock.now += 400
    verifier.refresh()
    clock.now += 20
    nonce = verifier.new_nonce()
    publisher.publish(issuer.record(rights=record["rights"]))
    shown = show(nonce)
    assert verifier.check(shown, policy=policy(nonce)).code == "valid"
    assert verifier.check(shown, policy=policy(nonce)).code == "presentation_replayed"


def test_without_a_store_nonces_are_the_callers(verifier_of: Any, server: Any, show: Any) -> None:
    verifier = verifier_of(url=server.url)
    with pytest.raises(PolicyInvalid):
        verifier.new_nonce()
    shown = show("the caller's own")
    for _ in range(2):
        assert verifier.check(shown, policy=policy("the caller's own")).acceptable


def example(call: str) -> str:
    """The README's example that makes a call, as it stands."""
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    (block,) = (one for one in blocks if call in one)
    return str(block)


def test_the_readme_example_of_a_presentation_runs(
    verifier_of: Any, server: Any, issuer: Any, holder_signer: Any, clock: Any
) -> None:
    printed: list[str] = []
    names: dict[str, Any] = {
        "verifier": verifier_of(url=server.url, nonces=ProcessNonces()),
        "token": issuer.token(cnf={"jwk": holder_signer.jwk}),
        "phone": holder_signer,
        "now": int(clock.now),
        "print": printed.append,
    }
    exec(example("present_bound"), names)  # noqa: S102
    assert printed == ["valid", "presentation_replayed"]


def test_the_readme_example_of_type_metadata_runs(
    verifier_of: Any, server: Any, publisher: Any, issuer: Any
) -> None:
    label = [{"locale": "zh-CN", "label": "名称"}, {"locale": "en", "label": "Name"}]
    document = {
        "vct": "https://certs.example/vct/business-licence/1",
        "display": [{"locale": "zh-CN", "name": "营业执照"}],
        "claims": [{"path": ["name"], "display": label, "sd": "always"}],
    }
    publisher.write("vct/business-licence/1", strict.dumps(document))
    verifier, token = verifier_of(url=server.url), issuer.token()
    printed: list[str] = []
    names: dict[str, Any] = {
        "verifier": verifier,
        "token": token,
        "verdict": verifier.check(token),
        "print": lambda *values: printed.append(" ".join(map(str, values))),
    }
    exec(example("check_claims"), names)  # noqa: S102
    assert printed[0] == "营业执照 Name"
    assert "证照有效" in printed[1]
    assert "sd_always" in printed[2]
