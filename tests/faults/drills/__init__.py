"""Worlds to break, processes to kill, and what must hold afterwards."""
