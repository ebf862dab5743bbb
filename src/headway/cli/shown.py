"""What a source gives of runs: lists, one run as it is, and what was removed."""

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


class Removal(msgspec.Struct, frozen=True, kw_only=True):
    """What was removed, or would be: the ids, and the bytes of their events if they are known."""

    runs: tuple[str, ...]
    size_bytes: int | None = None
