"""Sample licences and households, issued by the service's own drafting code, read by every peer."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jwcrypto.jwk import JWK
from openvc.proof.sd_jwt import SdJwtVcProofSuite
from sd_jwt.verifier import SDJWTVerifier

from certsvc.catalogue import Catalogue
from certsvc.issuing.model import IssueRequest
from certsvc.issuing.plan import Content, check_content, mint
from certsvc.storage.certificate_rows import NewCertificate
from certsvc_sdk import jws, sdjwt, statuslist
from certsvc_sdk.codes import Outcome
from certsvc_sdk.trust.record import IssuerRecord, KeyRecord, KeyState, KeyUse, Level
from certsvc_sdk.trust.right import Right
from certsvc_sdk.verify import check_fresh

# A day on which every sample record is in force.
NOW = 1_795_305_600
# Long ago by every machine's clock, which `openvc-core` reads.
IAT = 1_700_000_000
EACH = 24
USCC = "119999000000000273"
PREFIX = "https://certs.example/status/"
FILES = {"business-licence": "business-licences.jsonl", "household-register": "households.jsonl"}
KINDS = [
    ("business-licence", "full"),
    ("household-register", "core"),
    ("household-register", "full"),
]
# What a holder shows of a household: somebody's name and nothing else of the members.
SHOWN = {"/head_name", "/members/0", "/address"}


@pytest.fixture(scope="module")
def record_of() -> Callable[[Any], IssuerRecord]:
    """The trust record of an office whose one key is a signer's."""

    def record(signer: Any) -> IssuerRecord:
        key = KeyRecord(
            kid=signer.kid,
            alg=signer.alg,
            use=KeyUse.CERTIFICATE,
            public=signer.public,
            not_before=IAT,
            state=KeyState.ACTIVE,
        )
        rights = [
            Right(vct=f"https://certs.example/vct/{kind}", division="999900", not_before=IAT)
            for kind in FILES
        ]
        return IssuerRecord(
            iss=f"https://certs.example/i/{USCC}",
            uscc=USCC,
            division="999900",
            names={"zh": "示例机关", "en": "Example office"},
            level=Level.CITY,
            keys=(key,),
            rights=tuple(rights),
            status_prefix=PREFIX,
            status_aggregation=None,
        )

    return record


@pytest.fixture(scope="module")
def contents(samples: Path) -> Callable[[str, str], list[Content]]:
    """The first records of a type, checked and normalised as requests are."""
    catalogue = Catalogue.builtin()

    def read(kind: str, profile: str) -> list[Content]:
        lines = (samples / FILES[kind]).read_text(encoding="utf-8").splitlines()[:EACH]
        asked = (
            IssueRequest(type=kind, profile=profile, claims=json.loads(line)) for line in lines
        )
        return [check_content(catalogue, one, now=NOW) for one in asked]

    return read


@pytest.fixture(scope="module")
def issued(record_of: Any, contents: Any) -> Callable[..., list[str]]:
    """Certificates of the first records of a type."""

    def issue(kind: str, profile: str, signer: Any) -> list[str]:
        tokens = []
        for place, content in enumerate(contents(kind, profile)):
            new = NewCertificate(
                issuer_id=USCC,
                certificate_id=f"{place:032x}",
                certificate_identifier=f"1.2.156.3005.2.{USCC}.{place}",
                serial=f"{place:012d}",
                version_no=1,
                type=kind,
                type_version=1,
                profile=profile,
                list_no=1,
                list_index=place,
                supersedes_id=None,
            )
            made = mint(
                content,
                record=record_of(signer),
                vct=f"https://certs.example/vct/{kind}/1",
                new=new,
                iat=IAT,
                signer=signer,
                seed=bytes([place]) * 16,
            )
            tokens.append(made.finish(signer.sign(made.signing_input)))
        return tokens

    return issue


@pytest.fixture(scope="module")
def lists() -> Callable[..., dict[str, str]]:
    """The signed status list of these certificates: all valid, the last one revoked."""

    def make(signer: Any, until: int = NOW + 86_400) -> dict[str, str]:
        bits = statuslist.MutableStatusBits(EACH)
        bits.set(EACH - 1, statuslist.INVALID)
        data = statuslist.draft(
            header=signer.header("statuslist+jwt"),
            sub=f"{PREFIX}1",
            iat=NOW,
            exp=until,
            ttl=300,
            version=1,
            bits=bits.freeze(),
        )
        return {f"{PREFIX}1": jws.attach(data, signer.sign(data))}

    return make


def by_python_peers(token: str, signer: Any) -> list[Any]:
    # A licence may have ended since, by the same clock.
    suite = SdJwtVcProofSuite()
    by_openvc = suite.verify(token, public_key_jwk=signer.jwk, check_temporal=False).claims
    key = JWK.from_json(json.dumps(signer.jwk))
    by_sd_jwt = SDJWTVerifier(token, lambda _issuer, _header: key).get_verified_payload()
    return [by_openvc, by_sd_jwt]


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
@pytest.mark.parametrize(("kind", "profile"), KINDS)
def test_every_peer_reads_real_certificates(
    kind: str,
    profile: str,
    alg: str,
    node: Any,
    make_signer: Any,
    issued: Any,
    contents: Any,
    lists: Any,
    read: Any,
) -> None:
    signer = make_signer(alg)
    asked = {"vc": True, "alg": alg, "jwk": signer.jwk, "now": NOW, "lists": lists(signer)}
    *valid, revoked = issued(kind, profile, signer)
    for token, content in zip(valid, contents(kind, profile)[:-1], strict=True):
        found = read(token, signer).claims
        assert {name: found[name] for name in content.claims} == content.claims
        shown = sdjwt.present(token, SHOWN)
        for one in (token, shown):
            expected = read(one, signer).claims
            assert node.ask("sdjwt_verify", token=one, **asked)["claims"] == expected
            assert by_python_peers(one, signer) == [expected, expected]
    with pytest.raises(node.Refused, match="Status is not valid"):
        node.ask("sdjwt_verify", token=revoked, **asked)


@pytest.mark.parametrize(("kind", "profile"), KINDS)
def test_we_read_real_certificates_of_node(
    kind: str,
    profile: str,
    node: Any,
    make_signer: Any,
    issued: Any,
    record_of: Any,
    read: Any,
    trees: Any,
) -> None:
    """The same claims and the same disclosable places, issued by `@sd-jwt/sd-jwt-vc`."""
    signer = make_signer("ES256")
    for token in issued(kind, profile, signer):
        ours = read(token, signer)
        places = [one.path for one in ours.disclosed]
        theirs = node.ask(
            "sdjwt_issue",
            vc=True,
            header=signer.header(),
            jwk=signer.private_jwk,
            claims=ours.claims,
            frame=trees.disclosure_frame(places),
        )
        found = read(theirs, signer)
        assert found.claims == ours.claims
        assert {one.path for one in found.disclosed} == set(places)
        assert check_fresh(theirs, record_of(signer), NOW).outcome is Outcome.VALID
        assert read(sdjwt.present(theirs, SHOWN), signer).claims == (
            read(sdjwt.present(token, SHOWN), signer).claims
        )


def test_the_last_second_is_over_for_us_and_not_yet_for_node(
    node: Any, make_signer: Any, issued: Any, record_of: Any, lists: Any, read: Any
) -> None:
    """T25: validity is [nbf, exp) by RFC 7519 section 4.1.4; `@sd-jwt` reads [nbf, exp]."""
    signer = make_signer("ES256")
    tokens = issued("business-licence", "full", signer)[:-1]
    token = next(one for one in tokens if "exp" in read(one, signer).claims)
    end, record = read(token, signer).claims["exp"], record_of(signer)
    assert check_fresh(token, record, end - 1).outcome is Outcome.VALID
    assert check_fresh(token, record, end).code == "expired"
    asked = {"vc": True, "token": token, "alg": "ES256", "jwk": signer.jwk}
    asked["lists"] = lists(signer, until=end + 60)
    assert node.ask("sdjwt_verify", now=end, **asked)["claims"]["exp"] == end
    with pytest.raises(node.Refused, match="JWT is expired"):
        node.ask("sdjwt_verify", now=end + 1, **asked)
