"""Prepare an SD-JWT for signing: claims and pointers become a payload and disclosures."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from certsvc_sdk import jws, strict
from certsvc_sdk.algorithms.digests import DEFAULT_DIGEST, PROFILES, Digest, digest_of
from certsvc_sdk.errors import DisclosureInvalid
from certsvc_sdk.sdjwt.disclosure import (
    ALWAYS_CLEAR,
    ELEMENT,
    MAX_DISCLOSURES,
    SD,
    SD_ALG,
    Pointers,
    digests_of,
    encode_all,
)
from certsvc_sdk.strict import MAX_DEPTH, Json

_RESERVED = frozenset({SD, SD_ALG, ELEMENT})
_NESTED = (dict, list, tuple)
# Asked about the types of many values at once; a subclass is as good as nested.
_PLAIN = frozenset({str, int, float, bool, type(None)})
# A value that becomes a disclosure, and what is to be disclosed inside it.
_Hidden: TypeAlias = tuple[Json, Pointers]


class Draft(NamedTuple):
    """An SD-JWT that waits for its signature.

    Attributes:
        header_json: exact header text.
        payload_json: exact payload text.
        disclosures: encoded, in pre-order.
        signing_input: ASCII `header.payload`.
    """

    header_json: str
    payload_json: str
    disclosures: tuple[str, ...]
    signing_input: bytes

    def finish(self, signature: bytes) -> str:
        """Return the compact SD-JWT `<jws>~<disclosure>~…~` (RFC 9901 section 4)."""
        return "~".join((jws.attach(self.signing_input, signature), *self.disclosures, ""))


def draft(
    *,
    header: Mapping[str, Json],
    claims: Mapping[str, Json],
    disclose: Collection[str] | Pointers,
    salts: Callable[[int], bytes],
    digest_algorithm: str = DEFAULT_DIGEST,
) -> Draft:
    """Build payload and disclosures.

    Args:
        header: JOSE header, written in its order.
        claims: the full clear payload in member order.
        disclose: JSON pointers of what becomes selectively disclosable; `*` stands for every
            element of an array. Pointers that meet nothing are ignored: fields may be optional.
            A compiled `Pointers` saves time where a type issues many tokens.
        salts: line index (pre-order) to 16 random bytes.
        digest_algorithm: `_sd_alg`; another than sha-256 is read only where its profile is on.

    Returns:
        The draft; `_sd` stands last in each object, sorted, `_sd_alg` after it at the top.

    Raises:
        DisclosureInvalid: a claim that must stay clear is named, a reserved name is used, a salt
            repeats, or there are more than 256 disclosures; no such digest algorithm.
        AlgorithmNotAllowed: this installation lacks the digest algorithm.
        Malformed: a value has no JSON form.
    """
    pointers = Pointers.of(disclose)
    if not ALWAYS_CLEAR.isdisjoint(pointers.members):
        raise DisclosureInvalid("a claim that every verifier needs cannot be withheld")
    digest = None if digest_algorithm == DEFAULT_DIGEST else digest_of(digest_algorithm, PROFILES)
    writer = _Writer(salts, digest)
    payload = writer.mapping(claims, pointers, 1)
    if writer.lines:
        payload[SD_ALG] = digest_algorithm
    header_json, payload_json = strict.dumps_all((header, payload))
    return Draft(
        header_json=header_json.decode("utf-8"),
        payload_json=payload_json.decode("utf-8"),
        disclosures=tuple([line.decode("ascii") for line in writer.lines]),
        signing_input=jws.join(header_json, payload_json),
    )


class _Writer:
    """Walks claims depth first; `lines` grows in pre-order, which numbers the salts."""

    def __init__(self, salts: Callable[[int], bytes], digest: Digest | None) -> None:
        self._salts = salts
        self._digest = digest
        self._used: set[bytes] = set()
        self.lines: list[bytes] = []

    def mapping(
        self, claims: Mapping[str, Json], level: Pointers | None, depth: int
    ) -> dict[str, Json]:
        """Return the object with its disclosable members replaced by digests in `_sd`."""
        if not _RESERVED.isdisjoint(claims):
            raise DisclosureInvalid("claims use a name that SD-JWT reserves")
        marked = level.members if level else {}
        clear: dict[str, Json] = {}
        names: list[str] = []
        hidden: list[_Hidden] = []
        for name, value in claims.items():
            below = marked.get(name)
            if below is not None and below.here:
                names.append(name)
                hidden.append((value, below))
            elif isinstance(value, _NESTED):
                clear[name] = self._value(value, below, depth)
            else:
                clear[name] = value
        # Clear members stand before `_sd` in the text, so their slots are numbered first.
        if hidden:
            clear[SD] = [*sorted(self._disclose(names, hidden, depth))]
        return clear

    def _value(self, value: Json, level: Pointers | None, depth: int) -> Json:
        if not isinstance(value, _NESTED):
            return value
        if depth >= MAX_DEPTH:
            raise DisclosureInvalid(f"claims are nested deeper than {MAX_DEPTH}")
        if isinstance(value, dict):
            return self.mapping(value, level, depth + 1)
        return self._array(value, level, depth + 1)

    def _array(self, items: Sequence[Json], level: Pointers | None, depth: int) -> list[Json]:
        result: list[Json] = []
        for index, item in enumerate(items):
            below = level.element(index) if level else None
            if below is not None and below.here:
                result.append({ELEMENT: self._disclose(None, [(item, below)], depth)[0]})
            else:
                result.append(self._value(item, below, depth))
        return result

    def _disclose(self, names: list[str] | None, hidden: list[_Hidden], depth: int) -> list[str]:
        """Write each line, then the lines of its own slots; return the digests of `hidden`."""
        places: Sequence[int] = range(len(self.lines), len(self.lines) + len(hidden))
        values = [value for value, _ in hidden]
        if _PLAIN.issuperset(map(type, values)):
            self._make_room(len(hidden))
        else:
            places, values = self._inside(hidden, depth)
        encoded = encode_all(self._salts_at(places), names, values)
        for place, line in zip(places, encoded, strict=True):
            self.lines[place] = line
        return digests_of(encoded, self._digest)

    def _inside(self, hidden: list[_Hidden], depth: int) -> tuple[list[int], list[Json]]:
        """Write the slots inside values that become lines; return their places and what is left."""
        places: list[int] = []
        shown: list[Json] = []
        for value, below in hidden:
            places.append(len(self.lines))
            self._make_room(1)
            shown.append(self._value(value, below, depth))
        return places, shown

    def _make_room(self, count: int) -> None:
        if len(self.lines) + count > MAX_DISCLOSURES:
            raise DisclosureInvalid(f"more than {MAX_DISCLOSURES} disclosures")
        self.lines += [b""] * count

    def _salts_at(self, places: Sequence[int]) -> list[bytes]:
        salts = [self._salts(place) for place in places]
        before = len(self._used)
        self._used.update(salts)
        if len(self._used) != before + len(salts):
            raise DisclosureInvalid("a salt repeats")
        return salts
