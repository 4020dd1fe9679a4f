"""Grants: what is written, what it covers."""

import pytest

from keys.errors import NameInvalid, UseForbidden
from keys.signing.rights import EVERYTHING, Grant, Rights, read_grants

ISSUER = "119999000000000198"


def test_grants_are_read():
    assert read_grants("certificate, status@a-1,data@rows") == {
        Grant("certificate"),
        Grant("status", "a-1"),
        Grant("data", "rows"),
    }


@pytest.mark.parametrize(
    "text", ["", "certificates", "certificate,", "@a", "trust@", "trust@../x", "trust@a@b", "TRUST"]
)
def test_what_is_no_grant_is_refused(text):
    with pytest.raises(NameInvalid):
        read_grants(text)


def test_a_user_has_what_was_given():
    rights = Rights(users={7: read_grants(f"certificate,status@{ISSUER}"), 8: EVERYTHING})
    rights.require(7, "certificate", "anybody")
    rights.require(7, "status", ISSUER)
    rights.require(8, "trust", "root")
    for uid, word, name in [
        (7, "status", "another"),
        (7, "trust", ISSUER),
        (7, "data", ISSUER),
        (9, "certificate", ISSUER),
        (8, "unheard-of", ISSUER),
    ]:
        with pytest.raises(UseForbidden):
            rights.require(uid, word, name)
    assert rights.knows(7)
    assert not rights.knows(9)
