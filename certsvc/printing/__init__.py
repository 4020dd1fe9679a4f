"""Faces of issued certificates: what is printed, sealed, signed, and exported in numbers."""
