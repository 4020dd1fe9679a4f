"""Publishes certificate-type metadata and issuers' keys for readers of SD-JWT VC."""

from certsvc.catalogue import Catalogue
from certsvc.publishing.errors import RecordRefused
from certsvc.publishing.tree import PublishedTree
from certsvc_sdk.strict import Json, dumps
from certsvc_sdk.trust.record import IssuerRecord, KeyState, KeyUse
from certsvc_sdk.trust.urls import parse_url

WELL_KNOWN = ".well-known/jwt-vc-issuer"


def publish_types(tree: PublishedTree, catalogue: Catalogue, base_url: str) -> tuple[str, ...]:
    """Publish every version of every type at the address that `vct` names.

    Args:
        tree: where to.
        catalogue: the types.
        base_url: the published tree's own address, ends in `/`.

    Returns:
        The paths that changed.
    """
    changed: list[str] = []
    for name in catalogue.names():
        for version in catalogue.versions(name):
            path, kind = f"vct/{name}/{version}", catalogue.get(name, version)
            data = kind.metadata_document(kind.vct(base_url))
            if tree.write_if_changed(path, data):
                changed.append(path)
    return tuple(changed)


def issuer_metadata(record: IssuerRecord) -> dict[str, Json]:
    """JWT VC Issuer Metadata (draft-ietf-oauth-sd-jwt-vc, "JWT VC Issuer Metadata").

    Keys for certificates only, under the same key ids as in the trust record. Compromised keys
    are left out: this format has no way to say when they stopped being good.
    """
    keys: list[Json] = [
        {**key.public.jwk, "kid": key.kid, "alg": key.alg, "use": "sig"}
        for key in record.keys
        if key.use is KeyUse.CERTIFICATE and key.state is not KeyState.COMPROMISED
    ]
    return {"issuer": record.iss, "jwks": {"keys": keys}}


def publish_issuer_metadata(tree: PublishedTree, record: IssuerRecord) -> bool:
    """Publish an issuer's keys at the well-known address of its identifier.

    The well-known part goes between host and path of `iss` (RFC 8615, RFC 8414 section 3.1).

    Returns:
        Whether the file changed.

    Raises:
        RecordRefused: `iss` is no address.
    """
    url = parse_url(record.iss)
    if url is None:
        raise RecordRefused("iss is not an issuer's address")
    return tree.write_if_changed(f"{WELL_KNOWN}{url.path}", dumps(issuer_metadata(record)))
