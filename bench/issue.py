"""P3: what issuing an SD-JWT with 13 disclosures costs, as ratios to the raw signature."""

from collections.abc import Callable

from bench import peers
from bench.harness import Effort, Result, Row, calls, measure
from bench.world import ALGS, World
from certsvc_sdk.verify import check_fresh
from keys.algorithms import algorithm

Sign = Callable[[peers.PrivateKey, bytes], bytes]


def issued(world: World, effort: Effort) -> list[Result]:
    """Mint and sign, without and with what the service does before it lets go."""
    results = []
    for alg in ALGS:
        key, signer = peers.private_key(alg), world.signers[alg]
        data = world.draft("thirteen", alg).signing_input
        sign = algorithm(alg).sign
        base = f"{alg} raw sign"

        def mint(alg: str = alg, key: peers.PrivateKey = key, sign: Sign = sign) -> str:
            draft = world.draft("thirteen", alg)
            return draft.finish(sign(key, draft.signing_input))

        def released(alg: str = alg) -> None:
            token = world.token("thirteen", alg)
            assert check_fresh(token, world.record, world.now).code == "valid"

        rows = [
            Row(name=base, base=base, run=calls(peers.raw_sign(key, data))),
            Row(
                name=f"{alg} issue: certsvc",
                base=base,
                ours=True,
                run=calls(mint),
                note="mint and sign; RFC 6979 and low s",
            ),
            Row(
                name=f"{alg} issue: certsvc, key store",
                base=base,
                ours=True,
                run=calls(lambda alg=alg: world.token("thirteen", alg)),
                note="and the key store's own check of state and signature",
            ),
            Row(
                name=f"{alg} issue: certsvc, as released",
                base=base,
                ours=True,
                run=calls(released),
                note="and the verdict that the service asks for before it answers",
            ),
            Row(
                name=f"{alg} sign: certsvc key store",
                base=base,
                ours=True,
                run=calls(lambda signer=signer, data=data: signer.sign(data)),
                note="signature, verified before release",
            ),
        ]
        names = [pointer[1:] for pointer in world.disclose["thirteen"]]
        rows += [
            Row(name=f"{alg} issue: {peer.name}", base=base, run=calls(peer.work), note=peer.note)
            for peer in peers.issue_sd_jwt(key, world.claims["thirteen"], names)
        ]
        results += measure(f"issue {alg}", rows, effort)
    return results
