"""What the registry knows of a signature algorithm."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from certsvc_sdk.errors import AlgorithmNotAllowed

# check(signing_input, signature) of one loaded key; the signature has the algorithm's length.
Check: TypeAlias = Callable[[bytes, bytes], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """One signature algorithm: which JWK it takes and how a key of it is loaded.

    Attributes:
        spellings: names a JOSE header or trust record may use, the registered one first.
        fixed: JWK members whose value the algorithm dictates.
        sizes: JWK members that hold the key, with their length in bytes.
        signature_bytes: length of every signature.
        load: parses the required members of a JWK once; it raises `KeyFormatInvalid` for what is
            no key of the algorithm. Where a library is missing the check it returns refuses: a
            trust record with a key that this installation cannot use stays readable.
    """

    spellings: tuple[str, ...]
    fixed: Mapping[str, str]
    sizes: Mapping[str, int]
    signature_bytes: int
    load: Callable[[Mapping[str, str]], Check]


def refusing(reason: str) -> Check:
    """Return a check for keys that this installation knows by name and cannot use.

    Args:
        reason: what is missing, for the person who installs.
    """

    def check(signing_input: bytes, signature: bytes) -> NoReturn:
        raise AlgorithmNotAllowed(reason)

    return check
