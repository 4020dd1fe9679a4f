import json
from collections.abc import Callable
from typing import Any

import pytest

from certsvc.catalogue import Catalogue
from certsvc.publishing import PublishedTree, publish_issuer_metadata, publish_types
from certsvc.publishing.errors import RecordRefused
from keys import KeyInfo, State
from keys.filestore import FileKeyStore

BASE = "https://certs.example/"


def test_types_stand_where_vct_points(tree: PublishedTree) -> None:
    catalogue = Catalogue.builtin()
    changed = publish_types(tree, catalogue, BASE)
    assert "vct/business-licence/1" in changed
    assert "vct/household-register/1" in changed
    for path in changed:
        document = json.loads(tree.read(path) or b"")
        assert document["vct"] == BASE + path
    assert publish_types(tree, catalogue, BASE) == ()


def test_issuer_keys_stand_at_the_well_known_address(
    tree: PublishedTree,
    store: FileKeyStore,
    make_record: Callable[..., Any],
    make_key: Callable[..., KeyInfo],
) -> None:
    good = make_key("certificate")
    old = make_key("certificate", State.RETIRED, types=("x",), alg="Ed25519")
    stolen = make_key("certificate", types=("y",))
    stolen = store.set_state(stolen.issuer_id, stolen.kid, State.COMPROMISED, now=stolen.created_at)
    record = make_record(keys=(good, old, stolen, make_key("status")))
    assert publish_issuer_metadata(tree, record)
    data = tree.read(".well-known/jwt-vc-issuer/i/119999000000000198")
    document = json.loads(data or b"")
    assert list(document) == ["issuer", "jwks"]
    assert document["issuer"] == record.iss
    published = {key["kid"]: key for key in document["jwks"]["keys"]}
    assert published.keys() == {good.kid, old.kid}
    assert published[good.kid] == {
        **good.public_jwk,
        "kid": good.kid,
        "alg": "ES256",
        "use": "sig",
    }
    assert not publish_issuer_metadata(tree, record)


def test_identifier_that_is_no_address(
    tree: PublishedTree, make_record: Callable[..., Any]
) -> None:
    with pytest.raises(RecordRefused):
        publish_issuer_metadata(tree, make_record(base_url="nonsense/"))
