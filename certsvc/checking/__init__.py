"""Checks what is stored and published against itself: everything is derived anew and compared."""
