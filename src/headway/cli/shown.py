"""What a source gives of runs: lists, and one run as it is."""

from __future__ import annotations

import msgspec

from headway.progress.state import ShortState, State, View


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """Runs, newest first, and the name of the next page, or None."""

    runs: tuple[ShortState, ...]
    next: str | None


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One run as it is now."""

    state: State
    view: View
    cursor: str
