"""What the command line reads: texts, files, streams and policies."""

import argparse
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from certsvc_sdk import strict
from certsvc_sdk.client import FileReport, Finding, Verifier
from certsvc_sdk.errors import FileUnsupported, NoCodeFound, PolicyInvalid
from certsvc_sdk.policy import Policies, Policy
from certsvc_sdk.policy.collection import MAX_FILE

_MAX_INPUT: Final = 64 * 1024 * 1024
# No text of a code ends so but an address, and that has "://".
_FILE_SUFFIXES: Final = frozenset(
    (
        ".png",
        ".jpg",
        ".jpeg",
        ".webp",
        ".gif",
        ".bmp",
        ".tif",
        ".tiff",
        ".pdf",
        ".txt",
        ".heic",
        ".tlog-proof",
    )
)
# Members of one policy that are objects; a file with others beside them holds named policies.
_OBJECTS: Final = frozenset(("title", "given"))


def policy_of(args: argparse.Namespace) -> Policy:
    """Return the rules of a verification: the file's, with the ages of the command line.

    Raises:
        PolicyInvalid: the file cannot be read, or is no policy.
        Malformed: it is no acceptable JSON.
    """
    if args.policy is not None:
        policy = _from_file(args.policy, args.matter)
    elif args.matter is None:
        policy = Policy()
    else:
        raise PolicyInvalid("--matter names a policy of the file that --policy gives")
    ages = {"max_status_age": args.max_status_age, "max_trust_age": args.max_trust_age}
    return replace(policy, **{name: age for name, age in ages.items() if age is not None})


def policies_in(path: str) -> Policy | Policies:
    """Read a file of one policy, or of a department's named ones.

    Raises:
        PolicyInvalid: the file cannot be read, or holds neither.
        Malformed: it is no acceptable JSON.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise PolicyInvalid(f"the policy cannot be read: {error.strerror}") from error
    except ValueError as error:  # a NUL or a surrogate
        raise PolicyInvalid("the policy has an impossible name") from error
    found = strict.loads(data, max_bytes=MAX_FILE, what="policy")
    is_set = (
        isinstance(found, Mapping)
        and all(isinstance(one, Mapping) for one in found.values())
        and not found.keys() <= _OBJECTS
    )
    return Policies.from_json(found) if is_set else Policy.from_json(found)


def _from_file(path: str, matter: str | None) -> Policy:
    found = policies_in(path)
    if isinstance(found, Policies) and matter is not None:
        return found.choose(matter)
    if isinstance(found, Policies):
        raise PolicyInvalid("the file holds several policies; --matter names one")
    if matter is not None:
        raise PolicyInvalid("the file holds one policy without a name")
    return found


def report_of(
    verifier: Verifier, what: str, policy: Policy, log_proof: str | None = None
) -> FileReport:
    """Return all that was found: in a file, in each line of a stream, or in the text.

    Args:
        verifier: gives the verdicts.
        what: a text, the name of a file, or `-`.
        policy: rules of the matter.
        log_proof: file of a log proof that came with a text.
    """
    proof = None if log_proof is None else text_of(log_proof)
    data = _read(what)
    if data is None:
        return FileReport(findings=(_finding(verifier, what, policy, proof),))
    text = _as_text(data)
    if text is None:
        return verifier.report_file(data, policy=policy)
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise NoCodeFound("there is nothing to verify")
    return FileReport(findings=tuple(_finding(verifier, line, policy, proof) for line in lines))


def text_of(what: str) -> str:
    """Return the one text that an argument, a text file or stdin gives.

    Raises:
        FileUnsupported: a file that is no text, or cannot be read.
    """
    data = _read(what)
    if data is None:
        return what
    text = _as_text(data)
    if text is None:
        raise FileUnsupported("only text is read here, no images")
    return text


def _finding(verifier: Verifier, text: str, policy: Policy, proof: str | None) -> Finding:
    verdict = verifier.check(text, policy=policy, log_proof=proof)
    return Finding(page=None, position=None, text_kind="text", kind="text", verdict=verdict)


def _read(what: str) -> bytes | None:
    """Return the bytes of stdin or a file, None where `what` is neither."""
    if what == "-":
        return sys.stdin.buffer.read(_MAX_INPUT)
    try:
        with Path(what).open("rb") as file:
            return file.read(_MAX_INPUT)
    except (OSError, ValueError) as error:
        if names_file(what):
            raise FileUnsupported("the file cannot be read") from error
        return None  # no such file, a name too long or with a NUL: it is the text


def names_file(what: str) -> bool:
    """Tell whether an argument means a file and no text, by its ending."""
    return "://" not in what and os.path.splitext(what)[1].lower() in _FILE_SUFFIXES


def _as_text(data: bytes) -> str | None:
    """Return a file's content as text, None for images and PDFs."""
    if data.startswith(b"%PDF") or b"\0" in data:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
