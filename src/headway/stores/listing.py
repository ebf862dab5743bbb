"""What all stores share of listing runs: pages' names and the search for text, as pure code.

A store may leave ``fits`` to its database, as long as that comes to the same.
"""

from __future__ import annotations

import re

from headway.errors import InvalidInput
from headway.ports import RunFilter
from headway.stores.rows import RunRow

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


def fits(row: RunRow, filter_: RunFilter) -> bool:
    """Whether a run is in the list that is asked for."""
    return (
        filter_.kind in (None, row.kind)
        and filter_.status in (None, row.status)
        and (filter_.since is None or row.created_at >= filter_.since)
        and (filter_.runs is None or row.run_id.startswith(filter_.runs))
        and (filter_.text is None or contains(filter_.text.casefold(), row.run_id, row.kind, row.title))
    )
