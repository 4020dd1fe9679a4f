"""P1 and P2: what verifying offline costs, as ratios to the raw signature check."""

from collections.abc import Callable
from contextlib import ExitStack

from bench import nodejs, peers
from bench.harness import Effort, Result, Row, calls, measure
from bench.world import ALGS, DISCLOSURES, World
from certsvc_sdk import jws, sdjwt, strict
from certsvc_sdk.algorithms import PublicKey

_NODE = "Node, all its threads; no strict JSON, no closed header"
_NODE_SD = "Node, all its threads; no trust record, no status"


def flat(world: World, effort: Effort) -> list[Result]:
    """P1: a JWT VC without disclosures, 2.1 KB of payload."""
    results = []
    for alg in ALGS:
        token, key = world.flat(alg), world.public(alg)
        base = f"{alg} raw verify (flat)"
        rows = [
            Row(name=base, base=base, run=calls(peers.raw_verify(token, key.jwk))),
            Row(
                name=f"{alg} flat: certsvc",
                base=base,
                ours=True,
                run=calls(strict_work(token, key)),
                note="strict grammar, header, signature, payload",
            ),
            Row(
                name=f"{alg} flat: certsvc, whole verdict",
                base=base,
                ours=True,
                run=calls(checked_work(world, token + "~")),
                note="Verifier.check: trust, rights, status, policy",
            ),
        ]
        rows += [
            Row(name=f"{alg} flat: {peer.name}", base=base, run=calls(peer.work), note=peer.note)
            for peer in peers.verify_jwt(token, key.jwk, alg)
        ]
        with nodejs.peer(install=not effort.quick) as node:
            if node is not None:
                run = node.prepare("jwt", token, key.jwk, alg)
                rows.append(Row(name=f"{alg} flat: jose", base=base, run=run, note=_NODE))
            results += measure(f"verify flat {alg}", rows, effort)
    return results


def disclosed(world: World, effort: Effort) -> list[Result]:
    """P2: an SD-JWT with 13 disclosures, and a household with the median number, nested."""
    results = []
    for alg in ALGS:
        rows = []
        stack = ExitStack()
        node = stack.enter_context(nodejs.peer(install=not effort.quick))
        for name, label in (("thirteen", f"{DISCLOSURES} disclosures"), ("household", "household")):
            token, key = world.token(name, alg), world.public(alg)
            base = f"{alg} raw verify ({label})"
            rows += [
                Row(name=base, base=base, run=calls(peers.raw_verify(token, key.jwk))),
                Row(
                    name=f"{alg} {label}: certsvc",
                    base=base,
                    ours=True,
                    run=calls(checked_work(world, token)),
                    note=f"Verifier.check, trust and status; {token.count('~') - 1} disclosures",
                ),
                Row(
                    name=f"{alg} {label}: certsvc, signature and disclosures",
                    base=base,
                    ours=True,
                    run=calls(opened_work(token, key)),
                    note="no trust record, no status",
                ),
            ]
            rows += [
                Row(
                    name=f"{alg} {label}: {peer.name}",
                    base=base,
                    run=calls(peer.work),
                    note=peer.note,
                )
                for peer in peers.verify_sd_jwt(token, key.jwk)
            ]
            if node is not None:
                run = node.prepare("sd-jwt", token, key.jwk, alg)
                rows.append(
                    Row(name=f"{alg} {label}: @sd-jwt/core", base=base, run=run, note=_NODE_SD)
                )
        with stack:
            results += measure(f"verify SD-JWT {alg}", rows, effort)
    return results


def strict_work(token: str, key: PublicKey) -> Callable[[], object]:
    """What P1 is about: all that a JWS must pass before its payload counts."""

    def work() -> object:
        compact = jws.parse(token)
        jws.require_header(compact.header, typ="dc+sd-jwt", alg=key.alg)
        key.verify(compact.signing_input, compact.signature)
        return strict.loads_object(compact.payload, max_bytes=strict.MAX_TOKEN, what="payload")

    return work


def opened_work(token: str, key: PublicKey) -> Callable[[], object]:
    """Signature and disclosures, and nothing of the world around."""

    def work() -> object:
        parsed = sdjwt.parse(token)
        jws.require_header(parsed.jws.header, typ="dc+sd-jwt", alg=key.alg)
        key.verify(parsed.jws.signing_input, parsed.jws.signature)
        return parsed.claims()

    return work


def checked_work(world: World, token: str) -> Callable[[], object]:
    """The whole verdict, from data at hand."""
    verifier = world.verifier()
    assert verifier.check(token).code == "valid"
    return lambda: verifier.check(token)
