"""What a store lists, remembers, sweeps and removes."""

from __future__ import annotations

import msgspec

from headway.ports.log import Header
from headway.protocol.events import Size

PAST_RUNS_KEPT = 100
"""Durations kept per kind and variant: more would remember machines and inputs that are gone."""


class RunFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs to list: all members that are given must fit.

    ``text`` is looked for in the id, the kind and the title, without regard to case. ``since`` is a time; runs that
    were created at or after it fit. ``runs`` are prefixes of ids, one of which must fit.
    """

    kind: str | None = None
    status: str | None = None
    text: str | None = None
    since: str | None = None
    runs: tuple[str, ...] | None = None


class RunPage(msgspec.Struct, frozen=True, kw_only=True):
    """Runs, newest first, and the opaque name of the next page, or None."""

    headers: tuple[Header, ...]
    next: str | None


class PastRun(msgspec.Struct, frozen=True, kw_only=True):
    """A completed run as the estimates remember it, kept when the run itself is removed.

    Attributes:
        run_id: The run.
        ended_at: When it completed, as a time.
        duration: Seconds of work.
        stages: A stage's path → (start, end) in seconds from the run's start.
        size: What its author said of its size.
    """

    run_id: str
    ended_at: str
    duration: float
    stages: dict[str, tuple[float, float]]
    size: Size | None = None


class SweepRules(msgspec.Struct, frozen=True, kw_only=True):
    """How long the silent are waited for, in seconds."""

    lost_to_failed_s: float = 300.0
    unowned_to_failed_s: float = 600.0


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """What a sweep did, by run id."""

    lost: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    helpers: tuple[str, ...] = ()


class Lifetime(msgspec.Struct, frozen=True, kw_only=True):
    """How long ended runs are kept: those that fit all members that are given.

    Attributes:
        kind: Runs of this kind.
        status: Runs that ended so.
        kept_s: Seconds from their end, or from when they came here if that was later; None for ever.
    """

    kind: str | None = None
    status: str | None = None
    kept_s: float | None = None


class PrunePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Which ended runs to remove. Runs that have not ended are never removed.

    Attributes:
        older_than_s: Those that ended longer ago than this, and came here longer ago, with an import for instance.
        max_runs: The oldest ones beyond this many ended runs.
        max_bytes: The oldest ones, until the events of all runs have at most this many bytes.
        kind: Only runs of this kind.
        status: Only runs that ended so.
        lifetimes: Runs that one of these fits are kept for as long as it says instead of ``older_than_s``; of several
            the longest counts.
    """

    older_than_s: float | None = None
    max_runs: int | None = None
    max_bytes: int | None = None
    kind: str | None = None
    status: str | None = None
    lifetimes: tuple[Lifetime, ...] = ()


class Pruned(msgspec.Struct, frozen=True, kw_only=True):
    """What was removed, or would be: the ids, and the bytes of their events."""

    runs: tuple[str, ...]
    size_bytes: int
