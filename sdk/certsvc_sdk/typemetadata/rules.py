"""Whether a certificate obeys its type's claim metadata (SD-JWT VC, "Claim Metadata")."""

from collections.abc import Collection
from enum import StrEnum
from typing import NamedTuple

from certsvc_sdk.sdjwt import Parsed
from certsvc_sdk.typemetadata.document import ClaimMetadata, ClaimPath, Sd
from certsvc_sdk.typemetadata.issued import Kind, Node, issued
from certsvc_sdk.typemetadata.resolving import TypeMetadata


class Rule(StrEnum):
    """What a certificate breaks."""

    #: The path leads through a value of another kind.
    PATH = "path"
    #: A claim that every certificate of the type holds is not there.
    MANDATORY = "mandatory"
    #: A claim stands in the clear that the issuer had to make selectively disclosable.
    SD_ALWAYS = "sd_always"
    #: A claim is selectively disclosable that had to stand in the clear.
    SD_NEVER = "sd_never"


class Breach(NamedTuple):
    """One rule that a certificate breaks."""

    path: ClaimPath
    rule: Rule


def check_claims(
    metadata: TypeMetadata, parsed: Parsed, *, profiles: Collection[str] = ()
) -> tuple[Breach, ...]:
    """Return every rule of the type that a certificate breaks, in the metadata's order.

    A presentation that withholds claims is judged by what it shows: a claim that may be among the
    withheld is not missing.

    Args:
        metadata: the type of the certificate's `vct`.
        parsed: the presentation, its issuer signature already checked.
        profiles: algorithm profiles that are switched on.

    Raises:
        Malformed, AlgorithmNotAllowed, DisclosureInvalid: as `Parsed.claims`.
    """
    root = issued(parsed, profiles)
    return tuple(breach for claim in metadata.claims for breach in _breaches(claim, root))


def _breaches(claim: ClaimMetadata, root: Node) -> list[Breach]:
    found = _select(claim, root)
    if found is None:
        return [Breach(claim.path, Rule.PATH)]
    nodes, uncertain = found
    breaches = []
    if claim.mandatory and not nodes and not uncertain:
        breaches.append(Breach(claim.path, Rule.MANDATORY))
    if claim.sd is Sd.ALWAYS and not all(node.disclosable for node in nodes):
        breaches.append(Breach(claim.path, Rule.SD_ALWAYS))
    if claim.sd is Sd.NEVER and any(node.disclosable for node in nodes):
        breaches.append(Breach(claim.path, Rule.SD_NEVER))
    return breaches


def _select(claim: ClaimMetadata, root: Node) -> tuple[list[Node], bool] | None:
    """Return the nodes at a path and whether more may be withheld; None for a path that errs."""
    selected, uncertain = [root], False
    for number, step in enumerate(claim.path, start=1):
        # What must stand in the clear cannot be the one that is withheld.
        clear = claim.sd is Sd.NEVER and number == len(claim.path)
        found: list[Node] = []
        for node in selected:
            if node.kind is Kind.WITHHELD:
                uncertain = True
            elif node.kind is not (Kind.OBJECT if isinstance(step, str) else Kind.ARRAY):
                return None
            elif isinstance(step, str):
                member = node.members.get(step)
                found.extend(() if member is None else (member,))
                uncertain = uncertain or (member is None and node.hides and not clear)
            else:
                found.extend(node.items if step is None else node.items[step : step + 1])
        selected = found
    return selected, uncertain
