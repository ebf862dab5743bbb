"""What is remembered of earlier runs of the same kind."""

from collections.abc import Iterable

import msgspec

KEPT_RUNS = 100
"""Runs of a (kind, variant) that are kept: enough for a 10th percentile, few enough to forget."""


class StageSpan(msgspec.Struct, frozen=True):
    """When a stage of a past run began and ended, in seconds of work from that run's start."""

    path: str
    start: float
    end: float


class PastRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run that completed.

    Attributes:
        duration: Seconds of work from start to end; time in a queue or waiting for a person is not in it.
        started: When it started, in seconds since any fixed moment.
        ended: When it ended, on the same clock.
        size: What the author said about how large the run was: any numbers.
        stages: Every stage that began and ended; they may overlap, be missing or come twice.
    """

    duration: float
    started: float = 0.0
    ended: float = 0.0
    size: dict[str, float] = {}
    stages: tuple[StageSpan, ...] = ()


class History(msgspec.Struct, frozen=True, kw_only=True):
    """The newest successful runs of one (kind, variant).

    Attributes:
        kind: For the explanation only.
        runs: At most `KEPT_RUNS`, the newest last. `newest` makes such a tuple.
        spread: How much runs of other kinds vary, as `pooled_spread` gives it; None when there are none.
    """

    kind: str
    runs: tuple[PastRun, ...] = ()
    spread: float | None = None


def newest(runs: Iterable[PastRun]) -> tuple[PastRun, ...]:
    """The `KEPT_RUNS` runs that ended last, in the order in which they ended."""
    return tuple(sorted(runs, key=lambda run: run.ended)[-KEPT_RUNS:])
