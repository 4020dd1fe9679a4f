"""One tree, stable codes, and nothing loaded or opened that is not needed."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from certsvc_sdk import errors
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
    assert len(set(codes.values())) == len(codes) == 39
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


WATCHED = """
import json, sys
from certsvc_sdk import jws
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.errors import CertsvcError

given = json.load(sys.stdin)
key = PublicKey.from_jwk(given["jwk"], "ES256")
first = jws.parse(given["tokens"][0])  # all that is imported late is imported before the watch
key.verify(first.signing_input, first.signature)
seen = []
sys.addaudithook(
    lambda event, arguments: seen.append(f"{event} {arguments}")
    if event.split(".")[0] in {"open", "socket", "sqlite3", "subprocess", "urllib"}
    else None
)
for token in given["tokens"]:
    compact = jws.parse(token)
    try:
        jws.require_header(compact.header, typ="dc+sd-jwt", alg="ES256")
        raise SystemExit("a foreign header was taken")
    except CertsvcError:
        pass
    key.verify(compact.signing_input, compact.signature)
opened = list(seen)
open(sys.executable, "rb").close()
print(json.dumps({"opened": opened, "control": len(seen)}))
"""
KIDS = [
    "../../etc/passwd",
    "'; DROP TABLE key; --",
    "http://169.254.169.254/",
    "file:///etc/passwd",
    "k",
]


def test_t04_t06_reading_a_token_opens_nothing(es256_signer: Any) -> None:
    # In a process of its own: an audit hook cannot be taken away again.
    tokens = [
        es256_signer.jws(
            b'{"a":1}',
            header={
                **es256_signer.header(),
                "kid": kid,
                "jku": "https://evil.example/",
                "x5u": kid,
            },
        )
        for kid in KIDS
    ]
    done = subprocess.run(
        [sys.executable, "-c", WATCHED],
        input=json.dumps({"jwk": es256_signer.jwk, "tokens": tokens}),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["opened"] == []
    assert found["control"] > 0, "the hook sees nothing, so this proves nothing"
