# ruff: noqa: N818 - names say what is wrong
"""Why a face is not printed, besides what `certsvc.face.errors` says of the face itself.

PrintingError
├── PressBusy               too many faces wait already
├── FaceUnknown             the certificate's type is not known to this release
├── PressTimeout            the typesetter took longer than it may
├── PressUnavailable        the typesetter does not start, or ended in the middle
└── SignatureUnavailable    PDFs are to be signed, and this one cannot be
"""

from typing import ClassVar


class PrintingError(Exception):
    """Root of the errors of this package; `code` is stable and documented."""

    code: ClassVar[str] = "printing_error"


class PressBusy(PrintingError):
    """Others are printing, and enough wait behind them."""

    code = "press_busy"


class PressTimeout(PrintingError):
    """No certificate should take so long; its press was ended."""

    code = "press_timeout"


class PressUnavailable(PrintingError):
    """No press could be started or kept."""

    code = "press_unavailable"


class SignatureUnavailable(PrintingError):
    """The key, its certificate or the time-stamping service is missing, or refused."""

    code = "signature_unavailable"


class FaceUnknown(PrintingError):
    """A later release issued it; this one does not know what its face looks like."""

    code = "face_unknown"
