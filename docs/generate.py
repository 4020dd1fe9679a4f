"""Write the tables of the documents anew from the code, and check every link between them."""

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from certsvc_sdk.codes import CODES, REASONS, CodeInfo, markdown_table
from certsvc_sdk.notices import markdown_notices

ROOT = Path(__file__).resolve().parent.parent
TABLES: Mapping[str, Mapping[str, CodeInfo]] = {
    "Verdict codes": CODES,
    "Valid, not acceptable": REASONS,
}


def with_table(page: str, heading: str, lines: Iterable[str]) -> str:
    """`page` with the first table under the heading that ends in `heading` replaced."""
    start = page.index("|", page.index(f"· {heading}\n"))
    end = re.compile(r"^(?!\|)", re.MULTILINE).search(page, start)
    return page[:start] + "\n".join(lines) + "\n" + page[end.start() if end else len(page) :]


def broken_links() -> list[str]:
    """Links in the repository's pages that lead nowhere."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "sdk").glob("*.md")]
    return [
        f"{page.relative_to(ROOT)}: {link}"
        for page in pages
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
        if not (page.parent / link).exists()
    ]


def main() -> int:
    """Exit 1 when a link is broken."""
    errors = ROOT / "docs" / "errors.md"
    page = errors.read_text(encoding="utf-8")
    for heading, table in TABLES.items():
        page = with_table(page, heading, markdown_table(table))
    page = with_table(page, "Notices about a file", markdown_notices())
    errors.write_text(page, encoding="utf-8")
    broken = broken_links()
    for line in broken:
        print(f"broken link: {line}")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
