"""Whether certificates obey their type: mandatory, sd, paths through what is withheld."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from certsvc_sdk import sdjwt
from certsvc_sdk.errors import AlgorithmNotAllowed, DisclosureInvalid
from certsvc_sdk.typemetadata import Breach, Rule, check_claims, resolve

CLAIMS: dict[str, Any] = {
    "vct": "a",
    "name": "张三",
    "address": {"street": "东风路", "city": "示例市"},
    "degrees": [{"type": "学士", "year": "2020"}, {"type": "硕士", "year": "2023"}],
    "tags": ["x", "y"],
    "nothing": None,
    "empty": [],
}
DISCLOSE = {"/name", "/address/street", "/degrees/*", "/degrees/*/year"}
Check = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def check(es256_signer: Any, numbered_salts: Callable[[int], bytes]) -> Check:
    """Breaches of one rule by a certificate that discloses `disclose` and shows `keep`."""

    def run(
        path: list[Any], *, disclose: Any = DISCLOSE, keep: Any = None, claims: Any = CLAIMS,
        **rule: Any,
    ) -> list[tuple[Any, ...]]:  # fmt: skip
        made = sdjwt.draft(
            header=es256_signer.header(), claims=claims, disclose=disclose, salts=numbered_salts
        )
        token = made.finish(b"\x01" * 64)
        shown = token if keep is None else sdjwt.present(token, keep)
        document = json.dumps({"vct": "a", "claims": [{"path": path, **rule}]}).encode()
        metadata = resolve("a", lambda _uri: document)
        return [(one.rule.value, *one.path) for one in check_claims(metadata, sdjwt.parse(shown))]

    return run


ALWAYS_RIGHT: list[tuple[list[Any], dict[str, Any]]] = [
    (["name"], {"sd": "always", "mandatory": True}),
    (["name"], {}),
    (["name"], {"sd": "allowed"}),
    (["vct"], {"sd": "never", "mandatory": True}),
    (["address"], {"sd": "never", "mandatory": True}),
    (["address", "city"], {"sd": "never", "mandatory": True}),
    (["address", "street"], {"sd": "always", "mandatory": True}),
    (["degrees"], {"sd": "never", "mandatory": True}),
    (["degrees", None], {"sd": "always", "mandatory": True}),
    (["degrees", 1], {"sd": "always", "mandatory": True}),
    (["degrees", None, "type"], {"sd": "never", "mandatory": True}),
    (["degrees", None, "year"], {"sd": "always", "mandatory": True}),
    (["tags", None], {"sd": "never", "mandatory": True}),
    (["nothing"], {"sd": "never", "mandatory": True}),
    (["absent"], {"sd": "always"}),
    (["absent", "deeper", None], {"sd": "never"}),
    (["empty", None, "x"], {"sd": "always"}),
    (["tags", 7], {"sd": "always"}),
]


@pytest.mark.parametrize(("path", "rule"), ALWAYS_RIGHT)
@pytest.mark.parametrize("keep", [None, set(), {"/degrees/1"}, {"/name", "/address/street"}])
def test_a_certificate_in_order_whatever_it_withholds(
    check: Check, path: list[Any], rule: dict[str, Any], keep: Any
) -> None:
    assert check(path, keep=keep, **rule) == []


@pytest.mark.parametrize(
    ("path", "rule", "breach"),
    [
        (["address"], {"sd": "always"}, "sd_always"),
        (["address", "city"], {"sd": "always"}, "sd_always"),
        (["tags", None], {"sd": "always"}, "sd_always"),
        (["tags", 0], {"sd": "always"}, "sd_always"),
        # A disclosed ancestor does not make a claim selectively disclosable by itself.
        (["degrees", None, "type"], {"sd": "always"}, "sd_always"),
        (["name"], {"sd": "never"}, "sd_never"),
        (["address", "street"], {"sd": "never"}, "sd_never"),
        (["degrees", None], {"sd": "never"}, "sd_never"),
        (["degrees", 0], {"sd": "never"}, "sd_never"),
        (["degrees", None, "year"], {"sd": "never"}, "sd_never"),
        (["absent"], {"mandatory": True}, "mandatory"),
        (["address", "country"], {"mandatory": True}, "mandatory"),
        (["degrees", 2], {"mandatory": True}, "mandatory"),
        (["degrees", None, "grade"], {"mandatory": True}, "mandatory"),
        (["empty", None], {"mandatory": True}, "mandatory"),
        (["name", "first"], {}, "path"), (["name", None], {}, "path"), (["name", 0], {}, "path"),
        (["address", None], {}, "path"), (["address", 0], {}, "path"),
        (["degrees", "type"], {}, "path"), (["nothing", "x"], {}, "path"),
        (["tags", None, "x"], {"mandatory": True}, "path"),
    ],
)  # fmt: skip
def test_breaches(check: Check, path: list[Any], rule: dict[str, Any], breach: str) -> None:
    assert check(path, **rule) == [(breach, *path)]


def test_one_claim_may_break_two_rules(
    es256_signer: Any, numbered_salts: Callable[[int], bytes]
) -> None:
    made = sdjwt.draft(
        header=es256_signer.header(), claims=CLAIMS, disclose=DISCLOSE, salts=numbered_salts
    )
    rules = [
        {"path": ["name"], "sd": "never"},
        {"path": ["absent"], "mandatory": True},
        {"path": ["tags", "x"]},
    ]
    document = json.dumps({"vct": "a", "claims": rules}).encode()
    found = check_claims(
        resolve("a", lambda _uri: document), sdjwt.parse(made.finish(b"\x01" * 64))
    )
    assert found == (
        Breach(("name",), Rule.SD_NEVER),
        Breach(("absent",), Rule.MANDATORY),
        Breach(("tags", "x"), Rule.PATH),
    )


def test_what_may_be_withheld_is_not_missing(check: Check) -> None:
    for rule in ({"sd": "always"}, {"sd": "allowed"}, {}):
        # `name` and `street` are withheld: `absent` may be one of them for all a verifier knows.
        assert check(["absent"], keep=set(), mandatory=True, **rule) == []
        assert check(["address", "absent"], keep=set(), mandatory=True, **rule) == []
        assert check(["absent", "deeper"], keep=set(), mandatory=True, **rule) == []
    # It must stand in the clear and does not.
    assert check(["absent"], keep=set(), mandatory=True, sd="never") == [("mandatory", "absent")]
    assert check(["absent", "deeper"], keep=set(), mandatory=True, sd="never") == []
    # Nothing is withheld beside `type` and `year`.
    path = ["degrees", 0, "grade"]
    assert check(path, keep={"/degrees/*/year"}, mandatory=True) == [("mandatory", *path)]
    assert check(path, keep={"/degrees/1/year"}, mandatory=True) == []


def test_positions_are_those_of_issue(check: Check) -> None:
    shown = {"/degrees/1"}
    claims = {**CLAIMS, "degrees": [{"type": "学士"}, {"other": "x"}]}
    disclose = {"/degrees/0", "/degrees/1"}
    options = {"claims": claims, "disclose": disclose, "keep": shown}
    # The second element is the second, though the first is withheld.
    assert check(["degrees", 1, "other"], mandatory=True, **options) == []
    assert check(["degrees", 1, "type"], mandatory=True, **options) == [
        ("mandatory", "degrees", 1, "type")
    ]
    assert check(["degrees", 0, "type"], mandatory=True, **options) == []
    assert check(["degrees", 2], mandatory=True, **options) == [("mandatory", "degrees", 2)]
    # A withheld element was included and is selectively disclosable.
    assert check(["degrees", 0], mandatory=True, sd="always", **options) == []
    assert check(["degrees", 0], sd="never", **options) == [("sd_never", "degrees", 0)]


def test_a_token_that_does_not_fit_together_is_refused(check: Check, es256_signer: Any) -> None:
    document = b'{"vct":"a","claims":[]}'
    metadata = resolve("a", lambda _uri: document)
    token = es256_signer.jws(b'{"vct":"a"}') + "~WyJzIiwieCIsMV0~"
    with pytest.raises(DisclosureInvalid):
        check_claims(metadata, sdjwt.parse(token))


def test_reserved_names_below_are_no_claims(check: Check) -> None:
    claims = {"vct": "a", "list": [[{"x": 1, "y": 2}], ["z"]]}
    disclose = {"/list/*", "/list/*/*", "/list/0/0/x"}
    options: dict[str, Any] = {"claims": claims, "disclose": disclose}
    assert check(["list", None, None], sd="always", mandatory=True, **options) == []
    assert check(["list", 0, 0, "x"], sd="always", mandatory=True, **options) == []
    assert check(["list", 0, 0, "y"], sd="never", mandatory=True, **options) == []
    for name in ("_sd", "_sd_alg", "..."):
        assert check([name], mandatory=True, **options) == [("mandatory", name)]


def test_digests_of_a_profile_are_followed_where_it_is_on(
    numbered_salts: Callable[[int], bytes],
) -> None:
    made = sdjwt.draft(
        header={"alg": "ES256"},
        claims=CLAIMS,
        disclose=DISCLOSE,
        salts=numbered_salts,
        digest_algorithm="sm3",
    )
    document = b'{"vct":"a","claims":[{"path":["name"],"sd":"never"}]}'
    metadata = resolve("a", lambda _uri: document)
    parsed = sdjwt.parse(made.finish(b"\x01" * 64))
    found = check_claims(metadata, parsed, profiles=("gm",))
    assert found == (Breach(("name",), Rule.SD_NEVER),)
    with pytest.raises(AlgorithmNotAllowed):
        check_claims(metadata, parsed)
