"""What a certificate looks like: its QR symbol as SVG, PNG and terminal text."""

from certsvc.face.errors import FaceError, SymbolTooLarge
from certsvc.face.qr import Symbol, png, qr_symbol, svg, terminal

__all__ = ["FaceError", "Symbol", "SymbolTooLarge", "png", "qr_symbol", "svg", "terminal"]
