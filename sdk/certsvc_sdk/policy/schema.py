"""The JSON Schema (2020-12) of policies: for editors, configuration tools and other programs.

`Policy.from_json` does not use it; a test holds the two to each other. What no schema says and
`from_json` refuses: `max_version` below `min_version`.
"""

import json
from pathlib import Path
from typing import Any


def policy_schema() -> dict[str, Any]:
    """Return the schema of one policy; `$defs/policies` is that of a department's file."""
    schema: dict[str, Any] = json.loads(schema_text())
    return schema


def schema_text() -> str:
    """Return the schema as it is shipped."""
    return Path(__file__).with_name("policy.schema.json").read_text(encoding="utf-8")
