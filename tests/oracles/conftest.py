"""Other programs that know our formats: Python libraries, and npm packages in one Node process."""

import hashlib
import importlib.util
import json
import os
import select
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from certsvc_sdk import jws, sdjwt

HERE = Path(__file__).parent
IAT = 1_700_000_000
# A peer that takes longer than this has hung.
_ANSWER_SECONDS = 60


def _load(name: str) -> ModuleType:
    """Load a helper beside this file; test folders are no packages."""
    spec = importlib.util.spec_from_file_location(f"oracles_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class PeerError(Exception):
    """The peer's own error, `<code>: <message>`."""


class NodePeer:
    """One Node process for a session; `ask` sends one JSON line and reads one."""

    Refused = PeerError

    def __init__(self, node: Path) -> None:
        self._process = subprocess.Popen(
            [node, "--no-warnings", HERE / "node" / "peer.mjs"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )

    def ask(self, op: str, **arguments: Any) -> Any:
        """Call an operation of `node/*.mjs`.

        Raises:
            PeerError: the peer raised an error.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps({"op": op, **arguments}).encode() + b"\n")
        line = b""
        while not line.endswith(b"\n"):
            assert select.select([stdout], [], [], _ANSWER_SECONDS)[0], f"{op}: no answer"
            piece = stdout.read(1 << 20)
            assert piece, f"{op}: the Node process ended"
            line += piece
        answer = json.loads(line)
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer["ok"]

    def close(self) -> None:
        """End the process by closing its input; one that hangs is killed."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        with self._process:
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()


@pytest.fixture(scope="session")
def installer() -> ModuleType:
    """`install.py`, which knows where Node is."""
    return _load("install")


@pytest.fixture(scope="session")
def trees() -> ModuleType:
    """Claim trees in the notations of the peers."""
    return _load("trees")


@pytest.fixture(scope="session")
def make_signer() -> Callable[..., Any]:
    """`make_signer("ES256", 7)`: keys of every algorithm, another one for each number."""
    made: Callable[..., Any] = _load("signers").Signer
    return made


def _start(installer: ModuleType, node: Path | None) -> NodePeer:
    reason = (
        "no Node found" if node is None else "npm packages missing: run tests/oracles/install.py"
    )
    if node is None or not installer.is_installed():
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return NodePeer(node)


@pytest.fixture(scope="session")
def node(installer: ModuleType) -> Iterator[NodePeer]:
    """The npm peers, run by the system's Node or the wheel's."""
    peer = _start(installer, installer.find_node())
    yield peer
    peer.close()


@pytest.fixture(scope="session")
def post_quantum_node(installer: ModuleType, node: NodePeer) -> Iterator[NodePeer]:
    """The same peers by a Node that has ML-DSA: this one if it has, else the wheel's."""
    if node.ask("supports", alg="ML-DSA-44"):
        yield node
        return
    peer = _start(installer, installer.wheel_node())
    yield peer
    peer.close()


@pytest.fixture(scope="session")
def salts() -> Callable[[int], bytes]:
    """Salts that repeat from run to run."""
    return lambda index: hashlib.sha256(b"salt %d" % index).digest()[:16]


@pytest.fixture(scope="session")
def issue(salts: Callable[[int], bytes]) -> Callable[..., str]:
    """`issue(signer, claims, disclose)`: an SD-JWT VC by our drafting code."""

    def issue(signer: Any, claims: dict[str, Any], disclose: Any = ()) -> str:
        made = sdjwt.draft(header=signer.header(), claims=claims, disclose=disclose, salts=salts)
        return made.finish(signer.sign(made.signing_input))

    return issue


@pytest.fixture(scope="session")
def read() -> Callable[..., sdjwt.Presented]:
    """`read(token, signer)`: header, signature and disclosures by our reader."""

    def read(token: str, signer: Any) -> sdjwt.Presented:
        parsed = sdjwt.parse(token)
        jws.require_header(parsed.jws.header, typ="dc+sd-jwt", alg=signer.alg)
        signer.public.verify(parsed.jws.signing_input, parsed.jws.signature)
        return parsed.claims()

    return read


@pytest.fixture(scope="session")
def kept_paths() -> Callable[[str, str], list[Any]]:
    """`kept_paths(token, shown)`: places in the whole token's claims of what is left of it.

    Indexes are the whole token's: in a presentation they shift where elements are withheld.
    """

    def kept_paths(token: str, shown: str) -> list[Any]:
        left = set(sdjwt.parse(shown).disclosures)
        return [one.path for one in sdjwt.parse(token).claims().disclosed if one.encoded in left]

    return kept_paths


@pytest.fixture(scope="session")
def claims() -> dict[str, Any]:
    """Claims with every kind of value, nested in objects and arrays."""
    return {
        "iss": "https://certs.example/i/119999000000000273",
        "vct": "https://certs.example/vct/household-register/1",
        "iat": IAT,
        "head": "张三",
        "address": {"city": "示例市", "street": "东风路1号"},
        "members": [
            {"name": "张三", "sex": "男", "moves": [{"from": "甲"}, {"from": "乙"}]},
            {"name": "李四", "sex": "女", "moves": []},
        ],
        "number": 1.5,
        "flags": [True, None, 0, "x"],
    }


DISCLOSE = frozenset(
    {
        "/head",
        "/address",
        "/address/street",
        "/members",
        "/members/*",
        "/members/*/sex",
        "/members/*/moves",
        "/members/*/moves/*",
        "/members/*/moves/*/from",
        "/flags/*",
    }
)


@pytest.fixture(scope="session")
def disclose() -> frozenset[str]:
    """Everything of `claims` that is disclosable: flat, nested, elements, and each in another."""
    return DISCLOSE


@pytest.fixture(
    scope="session",
    params=[
        DISCLOSE,
        frozenset(),
        {"/head"},
        {"/address/street"},
        {"/members/1/sex", "/flags/3"},
        {"/members/0/moves/1/from"},
        {"/members", "/members/*", "/flags/*"},
    ],
    ids=["all", "none", "flat", "nested", "elements", "deep", "arrays"],
)
def keep(request: pytest.FixtureRequest) -> frozenset[str]:
    """What one presentation shows of `claims`."""
    return frozenset(request.param)


@pytest.fixture(scope="session", params=["ES256", "Ed25519", "EdDSA"])
def any_signer(request: pytest.FixtureRequest, make_signer: Callable[..., Any]) -> Any:
    """One test for each algorithm and spelling."""
    return make_signer(request.param, 2)


@pytest.fixture(scope="session")
def holder(make_signer: Callable[..., Any]) -> Any:
    """A holder's device key for key binding."""
    return make_signer("ES256", 99)
