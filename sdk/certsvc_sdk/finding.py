"""What a verifier tells beside verdicts: codes found in files, and the state of its trust data."""

from dataclasses import dataclass

from certsvc_sdk.verdict import Verdict
from certsvc_sdk.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One code found in an image or PDF, with its own verdict.

    Attributes:
        page: page of the PDF from 1, None for an image.
        position: box of the code in pixels (left, top, right, bottom).
        text_kind: `url`, `digits`, `token` or `other`.
        verdict: the verdict.
    """

    page: int | None
    position: tuple[int, ...] | None
    text_kind: str
    verdict: Verdict


def kind_of(text: str) -> str:
    """Say what the text of a code looks like: `url`, `digits`, `token` or `other`."""
    stripped = text.strip()
    if stripped.isascii() and stripped.isdigit():
        return "digits"
    if "://" in stripped:
        return "url"
    return "token" if "~" in stripped else "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustState:
    """What a verifier knows of the trust data. Times are Unix seconds.

    Attributes:
        environment: `demo` or `production`, as the trust repository says of itself.
        as_of: when it was last verified as current.
        expires: when it says itself that it is too old.
        clock_floor: the latest time that signed data has proven; 0 where there was none.
    """

    environment: str
    as_of: int
    expires: int
    clock_floor: int = 0

    @classmethod
    def of(cls, world: World) -> "TrustState | None":
        """Return the state of a world's trust data; None: it has none."""
        trust = world.trust()
        if trust is None:
            return None
        return cls(
            environment=trust.env.value,
            as_of=trust.as_of,
            expires=trust.expires,
            clock_floor=max(world.clock_floor, trust.as_of),
        )
