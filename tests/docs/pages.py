"""The pages of the documents, and the code that is in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FENCE = re.compile(r"^```(?P<language>\w*)(?P<rest>.*)$")


class Block(NamedTuple):
    """A fenced block: its language and what stands beside it, its lines, and the line on which they begin, from 1."""

    language: str
    rest: str
    line: int
    text: str


def name(page: Path) -> str:
    """The page as people name it."""
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found: list[Block] = []
    lines = page.read_text(encoding="utf-8").splitlines()
    begin: int | None = None
    for number, line in enumerate(lines):
        fence = _FENCE.match(line)
        if fence is None:
            continue
        if begin is None:
            begin = number
            continue
        opening = _FENCE.match(lines[begin])
        assert opening is not None
        text = "".join(f"{inner}\n" for inner in lines[begin + 1 : number])
        found.append(Block(opening["language"], opening["rest"].strip(), begin + 2, text))
        begin = None
    assert begin is None, f"{page} ends inside a block"
    return found
