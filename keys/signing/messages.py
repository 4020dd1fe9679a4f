"""The signer's operations: which named texts each one takes, and how keys are told."""

import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from keys.algorithms import kid_of
from keys.errors import FileMalformed, KeysError
from keys.record import info_of, members_of
from keys.signing.frames import FrameInvalid, Head
from keys.store import KeyInfo, KeyInfos

OPERATION = "do"
#: What an operation takes: its texts; those of `OPTIONAL` may be null.
TAKES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "list": frozenset({"issuer"}),
        "get": frozenset({"issuer", "kid"}),
        "active": frozenset({"issuer", "purpose", "type", "role"}),
        "signer": frozenset({"issuer", "kid"}),
        "sign": frozenset({"issuer", "kid"}),
        "data_key": frozenset({"name"}),
        "seal": frozenset({"name", "context"}),
        "open": frozenset({"name", "context"}),
        "hmac": frozenset({"name"}),
    }
)
OPTIONAL: Mapping[str, frozenset[str]] = MappingProxyType(
    {"list": frozenset({"issuer"}), "active": frozenset({"type", "role"})}
)
#: Operations whose body says something; all others have none.
WITH_BODY = frozenset({"sign", "seal", "open", "hmac"})
#: What changes keys is done where the store lies.
CHANGES = frozenset({"generate", "set_state", "rotate", "compromise"})


def check_request(head: Head, body: bytes) -> tuple[str, dict[str, str]]:
    """Takes a request apart.

    Returns:
        The operation, and its texts without the nulls.

    Raises:
        FrameInvalid: no such operation, a text too many or too few, a body where none belongs.
    """
    operation = head.get(OPERATION) or ""
    texts = {name: value for name, value in head.items() if name != OPERATION}
    given = {name: value for name, value in texts.items() if value is not None}
    if operation in CHANGES:
        return operation, given
    if operation not in TAKES or texts.keys() != TAKES[operation]:
        raise FrameInvalid("no such operation")
    if texts.keys() - given.keys() - OPTIONAL.get(operation, frozenset()):
        raise FrameInvalid("a text is missing")
    if body and operation not in WITH_BODY:
        raise FrameInvalid("a body where none belongs")
    return operation, given


def write_infos(infos: Iterable[KeyInfo]) -> bytes:
    """The open halves of keys."""
    return json.dumps([members_of(info) for info in infos], separators=(",", ":")).encode()


def read_infos(data: bytes, *, issuer_id: str | None) -> KeyInfos:
    """What the signer says of keys, held to what a key id means.

    Args:
        data: what `write_infos` wrote.
        issuer_id: whose keys were asked for; None: everybody's.

    Raises:
        FrameInvalid: not such a list, another issuer's key, or a public key under a foreign id.
    """
    try:
        infos = [info_of(members) for members in json.loads(data)]
        ours = all(
            kid_of(info.public_jwk) == info.kid and issuer_id in (None, info.issuer_id)
            for info in infos
        )
    except (FileMalformed, ValueError, TypeError, KeyError, AttributeError) as error:
        raise FrameInvalid("not a list of keys") from error
    except (KeysError, RecursionError) as error:
        raise FrameInvalid("a key of an unknown kind") from error
    if not ours:
        raise FrameInvalid("a key that was not asked for")
    return infos
