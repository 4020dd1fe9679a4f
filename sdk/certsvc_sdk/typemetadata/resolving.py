"""From a `vct` to all that holds for its certificates: the document and what it extends.

SD-JWT VC, "Retrieving Type Metadata", "Extending Type Metadata". Pure but for the `fetch` it is
given.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from certsvc_sdk.errors import TypeMetadataInvalid
from certsvc_sdk.typemetadata.document import (
    ClaimMetadata,
    ClaimPath,
    Display,
    Document,
    Sd,
    parse,
    unique,
)
from certsvc_sdk.typemetadata.integrity import check_integrity

# A national type, a provincial one, a municipal one: more is a chain made to cost time.
MAX_CHAIN: Final = 8

#: Languages of this system, Chinese first.
LOCALES: Final = ("zh-CN", "en")


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeMetadata:
    """A type with everything that it inherits.

    Attributes:
        vct: the type.
        ancestors: the types it extends, nearest first. To extend a type proves no right to issue
            it (SD-JWT VC, "Credential Type Extension and Issuer Authorization").
        name: the type's own name for developers, or None.
        description: the same, longer.
        display: names for people.
        claims: inherited ones first.
    """

    vct: str
    ancestors: tuple[str, ...]
    name: str | None
    description: str | None
    display: tuple[Display, ...]
    claims: tuple[ClaimMetadata, ...]

    def title(self, *locales: str) -> Display | None:
        """Return the type's name in the first of these languages that it has.

        Args:
            locales: language tags in order of preference; none: Chinese, then English.
        """
        return choose(self.display, locales or LOCALES)

    def label(self, path: Sequence[str | int | None], *locales: str) -> Display | None:
        """Return a claim's name for people.

        Args:
            path: as in the metadata, None for every element of an array.
            locales: as for `title`.
        """
        wanted = tuple(path)
        for claim in self.claims:
            if claim.path == wanted:
                return choose(claim.display or (), locales or LOCALES)
        return None

    def labels(self) -> dict[str, dict[str, str]]:
        """Return all labels as `Verdict.sentence` takes them: JSON pointer → `zh` and `en`.

        A claim without a label in one of the two languages has its first label there.
        """
        found = {}
        for claim in self.claims:
            zh = choose(claim.display or (), LOCALES)
            en = choose(claim.display or (), LOCALES[::-1])
            if zh is not None and en is not None:
                found[pointer_of(claim.path)] = {"zh": zh.name, "en": en.name}
        return found


def resolve(vct: str, fetch: Callable[[str], bytes], *, integrity: object = None) -> TypeMetadata:
    """Fetch a type's document and those it extends, and put them together.

    Args:
        vct: the type; only what comes from a verified signature may be fetched.
        fetch: address → bytes of the document; what it raises passes through.
        integrity: `vct#integrity` of the certificate, None where it has none.

    Raises:
        IntegrityInvalid: a document is not the one its reference was made for.
        TypeMetadataInvalid: a document is malformed or of another type, or they contradict each
            other, extend in a circle or without end.
    """
    chain: list[Document] = []
    seen: set[str] = set()
    wanted: str | None = vct
    while wanted is not None:
        if wanted in seen:
            raise TypeMetadataInvalid("a type extends itself")
        if len(chain) >= MAX_CHAIN:
            raise TypeMetadataInvalid(f"a type extends more than {MAX_CHAIN - 1} others")
        seen.add(wanted)
        data = fetch(wanted)
        if integrity is not None:
            check_integrity(data, integrity)
        document = parse(data)
        if document.vct != wanted:
            raise TypeMetadataInvalid("a document describes another type than the one asked for")
        chain.append(document)
        wanted, integrity = document.extends, document.extends_integrity
    return _merge(chain)


def choose(displays: Sequence[Display], locales: Sequence[str]) -> Display | None:
    """Return the entry for the first language that is there (RFC 4647 section 3.4, lookup).

    `zh-CN` finds `zh-CN`, then `zh`, then any other Chinese; where none of the languages is there
    the first entry serves.
    """
    for locale in locales:
        wanted = locale.lower().split("-")
        for length in range(len(wanted), 0, -1):
            tag = "-".join(wanted[:length])
            for one in displays:
                if one.locale.lower() == tag:
                    return one
        for one in displays:
            if one.locale.lower().split("-")[0] == wanted[0]:
                return one
    return displays[0] if displays else None


def pointer_of(path: ClaimPath) -> str:
    """Write a claim path as JSON Pointer (RFC 6901) with `*` for every element of an array."""
    return "".join(
        "/" + ("*" if step is None else str(step).replace("~", "~0").replace("/", "~1"))
        for step in path
    )


def _merge(chain: Sequence[Document]) -> TypeMetadata:
    claims: dict[ClaimPath, ClaimMetadata] = {}
    display: tuple[Display, ...] = ()
    for document in reversed(chain):
        # Display metadata is replaced as a whole, claim metadata property by property.
        display = display if document.display is None else document.display
        for claim in document.claims:
            claims[claim.path] = _extended(claims, claim)
    merged = tuple(claims.values())
    unique([claim.svg_id for claim in merged if claim.svg_id is not None], "svg_id")
    own = chain[0]
    return TypeMetadata(
        vct=own.vct,
        ancestors=tuple(document.vct for document in chain[1:]),
        name=own.name,
        description=own.description,
        display=display,
        claims=merged,
    )


def _extended(inherited: Mapping[ClaimPath, ClaimMetadata], claim: ClaimMetadata) -> ClaimMetadata:
    base = inherited.get(claim.path)
    if base is None:
        return claim
    if base.sd in (Sd.ALWAYS, Sd.NEVER) and claim.sd not in (None, base.sd):
        raise TypeMetadataInvalid("an extending type changes sd from always or never")
    if base.mandatory and claim.mandatory is False:
        raise TypeMetadataInvalid("an extending type makes a mandatory claim optional")
    return replace(
        base,
        display=base.display if claim.display is None else claim.display,
        mandatory=base.mandatory if claim.mandatory is None else claim.mandatory,
        sd=base.sd if claim.sd is None else claim.sd,
        svg_id=base.svg_id if claim.svg_id is None else claim.svg_id,
    )
