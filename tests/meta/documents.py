"""Tables and lists in the documents, for the tests that compare them with the code."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "headway"
_NAME = re.compile(r"`([^`]+)`")


def text(path: str) -> str:
    """A document."""
    return (ROOT / path).read_text(encoding="utf-8")


def section(document: str, heading: str) -> str:
    """What stands under a heading, down to the next one of any level."""
    match = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", document, re.MULTILINE | re.DOTALL)
    assert match is not None, f"there is no section {heading!r}"
    return match[1]


def rows(document: str, columns: str) -> list[list[str]]:
    """The cells of the tables whose heading begins with these columns."""
    found: list[list[str]] = []
    inside = False
    for line in document.splitlines():
        if not line.startswith("|"):
            inside = False
        elif inside:
            found.append([cell.strip() for cell in line.strip("|").split("|")])
        elif line.startswith(columns):
            inside = True
    return [row for row in found if not set("".join(row)) <= set("-: ")]


def names(cell: str) -> list[str]:
    """What stands in backquotes."""
    return _NAME.findall(cell)


def modules() -> list[Path]:
    """The modules of the package."""
    return sorted(SOURCE.rglob("*.py"))


def module_name(path: Path) -> str:
    """The name to import a module by."""
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
