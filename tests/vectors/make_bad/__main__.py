"""Write `tests/vectors/bad/`, or with `--check` tell whether it is what would be written.

python tests/vectors/make_bad [--check]
"""

import json
import sys
from importlib import import_module
from pathlib import Path

from vector import Row, Vector
from worlds import worlds

FOLDER = Path(__file__).parents[1] / "bad"
# One module a group of threats.
GROUPS = (
    "algorithms",
    "other_algorithms",
    "keys_and_curves",
    "key_ids",
    "headers",
    "signatures",
    "json_forms",
    "depths",
    "number_forms",
    "spellings",
    "polyglots",
    "contexts",
    "environments",
    "sizes",
    "texts",
    "times",
    "disclosures",
    "clear_claims",
    "digests",
    "salts",
    "binding",
    "binding_left_out",
    "grammar",
    "status_lists",
    "status_addresses",
    "status_memory",
    "trust_records",
    "trust_ages",
    "rights",
    "log_proofs",
    "histories",
    "qr_codes",
    "typed_codes",
)


def vectors() -> list[Vector]:
    """All vectors; two of one name are a mistake."""
    rows: list[Row] = [row for group in GROUPS for row in import_module(group).rows()]
    made = [vector for row in rows for vector in row.vectors]
    names = [vector.file for vector in made]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SystemExit(f"made twice: {', '.join(twice)}")
    return made


def files() -> dict[str, str]:
    """Name inside the folder -> text."""
    made = {vector.file: vector.text() for vector in vectors()}
    for name, world in worlds().items():
        made[f"worlds/{name}.json"] = json.dumps(world, ensure_ascii=False, indent=1) + "\n"
    return made


def main() -> int:
    """Write, or check."""
    wanted = files()
    there = {
        str(path.relative_to(FOLDER)): path.read_text(encoding="utf-8")
        for path in [*FOLDER.glob("T*.json"), *FOLDER.glob("worlds/*.json")]
    }
    different = sorted(
        name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name)
    )
    if "--check" in sys.argv[1:]:
        print(*different, sep="\n")
        return bool(different)
    for name in different:
        path = FOLDER / name
        if name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[name], encoding="utf-8")
        else:
            path.unlink()
    print(f"{len(wanted)} files, {len(different)} written or removed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
