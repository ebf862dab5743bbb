"""What all stores share of listing runs: pages' names and the search for text, as pure code."""

from __future__ import annotations

import re

from headway.errors import InvalidInput

_PAGE = re.compile(r"^[0-9]{1,18}\Z")


def parse_page(page: str) -> int:
    """The store's own number of the last run on the page before. Raises InvalidInput."""
    if not _PAGE.match(page):
        raise InvalidInput(f"{page[:40]!r} is not a page: give the 'next' of the page before")
    return int(page)


def contains(*values: object) -> bool:
    """Whether the first, a case-folded text, is in one of the others (or None), without regard to case."""
    text, *others = values
    return any(other is not None and str(text) in str(other).casefold() for other in others)
