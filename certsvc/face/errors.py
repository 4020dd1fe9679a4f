# ruff: noqa: N818 — names say what is wrong
"""Every way this room says no.

FaceError
└── SymbolTooLarge   the text does not fit a symbol that prints and scans well
"""


class FaceError(Exception):
    """Root of the errors of this package; `code` is stable and documented."""

    code: str = "face_error"


class SymbolTooLarge(FaceError):
    """No allowed QR version holds the text; issue the core profile instead."""

    code = "qr_too_large"
