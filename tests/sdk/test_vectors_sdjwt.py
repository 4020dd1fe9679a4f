"""Rendered tokens of RFC 9901, SD-JWT VC and Token Status List, and their YAML test cases."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from sd_jwt.common import SDObj
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.utils.yaml_specification import load_yaml_specification

from certsvc_sdk import jws, sdjwt
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.errors import CertsvcError, HolderBindingInvalid, SignatureInvalid

pytestmark = pytest.mark.vectors
Find = Callable[[str], Path]

FOLDERS = {
    "rfc9901-sd-jwt-rendered": "rfc9901-sd-jwt-spec-examples/examples",
    "sd-jwt-vc-rendered": "sd-jwt-vc-examples/examples",
    "token-status-list-rendered": "rfc9901-sd-jwt-spec-examples/examples",
}


def settings_of(find: Find, folder: str) -> dict[str, Any]:
    path = find(f"{FOLDERS[folder]}/settings.yml")
    settings: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    keys = settings["key_settings"]
    private = keys["issuer_keys"][0] if "issuer_keys" in keys else keys["issuer_key"]
    settings["issuer"] = {name: value for name, value in private.items() if name != "d"}
    return settings


def tokens_of(find: Find, folder: str) -> list[str]:
    rows = json.loads(find(f"{folder}/tokens.json").read_text(encoding="utf-8"))
    return [row["token"] for row in rows if "~" in row["token"]]


@pytest.mark.parametrize(("folder", "count"), [*zip(FOLDERS, (8, 5, 1), strict=True)])
def test_rendered_tokens(vector_file: Find, folder: str, count: int) -> None:
    settings = settings_of(vector_file, folder)
    issuer = PublicKey.from_jwk(settings["issuer"], "ES256")
    tokens = tokens_of(vector_file, folder)
    assert len(tokens) == count
    for token in tokens:
        parsed = sdjwt.parse(token)
        issuer.verify(parsed.jws.signing_input, parsed.jws.signature)
        presented = parsed.claims()
        assert len(presented.disclosed) == len(parsed.disclosures)
        assert not any(name in json.dumps(presented.claims) for name in ('"_sd', '"..."'))
        for item in presented.disclosed:
            value: Any = presented.claims
            for step in item.path:
                value = value[step]
        damaged = parsed.jws.signing_input[:-1] + b"A"
        with pytest.raises(SignatureInvalid):
            issuer.verify(damaged, parsed.jws.signature)


@pytest.mark.parametrize(
    ("folder", "count"), [("rfc9901-sd-jwt-rendered", 3), ("sd-jwt-vc-rendered", 2)]
)
def test_rendered_key_binding(vector_file: Find, folder: str, count: int) -> None:
    settings = settings_of(vector_file, folder)
    nonce, aud = settings["key_binding_nonce"], settings["identifiers"]["verifier"]
    bound = [token for token in tokens_of(vector_file, folder) if not token.endswith("~")]
    assert len(bound) == count
    for token in bound:
        parsed = sdjwt.parse(token)
        holder: Any = parsed.claims().claims["cnf"]
        assert parsed.kb_jwt is not None
        iat = json.loads(jws.parse(parsed.kb_jwt).payload)["iat"]
        sdjwt.check_key_binding(parsed, holder["jwk"], aud=aud, nonce=nonce, now=iat + 120)
        issuer = settings["issuer"]
        for jwk, options in (
            (issuer, {"aud": aud, "nonce": nonce, "now": iat}),
            (holder["jwk"], {"aud": aud, "nonce": nonce, "now": iat + 121}),
            (holder["jwk"], {"aud": aud + "x", "nonce": nonce, "now": iat}),
            (holder["jwk"], {"aud": aud, "nonce": "0", "now": iat}),
        ):
            with pytest.raises(HolderBindingInvalid):
                sdjwt.check_key_binding(parsed, jwk, **options)


def test_rfc9901_issuance_and_presentation_say_the_same(vector_file: Find) -> None:
    issued, shown = tokens_of(vector_file, "rfc9901-sd-jwt-rendered")[:2]
    claims = sdjwt.parse(issued).claims().claims
    assert claims["nationalities"] == ["US", "DE"]
    keep = {"/family_name", "/address", "/given_name", "/nationalities/0"}
    ours = sdjwt.parse(sdjwt.present(issued, keep)).claims()
    theirs = sdjwt.parse(shown).claims()
    assert ours.claims == theirs.claims
    assert ours.withheld == theirs.withheld == 6
    assert {item.encoded for item in ours.disclosed} == set(sdjwt.parse(shown).disclosures)


def test_rfc9901_digests_of_section_4_2_3() -> None:
    assert (
        sdjwt.digest("WyI2cU1RdlJMNWhhaiIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0")
        == "uutlBuYeMDyjLLTpf6Jxi7yNkEF35jdyWMn9U7b_RYY"
    )
    assert sdjwt.digest("WyJsa2x4RjVqTVlsR1RQVW92TU5JdkNBIiwgIkZSIl0") == (
        "w0I8EKcdCtUPkGCNUrfwVp2xEgNjtoIDlOxc9-PlOhs"
    )


CASES = [
    ("rfc9901-sd-jwt-spec-examples/examples", 15),
    ("sd-jwt-python-testcases/tests/testcases", 17),
    ("sd-jwt-python-testcases/examples", 15),
    ("sd-jwt-vc-examples/examples", 3),
]


def plain(value: Any) -> Any:
    """Claims without the marks that make them selectively disclosable."""
    if isinstance(value, SDObj):
        return plain(value.value)
    if isinstance(value, dict):
        return {plain(name): plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def marked(value: Any, path: str = "") -> Iterator[str]:
    """JSON pointers of everything marked."""
    value = value.value if isinstance(value, SDObj) else value
    if isinstance(value, dict):
        for name, item in value.items():
            here = f"{path}/{plain(name).replace('~', '~0').replace('/', '~1')}"
            if isinstance(name, SDObj):
                yield here
            yield from marked(item, here)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, SDObj):
                yield f"{path}/{index}"
            yield from marked(item, f"{path}/{index}")


def chosen(value: Any, path: str = "") -> set[str]:
    """JSON pointers of what the case's holder discloses, with the containers on the way."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    below: set[str] = set()
    for step, item in items:
        here = f"{path}/{str(step).replace('~', '~0').replace('/', '~1')}"
        found = {here} if item is True else chosen(item, here)
        below |= found | ({here} if found else set())
    return below


@pytest.mark.parametrize(("folder", "count"), CASES)
def test_yaml_cases(
    vectors: Path,
    folder: str,
    count: int,
    es256_signer: Any,
    numbered_salts: Callable[[int], bytes],
) -> None:
    files = sorted((vectors / folder).glob("*/specification.yml"))
    assert len(files) == count
    for file in files:
        case = load_yaml_specification(file)
        claims, pointers = plain(case["user_claims"]), set(marked(case["user_claims"]))
        made = sdjwt.draft(
            header=es256_signer.header(), claims=claims, disclose=pointers, salts=numbered_salts
        )
        assert len(made.disclosures) == len(pointers), file
        token = made.finish(es256_signer.sign(made.signing_input))
        parsed = sdjwt.parse(token)
        es256_signer.public.verify(parsed.jws.signing_input, parsed.jws.signature)
        presented = parsed.claims()
        assert presented.claims == claims, file
        assert {item.pointer for item in presented.disclosed} == pointers, file
        shown = sdjwt.present(token, chosen(case["holder_disclosed_claims"]))
        if "expect_verified_user_claims" in case:
            expected = case["expect_verified_user_claims"]
            assert sdjwt.parse(shown).claims().claims == expected, file


@pytest.mark.parametrize(("folder", "count"), CASES)
def test_yaml_cases_made_by_the_reference(
    vectors: Path, folder: str, count: int, es256_signer: Any
) -> None:
    from jwcrypto.jwk import JWK

    key = JWK.from_json(json.dumps(es256_signer.private_jwk))
    files = sorted((vectors / folder).glob("*/specification.yml"))
    assert len(files) == count
    for file in files:
        case = load_yaml_specification(file)
        for decoys in (False, True):
            issuer = SDJWTIssuer(case["user_claims"], key, add_decoy_claims=decoys)
            parsed = sdjwt.parse(issuer.sd_jwt_issuance)
            es256_signer.public.verify(parsed.jws.signing_input, parsed.jws.signature)
            presented = parsed.claims()
            assert presented.claims == plain(case["user_claims"]), file
            assert presented.withheld == len(issuer.decoy_digests), file
            assert {item.pointer for item in presented.disclosed} == set(
                marked(case["user_claims"])
            ), file


def test_every_cut_and_flip_of_a_vector_is_refused(vector_file: Find) -> None:
    settings = settings_of(vector_file, "rfc9901-sd-jwt-rendered")
    issuer = PublicKey.from_jwk(settings["issuer"], "ES256")
    token = tokens_of(vector_file, "rfc9901-sd-jwt-rendered")[0]

    def accepted(text: str) -> bool:
        try:
            parsed = sdjwt.parse(text)
            issuer.verify(parsed.jws.signing_input, parsed.jws.signature)
            parsed.claims()
        except CertsvcError:
            return False
        return True

    assert accepted(token)
    whole = {len(part) for part in _prefixes(token)}
    for place in range(0, len(token), 7):
        other = "A" if token[place] != "A" else "B"
        assert not accepted(token[:place] + other + token[place + 1 :]), place
        # Only a cut behind a disclosure's ~ is a presentation of its own.
        assert accepted(token[:place]) == (place in whole), place


def _prefixes(token: str) -> Iterator[str]:
    parts = token.split("~")
    for count in range(1, len(parts)):
        yield "~".join(parts[:count]) + "~"
