"""What a verifier tells beside verdicts: what a file holds, and the state of its trust data."""

from dataclasses import dataclass

from certsvc_sdk.notices import Notice
from certsvc_sdk.verdict import Verdict
from certsvc_sdk.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found in an image or PDF, with its own verdict.

    Attributes:
        page: page of the PDF or TIFF from 1; None for another image, and for attachments.
        position: left, top, right, bottom of its box: pixels of the upright image, or points
            (1/72 inch) from the top left corner of a PDF page; None for attachments.
        text_kind: `url`, `digits`, `token` or `other`; `none` where a symbol cannot be read.
        kind: `qr`, `attachment` or `barcode`; `text` where no file was read.
        name: file name of an attachment.
        certificate: number of the certificate within its file, from 1: equal numbers are one
            certificate in several places. None: it is no certificate, or cannot be read.
        notices: what is to be said of the file around it.
        verdict: the verdict.
    """

    page: int | None
    position: tuple[int, ...] | None
    text_kind: str
    verdict: Verdict
    kind: str = "qr"
    name: str | None = None
    certificate: int | None = None
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """Everything that was found in a file.

    Attributes:
        findings: attachments first, then codes by page and position; never merged, never chosen.
        pages: number of pages of a PDF or TIFF; None for any other image.
    """

    findings: tuple[Finding, ...]
    pages: int | None = None

    @property
    def certificates(self) -> int:
        """How many different certificates there are."""
        return len({one.certificate for one in self.findings} - {None})

    @property
    def pages_without(self) -> tuple[int, ...]:
        """Pages on which no certificate was found: nobody has checked what they say."""
        held = {one.page for one in self.findings if one.certificate is not None}
        return tuple(page for page in range(1, (self.pages or 0) + 1) if page not in held)


def kind_of(text: str) -> str:
    """Say what the text of a code looks like: `url`, `digits`, `token`, `other` or `none`."""
    stripped = text.strip()
    if not stripped:
        return "none"
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
