"""Where peers are laxer or stricter than our reader: pinned, so that a change of either is seen.

Nothing here is a wish about the peers. A peer that starts to refuse makes its line shorter; a line
that we start to accept is a hole.
"""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwk as joserfc_jwk
from joserfc import jws as joserfc_jws
from jwcrypto.jwk import JWK
from openvc.proof.sd_jwt import SdJwtVcProofSuite
from sd_jwt.verifier import SDJWTVerifier

from certsvc_sdk import jws, sdjwt
from certsvc_sdk.errors import CertsvcError, HolderBindingInvalid, Malformed, StatusListInvalid
from certsvc_sdk.statuslist import MutableStatusBits

Claims = dict[str, Any]
Forge = Callable[[Any], str]
NOW = 1_700_000_060
BASE: Claims = {
    "iss": "https://certs.example/i/119999000000000273",
    "vct": "https://certs.example/vct/household-register/1",
    "iat": NOW - 60,
}
NODE, OPENVC, SD_JWT = "@sd-jwt 0.19", "openvc-core 1.37", "sd-jwt 0.10"


def b64u(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def disclosure(*content: Any) -> str:
    return b64u(json.dumps(content).encode())


def digest(encoded: str, name: str = "sha256") -> str:
    return b64u(hashlib.new(name, encoded.encode()).digest())


def signed(signer: Any, payload: Any, *disclosures: str, **header: Any) -> str:
    """A token over any payload, JSON text as it stands or a value, in a header of any members."""
    text = payload if isinstance(payload, str) else json.dumps(payload)
    data = jws.signing_input({**signer.header(), **header}, text.encode())
    return "~".join((jws.attach(data, signer.sign(data)), *disclosures, ""))


def hiding(*disclosures: str, **more: Any) -> Claims:
    return {**BASE, **more, "_sd": sorted(map(digest, disclosures)), "_sd_alg": "sha-256"}


def unreferenced(signer: Any) -> str:
    return signed(signer, BASE, disclosure("salt", "name", "值"))


def named(name: str, value: Any) -> Forge:
    """A token with one disclosed claim of this name."""
    one = disclosure("salt", name, value)
    return lambda signer: signed(signer, hiding(one), one)


def overwriting(signer: Any) -> str:
    one = disclosure("salt", "name", "假")
    return signed(signer, hiding(one, name="真"), one)


def digest_twice(signer: Any) -> str:
    one = disclosure("salt", "name", "值")
    payload = hiding(one, other={"_sd": [digest(one)]})
    return signed(signer, payload, one)


def element_digest_twice(signer: Any) -> str:
    one = disclosure("salt", "值")
    return signed(signer, {**BASE, "list": [{"...": digest(one)}, {"...": digest(one)}]}, one)


def disclosure_twice(signer: Any) -> str:
    one = disclosure("salt", "name", "值")
    return signed(signer, hiding(one), one, one)


def sha_512(signer: Any) -> str:
    one = disclosure("salt", "name", "值")
    payload = {**BASE, "_sd": [digest(one, "sha512")], "_sd_alg": "sha-512"}
    return signed(signer, payload, one)


def duplicate_member(signer: Any) -> str:
    return signed(signer, json.dumps(BASE)[:-1] + ',"name":"真","name":"假"}')


def beside_an_element_digest(signer: Any) -> str:
    one = disclosure("salt", "值")
    return signed(signer, {**BASE, "list": [{"...": digest(one), "name": "x"}]}, one)


def salt_is_a_number(signer: Any) -> str:
    one = disclosure(1, "name", "值")
    return signed(signer, hiding(one), one)


def padded_disclosure(signer: Any) -> str:
    one = disclosure("salt", "name", "值")
    assert len(one) % 4
    padded = one + "=" * (-len(one) % 4)
    return signed(signer, hiding(padded), padded)


def loose_bits(signer: Any) -> str:
    """The last character of a 64-byte signature has four bits that say nothing."""
    head, tilde, rest = signed(signer, BASE).partition("~")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return head[:-1] + alphabet[alphabet.index(head[-1]) + 1] + tilde + rest


def header(**members: Any) -> Forge:
    return lambda signer: signed(signer, BASE, **members)


def reserved_in_the_clear(signer: Any) -> str:
    return signed(signer, {**BASE, "name": {"...": "x"}})


def big_integer(signer: Any) -> str:
    return signed(signer, {**BASE, "n": 2**53 + 1})


def nul(signer: Any) -> str:
    return signed(signer, {**BASE, "name": "\x00"})


def empty_disclosure(signer: Any) -> str:
    return signed(signer, BASE) + "~"


# What each peer reads without complaint and we refuse; the row of the threats is in brackets.
LAXER: dict[str, tuple[Forge, set[str]]] = {
    "T16 signature with loose bits": (loose_bits, {NODE, OPENVC, SD_JWT}),
    "T16 padded disclosure": (padded_disclosure, {NODE, OPENVC, SD_JWT}),
    "T13 duplicate member": (duplicate_member, {NODE, OPENVC, SD_JWT}),
    "T14 integer beyond 2**53": (big_integer, {NODE, OPENVC, SD_JWT}),
    "T17 U+0000": (nul, {NODE, OPENVC, SD_JWT}),
    "T06 jku in the header": (header(jku="https://x.example"), {NODE, OPENVC, SD_JWT}),
    "T07 unknown crit": (header(crit=["x"], x=1), {NODE}),
    "T19 another typ": (header(typ="JWT"), {NODE, SD_JWT}),
    "T27 digest in two objects": (digest_twice, {NODE}),
    "T27 digest in two elements": (element_digest_twice, {NODE, SD_JWT}),
    "T27 disclosure twice": (disclosure_twice, {NODE}),
    "T28 unreferenced disclosure": (unreferenced, {NODE, SD_JWT}),
    "T29 claim named _sd": (named("_sd", ["x"]), {NODE, SD_JWT}),
    "T29 claim named ...": (named("...", "x"), {NODE, SD_JWT}),
    "T29 salt is a number": (salt_is_a_number, {NODE, OPENVC, SD_JWT}),
    "T30 exp disclosed": (named("exp", NOW - 30), {NODE, SD_JWT}),
    "T30 status disclosed": (named("status", {}), {NODE, SD_JWT}),
    "T30 claim overwritten": (overwriting, {NODE}),
    "T31 sha-512": (sha_512, {NODE, OPENVC}),
    "T31 member beside a digest": (beside_an_element_digest, {NODE, SD_JWT}),
    "T31 ... in the clear": (reserved_in_the_clear, {NODE, SD_JWT}),
    "T36 empty disclosure": (empty_disclosure, {OPENVC}),
}


@pytest.fixture(scope="module")
def signer(make_signer: Any) -> Any:
    return make_signer("ES256", 6)


@pytest.fixture(scope="module")
def peers(node: Any, signer: Any) -> dict[str, Callable[[str], Any]]:
    """Each peer's way from a token to its claims."""
    asked = {"vc": True, "alg": signer.alg, "jwk": signer.jwk, "now": NOW}
    key = JWK.from_json(json.dumps(signer.jwk))
    suite = SdJwtVcProofSuite()
    return {
        NODE: lambda token: node.ask("sdjwt_verify", token=token, **asked)["claims"],
        OPENVC: lambda token: suite.verify(token, public_key_jwk=signer.jwk).claims,
        SD_JWT: lambda token: SDJWTVerifier(
            token, lambda _issuer, _header: key
        ).get_verified_payload(),
    }


def accepts(read: Callable[[str], Any], token: str) -> bool:
    # `sd-jwt` lets any exception out, KeyError and TypeError among them.
    try:
        read(token)
    except Exception:
        return False
    return True


@pytest.mark.parametrize("name", LAXER)
def test_we_refuse_what_some_peers_accept(name: str, peers: Any, signer: Any, read: Any) -> None:
    forge, laxer = LAXER[name]
    token = forge(signer)
    with pytest.raises(CertsvcError):
        read(token, signer)
    assert {peer for peer in peers if accepts(peers[peer], token)} == laxer


def test_a_token_without_defect_passes_everywhere(peers: Any, signer: Any, read: Any) -> None:
    """So that the table above refuses for the defect and for nothing else."""
    one = disclosure("salt", "name", "值")
    token = signed(signer, hiding(one), one)
    assert read(token, signer).claims == {**BASE, "name": "值"}
    assert [peers[peer](token) for peer in peers] == [{**BASE, "name": "值"}] * 3


@pytest.mark.parametrize("name", ["", "__proto__"])
def test_names_that_javascript_loses(name: str, peers: Any, signer: Any, read: Any) -> None:
    """`@sd-jwt` drops these disclosed claims without a word; ours and Python's keep them."""
    token = named(name, "值")(signer)
    assert read(token, signer).claims == {**BASE, name: "值"}
    assert peers[OPENVC](token) == peers[SD_JWT](token) == {**BASE, name: "值"}
    assert peers[NODE](token) == BASE


def test_numbers_that_javascript_writes_as_integers_we_refuse(node: Any, signer: Any) -> None:
    """1e20 is a float to Python; `@sd-jwt` writes it as digits, beyond what we read exactly."""
    asked = {"vc": True, "header": signer.header(), "jwk": signer.private_jwk}
    token = node.ask("sdjwt_issue", claims={**BASE, "n": 1e20}, **asked)
    with pytest.raises(Malformed, match="2\\*\\*53"):
        sdjwt.parse(token).claims()


def test_a_disclosed_exp_ends_nothing_at_peers(peers: Any, signer: Any) -> None:
    """T30: the expiry has passed, and both laxer peers still hand out the claims."""
    token = named("exp", NOW - 30)(signer)
    assert peers[NODE](token)["exp"] == peers[SD_JWT](token)["exp"] == NOW - 30


def test_node_checks_neither_audience_nor_age_of_a_key_binding(
    node: Any, signer: Any, holder: Any, issue: Any
) -> None:
    """T34: `@sd-jwt` leaves `aud` and `iat` to its caller; our check takes no such caller."""
    token = issue(signer, {**BASE, "cnf": {"jwk": holder.jwk}})
    bound = {"alg": holder.alg, "aud": "https://other.example", "nonce": "n", "iat": NOW - 9_999}
    data = sdjwt.key_binding_input(token, **bound)
    token += jws.attach(data, holder.sign(data))
    found = node.ask(
        "sdjwt_verify",
        vc=True,
        token=token,
        alg=signer.alg,
        jwk=signer.jwk,
        now=NOW,
        nonce="n",
        holderAlg=holder.alg,
    )
    assert found["kb"]["aud"] == "https://other.example"
    for aud, now in (("https://verifier.example", NOW - 9_999), ("https://other.example", NOW)):
        with pytest.raises(HolderBindingInvalid):
            sdjwt.check_key_binding(sdjwt.parse(token), holder.jwk, aud=aud, nonce="n", now=now)


def test_duplicate_header_members_pass_at_jose_and_joserfc(node: Any, signer: Any) -> None:
    """T13: the last one counts there; here none does."""
    kid = json.dumps(signer.kid)
    text = f'{{"alg":"ES256","typ":"JWT","kid":"other","kid":{kid}}}'
    data = jws.join(text.encode(), b"{}")
    token = jws.attach(data, signer.sign(data))
    found = node.ask("jws_verify", token=token, alg="ES256", jwk=signer.jwk)
    assert found["header"]["kid"] == signer.kid
    key = joserfc_jwk.import_key(signer.jwk)
    assert (
        joserfc_jws.deserialize_compact(token, key, algorithms=["ES256"]).headers()
        == (found["header"])
    )
    with pytest.raises(Malformed, match="duplicate"):
        jws.parse(token)


def test_node_packs_a_status_that_does_not_fit(node: Any) -> None:
    """T41: its bound is off by one, and the neighbours read something else then."""
    lst = node.ask("statuslist_pack", values=[0, 0, 4, 0], bits=2)
    assert node.ask("statuslist_unpack", lst=lst, bits=2) != [0, 0, 4, 0]
    with pytest.raises(StatusListInvalid):
        MutableStatusBits(4, 2).set(2, 4)


def test_our_header_is_stricter_than_the_standard(node: Any, signer: Any, read: Any) -> None:
    """RFC 9901 wants no kid; our certificates are looked up by it, so a token without is none."""
    asked = {"jwk": signer.private_jwk, "claims": BASE}
    token = node.ask("sdjwt_issue", vc=True, header={"alg": "ES256"}, **asked)
    assert sdjwt.parse(token).claims().claims == BASE
    with pytest.raises(Malformed, match="alg, typ and kid"):
        read(token, signer)
