"""Paths of this service that stand in answers, and the ids that stand in paths."""

import re

from certsvc.service.problems import NOT_FOUND, Problem

_ID = re.compile(r"[0-9a-f]{32}")  # 128 random bits


def certificate_path(certificate_id: str) -> str:
    """Path of a certificate."""
    return f"/v1/certificates/{certificate_id}"


def approval_path(approval_id: str) -> str:
    """Path of a request that waits for a second person."""
    return f"/v1/approvals/{approval_id}"


def type_path(name: str) -> str:
    """Path of a certificate type."""
    return f"/v1/types/{name}"


def checked_id(text: str) -> str:
    """A certificate's id as it stood in the address.

    Raises:
        Problem: 404 for any other shape, which no certificate has.
    """
    if not _ID.fullmatch(text):
        raise Problem(NOT_FOUND)
    return text
