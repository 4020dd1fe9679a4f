"""Serves the published tree: static, signed or public by nature, open to everybody.

A mirror or a CDN may serve the same files; everything that matters in them is signed.
"""

import hashlib
import re

from flask import Blueprint, request
from werkzeug.wrappers import Response

from certsvc.publishing.errors import PathUnsafe, TreeUnreadable
from certsvc.publishing.tree import PublishedTree
from certsvc.service.http import JSON
from certsvc.service.problems import NOT_FOUND, Problem

STATUS_LIST_JWT = "application/statuslist+jwt"  # Token Status List, section 8.2
IMMUTABLE = "public, max-age=31536000, immutable"
POINTER = "no-cache"  # may be stored, must be asked for anew each time
NEWEST = "public, max-age=30, must-revalidate"  # a crowd of verifiers costs a mirror one question
STATUS_SECONDS = 60  # a revocation is seen by caches well within the list's ttl of 300 s
METADATA_SECONDS = 3600  # a type's version never changes once published
KEYS_SECONDS = 300
# RFC 2585 sections 4.1 and 4.2.
X509_KINDS = {".crl": "application/pkix-crl", ".cer": "application/pkix-cert"}
X509_SECONDS = 300  # a list of revocations is seen by caches well within its life of days

MAX_SEGMENTS = 9  # log/tile/entries/x001/x002/x003/004.p/5

_VERSIONED = re.compile(r"[0-9]+\.[A-Za-z0-9_-]+\.json")  # TUF consistent snapshot, 4.root.json
_HASHED = re.compile(r"[0-9a-f]{64}\.[A-Za-z0-9._-]+")


def published_blueprint(tree: PublishedTree) -> Blueprint:
    """Routes of the published tree.

    Args:
        tree: the published tree; it may still be empty.
    """
    blueprint = Blueprint("published", __name__)

    @blueprint.get("/trust/metadata/<name>")
    def trust_metadata(name: str) -> Response:
        cache = IMMUTABLE if _VERSIONED.fullmatch(name) else NEWEST
        return serve(tree, ("trust", "metadata", name), JSON, cache)

    @blueprint.get("/trust/targets/<path:target>")
    def trust_target(target: str) -> Response:
        segments = target.split("/")
        cache = IMMUTABLE if _HASHED.fullmatch(segments[-1]) else NEWEST
        return serve(tree, ("trust", "targets", *segments), JSON, cache)

    @blueprint.get("/status/<uscc>/<name>")
    def status(uscc: str, name: str) -> Response:
        kind = JSON if name.endswith(".json") else STATUS_LIST_JWT
        return serve(tree, ("status", uscc, name), kind, f"public, max-age={STATUS_SECONDS}")

    @blueprint.get("/vct/<name>/<version>")
    def type_metadata(name: str, version: str) -> Response:
        return serve(tree, ("vct", name, version), JSON, f"public, max-age={METADATA_SECONDS}")

    @blueprint.get("/.well-known/jwt-vc-issuer/i/<uscc>")
    def issuer_keys(uscc: str) -> Response:
        segments = (".well-known", "jwt-vc-issuer", "i", uscc)
        return serve(tree, segments, JSON, f"public, max-age={KEYS_SECONDS}")

    @blueprint.get("/x509/<name>")
    def x509(name: str) -> Response:
        kind = X509_KINDS.get(name[-4:])
        if kind is None:
            raise Problem(NOT_FOUND)
        return serve(tree, ("x509", name), kind, f"public, max-age={X509_SECONDS}")

    return blueprint


def read_published(tree: PublishedTree, segments: tuple[str, ...]) -> bytes | None:
    """One file of the tree, or None where there is none that may be served.

    Args:
        tree: the published tree.
        segments: names below its root.
    """
    if len(segments) > MAX_SEGMENTS:
        return None
    path = tree.root.joinpath(*segments)
    try:
        # Links are followed before the comparison: the tree never leads out of itself.
        if not path.resolve(strict=True).is_relative_to(tree.root.resolve()):
            return None
        return tree.read("/".join(segments))
    except (PathUnsafe, TreeUnreadable, OSError, ValueError):
        return None


def serve(
    tree: PublishedTree, segments: tuple[str, ...], content_type: str, cache: str
) -> Response:
    """Answer with one file of the tree.

    Args:
        tree: the published tree.
        segments: names below its root.
        content_type: of the answer.
        cache: value of `Cache-Control`.

    Raises:
        Problem: 404, there is none.
    """
    data = read_published(tree, segments)
    if data is None:
        raise Problem(NOT_FOUND)
    response = Response(data, content_type=content_type)
    response.set_etag(hashlib.sha256(data).hexdigest()[:32])
    response.headers["Cache-Control"] = cache
    return open_to_all(response).make_conditional(request)


def open_to_all(response: Response) -> Response:
    """Let pages elsewhere read an answer: browser-based verifiers do, and nothing is private."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
