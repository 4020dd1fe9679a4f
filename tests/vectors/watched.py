"""Replay all vectors under an audit hook; exit 1 if the core touches anything outside itself."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import replay

FORBIDDEN = ("open", "socket.", "sqlite3.", "subprocess.", "os.", "urllib.", "import", "exec")


def main() -> int:
    """Once to load what is loaded late, once more under the hook."""
    vectors = [vector for vector in replay.load() if vector.usable]
    for vector in vectors:
        replay.decide(vector)
    seen: list[str] = []

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event.startswith(FORBIDDEN):
            seen.append(f"{event} {arguments!r:.200}")

    sys.addaudithook(hook)
    for vector in vectors:
        replay.decide(vector)
        if seen:
            print(vector.name, *seen, sep="\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
