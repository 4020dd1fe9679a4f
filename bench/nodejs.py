"""Node and its packages for the peers there; without Node or a network the peers are left out."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench import processes
from bench.harness import Slice
from bench.processes import Server

FOLDER = Path(__file__).with_name("node")
# It knows where Node is and how to install what a lock names.
_INSTALL = FOLDER.parents[1] / "tests" / "oracles" / "install.py"


class NodePeer:
    """Peers that run in one Node process, slice by slice."""

    def __init__(self, node: Path) -> None:
        self._child = subprocess.Popen(
            [str(node), "--no-warnings", str(FOLDER / "peer.mjs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def prepare(self, kind: str, token: str, jwk: Mapping[str, str], alg: str) -> Slice:
        """Load a key and a token; `kind` is `jwt` or `sd-jwt`.

        Raises:
            RuntimeError: the peer refuses the token.
        """
        job = self._ask({"kind": kind, "token": token, "jwk": dict(jwk), "alg": alg})["job"]
        return lambda count: float(self._ask({"job": job, "count": count})["seconds"])

    def close(self) -> None:
        """End the process."""
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()
        self._child.wait(10)

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        sent, received = self._child.stdin, self._child.stdout
        assert sent is not None
        assert received is not None
        sent.write(json.dumps(question) + "\n")
        sent.flush()
        answer: dict[str, Any] = json.loads(received.readline() or '{"error": "Node ended"}')
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer


def find(*, install: bool = True) -> Path | None:
    """Node with the packages of `bench/node`; None where there is none.

    Args:
        install: fetch the packages if need be.
    """
    spec = importlib.util.spec_from_file_location("bench_node_install", _INSTALL)
    if spec is None or spec.loader is None or not _INSTALL.is_file():
        return None
    installer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(installer)
    node: Path | None = installer.find_node()
    if node is None:
        return None
    if installer.is_installed(FOLDER):
        return node
    problem = installer.install(FOLDER) if install else "its packages are not installed"
    if problem is not None:
        print(f"no Node peers: {problem}", file=sys.stderr)
        return None
    return node


@contextmanager
def peer(*, install: bool = True) -> Iterator[NodePeer | None]:
    """A Node peer until the block ends, or None; `install` as in `find`."""
    node = find(install=install)
    if node is None:
        yield None
        return
    made = NodePeer(node)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def fastify(node: Path, jwk: Mapping[str, str], alg: str, folder: Path) -> Iterator[Server]:
    """Fastify with jose, one process a core."""
    port = processes.free_port()
    env = {
        "PORT": str(port),
        "WORKERS": str(os.cpu_count() or 1),
        "JWK": json.dumps(dict(jwk)),
        "ALG": alg,
        "NODE_ENV": "production",
    }
    command = [str(node), "--no-warnings", str(FOLDER / "server.mjs")]
    with ExitStack() as stack:
        log = folder / "fastify.log"
        yield stack.enter_context(processes.started(command, port=port, env=env, log=log))
