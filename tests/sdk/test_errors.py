"""One tree, stable codes, and nothing loaded or opened that is not needed."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from certsvc_sdk import errors, jws
from certsvc_sdk.errors import CertsvcError, VerificationFailed


def leaves(root: type[CertsvcError]) -> Iterator[type[CertsvcError]]:
    for child in root.__subclasses__():
        yield child
        yield from leaves(child)


def test_codes_are_stable_and_distinct() -> None:
    codes = {
        leaf.__name__: leaf.code
        for leaf in leaves(CertsvcError)
        if leaf.__module__ == errors.__name__
    }
    assert codes.pop("VerificationFailed") == CertsvcError.code
    assert len(set(codes.values())) == len(codes) == 18
    for name, code in codes.items():
        assert code.replace("_", "") == name.lower()
        assert name in (errors.__doc__ or "")


def test_verification_failed_carries_its_verdict() -> None:
    class Revoked:
        code = "revoked"

        def to_json(self) -> dict[str, str]:
            return {"code": self.code}

    verdict = Revoked()
    error = VerificationFailed("revoked since yesterday", verdict=verdict)
    assert (error.code, error.verdict, str(error)) == (
        "revoked",
        verdict,
        "revoked since yesterday",
    )


def test_importing_the_formats_is_cheap() -> None:
    heavy = "{'jwt', 'cryptography', 'tuf', 'urllib3', 'pydantic', 'PIL'}"
    code = (
        "import sys, certsvc_sdk.sdjwt, certsvc_sdk.statuslist;"
        f"assert not {heavy} & set(sys.modules), {heavy} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


KIDS = [
    "../../etc/passwd",
    "'; DROP TABLE key; --",
    "http://169.254.169.254/",
    "file:///etc/passwd",
    "k",
]


@pytest.fixture(scope="module")
def watch() -> Iterator[list[str]]:
    """Names of files, sockets and databases that Python opens while the list is watched."""
    seen: list[str] = []
    active = [True]

    def hook(event: str, arguments: Any) -> None:
        if active[0] and event.split(".")[0] in {
            "open",
            "socket",
            "sqlite3",
            "subprocess",
            "urllib",
        }:
            seen.append(f"{event} {arguments}")

    sys.addaudithook(hook)
    yield seen
    active[0] = False


@pytest.mark.parametrize("kid", KIDS)
def test_t04_t06_reading_a_token_opens_nothing(
    kid: str, es256_signer: Any, watch: list[str]
) -> None:
    header = {**es256_signer.header(), "kid": kid, "jku": "https://evil.example/", "x5u": kid}
    token = es256_signer.jws(b'{"a":1}', header=header)
    watch.clear()
    compact = jws.parse(token)
    with pytest.raises(CertsvcError):
        jws.require_header(compact.header, typ="dc+sd-jwt", alg="ES256")
    es256_signer.public.verify(compact.signing_input, compact.signature)
    opened = list(watch)
    assert opened == []
    with open(__file__, encoding="utf-8"):
        assert watch, "the hook sees nothing, so the test above proves nothing"
