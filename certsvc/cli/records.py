"""The fictional demo records that ship with the package."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def demo_records(type_name: str) -> list[dict[str, Any]]:
    """Fictional records of one certificate type; division 9999xx does not exist."""
    text = files("certsvc").joinpath("demo", f"{type_name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]
