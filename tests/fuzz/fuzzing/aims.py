"""Where each format hurts: members by path, and values at and beyond their limits."""

from typing import Any

from fuzzing.draws import Draws
from fuzzing.trees import Members, Raw, Tree
from fuzzing.world import (
    AUDIENCE,
    BASE,
    DAY,
    ENTRIES,
    HOLDER,
    ISS,
    ISSUER,
    ISSUER_TOO,
    NONCE,
    NOW,
    PREFIX,
    STATUS,
    STRANGER,
    TYPES,
    URI,
)

Aims = tuple[tuple[tuple[str | int, ...], tuple[Any, ...]], ...]

# Stands for a member that is left out.
_GONE = Raw("gone")
_MOMENTS = (
    NOW, NOW - 1, NOW + 1, NOW + 59, NOW + 60, NOW + 61, NOW + 300, NOW + 301, NOW - DAY,
    NOW - 400 * DAY, NOW - 400 * DAY - 1, NOW + 400 * DAY, 0, -1, 2**53 - 1, 2**53, 253402271999,
    None, True, Raw("1800000000.0"), str(NOW), _GONE,
)  # fmt: skip
_INDEXES = (
    0, 1, 2, 3, 7, ENTRIES - 1, ENTRIES, ENTRIES * 4, -1, -7, 2**31, 2**53 - 1, 2**63, True, None,
    "7", Raw("7.0"), Raw("7e0"), [7], _GONE,
)  # fmt: skip
_ADDRESSES = (
    URI, URI + "/", URI + "?", URI + "#", PREFIX, PREFIX + "2", PREFIX + "../1", PREFIX + "./1",
    PREFIX + "%31", URI.replace("https", "http"), URI.replace("certs", "CERTS"),
    URI.replace("example/", "example:443/"), URI.replace("certs", "user@certs"), "file:///etc/passwd",
    "https://169.254.169.254/", BASE, "", " " + URI, URI + "\n", None, [URI], _GONE,
)  # fmt: skip
_JWKS = (
    HOLDER.jwk, ISSUER.jwk, STRANGER.jwk, ISSUER_TOO.jwk,
    HOLDER.jwk | {"d": "AA"}, HOLDER.jwk | {"kid": "x"}, HOLDER.jwk | {"alg": "ES256"},
    HOLDER.jwk | {"y": HOLDER.jwk["x"]}, HOLDER.jwk | {"crv": "P-384"}, {}, None, [], _GONE,
)  # fmt: skip
_DAYS = (
    "2020-02-29", "2019-02-29", "0000-01-01", "9999-12-31", "2019-5-6", "２０１９-05-06", "",
    "2019-05-06T00:00:00Z", 20190506, ["2019-05-06"], {"x": 1}, None, _GONE,
)  # fmt: skip
_SUMS = (
    "人民币500万元", "1000000元", "壹亿零壹万元", "拾元整", "1.5万元", "0.00001元", "元", "亿亿元",
    "9" * 60 + "元", "-1元", "١元", "万", 5_000_000, [], None,
)  # fmt: skip
_HEADER: Aims = (
    (("alg",), ("none", "NONE", "HS256", "ES256", "Ed25519", "EdDSA", "ES384", "SM2", "ML-DSA-44",
                "", None, ["ES256"], _GONE)),
    (("kid",), (ISSUER.kid, ISSUER_TOO.kid, STATUS.kid, HOLDER.kid, STRANGER.kid, "../x", "",
                "a" * 64, "a" * 65, None, 7, [ISSUER.kid], _GONE)),
    (("typ",), ("dc+sd-jwt", "statuslist+jwt", "kb+jwt", "JWT", "DC+SD-JWT", "vc+sd-jwt",
                "application/dc+sd-jwt", None, ["dc+sd-jwt"], _GONE)),
    (("crit",), (["b64"], [], None)),
    (("b64",), (False, True)),
    (("zip",), ("DEF",)),
    (("jwk",), (STRANGER.jwk,)),
    (("x5u",), ("https://evil.example/",)),
)  # fmt: skip
TOKEN: Aims = (
    (("iat",), _MOMENTS),
    (("nbf",), _MOMENTS),
    (("exp",), _MOMENTS),
    (("status", "status_list", "idx"), _INDEXES),
    (("status", "status_list", "uri"), _ADDRESSES),
    (("status", "status_list"), ({}, None, [], _GONE)),
    (("status",), ({}, None, [], _GONE)),
    (("iss",), (f"{BASE}old/i/119999000000000198", ISS + "/", ISS.replace("https", "http"),
                ISS.upper(), "", None, [ISS], _GONE)),
    (("vct",), (f"{TYPES}household-register/1", f"{TYPES}business-licence", f"{TYPES}other/1",
                TYPES, "x", "/", "", f"{TYPES}business-licence/1/2", f"{TYPES}business-licence//",
                None, _GONE)),
    (("certificate_identifier",), ("", None, 7, ["x"], _GONE)),
    (("cnf",), ({}, None, [], {"jwk": HOLDER.jwk, "kid": "x"}, {"kid": "x"}, _GONE)),
    (("cnf", "jwk"), _JWKS),
    (("_sd_alg",), ("sha-256", "sm3", "md5", "SHA-256", None, ["sha-256"], _GONE)),
    (("_sd",), ([], {}, None, "x", [None], ["A" * 43, "A" * 43], ["A" * 42], _GONE)),
    (("vct#integrity",), ("sha256-x", None)),
    (("founded",), _DAYS),
    (("registered_capital",), _SUMS),
    (("capital",), (0, -1, Raw("1e308"), Raw("0.1"), "1", True, [1], {"y": 2}, None, _GONE)),
)  # fmt: skip
LIST: Aims = (
    (("sub",), _ADDRESSES),
    (("iat",), _MOMENTS),
    (("exp",), _MOMENTS),
    (("ttl",), (0, -1, 1, 2**53, None, True, "300", _GONE)),
    (("version",), (0, -1, 2**53, None, True, "1", _GONE)),
    (("status_list", "bits"), (0, 1, 2, 3, 4, 8, 16, True, None, "2", Raw("2.0"), _GONE)),
    (("status_list",), ({}, [], None, _GONE)),
    (("aggregation_uri",), ("x", None)),
)  # fmt: skip
HEADER = _HEADER
BINDING: Aims = (
    (("iat",), (NOW, NOW - 120, NOW - 121, NOW + 60, NOW + 61, *_MOMENTS)),
    (("aud",), (AUDIENCE, AUDIENCE + "/", AUDIENCE.upper(), "", [AUDIENCE], None, _GONE)),
    (("nonce",), (NONCE, NONCE.lower(), "", None, 7, _GONE)),
    (("sd_hash",), ("A" * 43, "", None, _GONE)),
    (("exp",), (NOW - 1, NOW + 1)),
)  # fmt: skip
_KEY: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("kid", (ISSUER.kid, STRANGER.kid, "x", "")),
    ("alg", ("ES256", "Ed25519", "EdDSA", "SM2", "ML-DSA-44", "none")),
    ("use", ("certificate", "status", "log")),
    ("public", _JWKS),
    ("not_before", (0, NOW - DAY, NOW - DAY + 1, NOW)),
    ("not_after", (None, NOW - DAY, NOW - DAY + 1, NOW - 400 * DAY + 1, NOW - 60)),
    ("state", ("active", "retired", "compromised", "pre_published")),
    ("types", (None, [], ["business-licence"], ["household-register"])),
    ("compromised_at", (None, NOW - 2 * DAY)),
    ("accept_before_log_index", (None, 5)),
)
_RIGHT: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("vct", (f"{TYPES}business-licence", f"{TYPES}business-licenc", f"{TYPES}other", TYPES, BASE)),
    ("division", ("999900", "990000", "100000", "999901", "000000", "330000")),
    ("from", (0, NOW - DAY, NOW - DAY + 1)),
    ("to", (None, NOW - DAY, NOW - DAY + 1)),
    ("max_validity", (None, 0, 1, 300 * DAY, 301 * DAY, 301 * DAY - 1)),
)
RECORD: Aims = (
    *(((("keys", place, name), values)) for place in range(3) for name, values in _KEY),
    *(((("rights", place, name), values)) for place in range(2) for name, values in _RIGHT),
    (("status_prefix",), (PREFIX, f"{BASE}status/", BASE, f"{BASE}status/other/", PREFIX + "1/",
                          "http://localhost/status/", PREFIX[:-1])),
    (("status_aggregation",), (None, URI)),
    (("iss",), (f"{BASE}old/i/119999000000000198", ISS)),
    (("aliases",), ([], [ISS], [f"{BASE}other/i/119999000000000198"])),
    (("keys",), ([],)),
    (("rights",), ([],)),
    (("successor",), (ISS,)),
)  # fmt: skip


def aim(tree: Tree, draws: Draws, aims: Aims) -> Tree:
    """Set one to three members to values at their limits."""
    for _ in range(1 + draws.below(3)):
        path, values = draws.pick(aims)
        tree = _set(tree, path, _tree(draws.pick(values)))
    return tree


def _set(tree: Tree, path: tuple[str | int, ...], value: Tree) -> Tree:
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(tree, Members) and isinstance(step, str):
        names = [name for name, _ in tree]
        if step not in names and not rest:
            return tree if value is _GONE else Members([*tree, (step, value)])
        if value is _GONE and not rest:
            return Members((name, item) for name, item in tree if name != step)
        return Members(
            (name, _set(item, rest, value) if name == step else item) for name, item in tree
        )
    if isinstance(tree, list) and isinstance(step, int):
        return [_set(item, rest, value) if at == step else item for at, item in enumerate(tree)]
    return tree


def _tree(value: Any) -> Tree:
    if isinstance(value, dict):
        return Members((name, _tree(item)) for name, item in value.items())
    return [_tree(item) for item in value] if isinstance(value, list) else value


# Members of a history whose change would tell another life.
HISTORY: Aims = (
    *((("events", place, name), values) for place in range(2) for name, values in (
        ("index", (3, 6, 8, 0, -1, 11)),
        ("proof", ([], None)),
        ("leaf", ("", "{}")),
    )),
    (("issued", "index"), (6, 0, 11)),
    (("issued",), (None, {})),
    (("events",), ([], None)),
    (("v",), (2, True, 1.0)),
    (("statement",), ("", "a.b.c")),
    (("checkpoint",), ("",)),
)  # fmt: skip
