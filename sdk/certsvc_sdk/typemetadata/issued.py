"""The claims as they were issued, as far as a presentation shows them.

The processed payload leaves out withheld array elements and forgets what was disclosed; the rules
of a type are about both (SD-JWT VC, "Claim Metadata").
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from certsvc_sdk import strict
from certsvc_sdk.algorithms.digests import DEFAULT_DIGEST, digest_of
from certsvc_sdk.sdjwt import Parsed, digest
from certsvc_sdk.sdjwt.disclosure import ELEMENT, SD, SD_ALG
from certsvc_sdk.strict import MAX_TOKEN, Json


class Kind(Enum):
    """What a node is."""

    OBJECT = auto()
    ARRAY = auto()
    VALUE = auto()
    #: An array element whose disclosure was not presented, or a decoy.
    WITHHELD = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A value at its place.

    Attributes:
        kind: object, array, other value, or withheld.
        disclosable: it is a disclosure of its own.
        members: of an object, disclosed ones included.
        items: of an array, with withheld elements in their places.
        hides: an object has digests without a disclosure: members may be withheld.
    """

    kind: Kind
    disclosable: bool
    members: Mapping[str, "Node"] = field(default_factory=dict)
    items: tuple["Node", ...] = ()
    hides: bool = False


def issued(parsed: Parsed, profiles: Collection[str] = ()) -> Node:
    """Return the payload of a presentation as a tree.

    Args:
        parsed: the presentation, its issuer signature already checked.
        profiles: algorithm profiles that are switched on.

    Raises:
        Malformed, AlgorithmNotAllowed, DisclosureInvalid: as `Parsed.claims`.
    """
    # Refuses all that does not fit together; what is left can be walked without further care.
    disclosed = parsed.claims(profiles=profiles).disclosed
    payload = parsed.payload()
    function = digest_of(payload.pop(SD_ALG, DEFAULT_DIGEST), profiles)
    contents = {
        digest(item.encoded, function): strict.loads(
            strict.b64u_decode(item.encoded), max_bytes=MAX_TOKEN, what="disclosure"
        )
        for item in disclosed
    }
    return _node(payload, contents, disclosable=False)


def _node(value: Json, contents: Mapping[str, Json], *, disclosable: bool) -> Node:
    if isinstance(value, dict):
        return _object(value, contents, disclosable=disclosable)
    if isinstance(value, list):
        items = tuple(_element(item, contents) for item in value)
        return Node(kind=Kind.ARRAY, disclosable=disclosable, items=items)
    return Node(kind=Kind.VALUE, disclosable=disclosable)


def _object(value: dict[str, Json], contents: Mapping[str, Json], *, disclosable: bool) -> Node:
    digests = value.pop(SD, [])
    members = {name: _node(one, contents, disclosable=False) for name, one in value.items()}
    hides = False
    for text in digests if isinstance(digests, list) else ():
        content = contents.get(str(text))
        if isinstance(content, list):
            members[str(content[1])] = _node(content[2], contents, disclosable=True)
        else:
            hides = True
    return Node(kind=Kind.OBJECT, disclosable=disclosable, members=members, hides=hides)


def _element(item: Json, contents: Mapping[str, Json]) -> Node:
    if not isinstance(item, dict) or ELEMENT not in item:
        return _node(item, contents, disclosable=False)
    content = contents.get(str(item[ELEMENT]))
    if isinstance(content, list):
        return _node(content[1], contents, disclosable=True)
    return Node(kind=Kind.WITHHELD, disclosable=True)
