"""The view: what a clock and history add to a state, both given as arguments."""

from __future__ import annotations

from typing import Protocol

from headway.progress.state import Basis, Eta, ShortState, State, View
from headway.progress.transitions import RUN_ENDED
from headway.protocol.times import to_text, to_unix


class Estimate(Protocol):
    """What is known of the time that remains, in seconds."""

    @property
    def remaining(self) -> float:
        """The middle of what is expected."""

    @property
    def low(self) -> float:
        """The 10th percentile."""

    @property
    def high(self) -> float:
        """The 90th percentile."""

    @property
    def basis(self) -> Basis:
        """What it rests on."""

    @property
    def runs(self) -> int:
        """How many earlier runs it rests on."""

    @property
    def overdue(self) -> bool:
        """Whether it takes longer than nine in ten did."""

    @property
    def explanation(self) -> str:
        """What it rests on, in words."""


def view(state: State | ShortState, now_unix_s: float, estimate: Estimate | None) -> View:
    """The view of a run at a time.

    Args:
        state: The run, whole or short.
        now_unix_s: Seconds since 1970, by the clock whose times the events carry.
        estimate: What is known of the time that remains, or None; left out when the run has ended.
    """
    return View(
        now=to_text(now_unix_s),
        elapsed=_elapsed_s(state, now_unix_s),
        eta=None if estimate is None or state.status in RUN_ENDED else _eta(estimate),
        queue=state.queue,
    )


def view_then(state: State, now_unix_s: float) -> View:
    """The view of a run as it was, at the time of its newest event; nobody knows what would have been estimated.

    Args:
        state: The run.
        now_unix_s: Taken where that time is not known.
    """
    then = unix_s(state.last_event_at)
    return view(state, now_unix_s if then is None else then, None)


def _eta(estimate: Estimate) -> Eta:
    return Eta(
        remaining=estimate.remaining,
        low=estimate.low,
        high=estimate.high,
        basis=estimate.basis,
        runs=estimate.runs,
        overdue=estimate.overdue,
        explanation=estimate.explanation,
    )


def _elapsed_s(state: State | ShortState, now_unix_s: float) -> float | None:
    """Seconds since the start, or from it to the end; None before it; in whole milliseconds, never negative."""
    started = unix_s(state.started_at)
    if started is None:
        return None
    ended = unix_s(state.ended_at)
    return max(0.0, round((now_unix_s if ended is None else ended) - started, 3))


def unix_s(at: str | None) -> float | None:
    """A time that a stranger may have written: of the right form, but perhaps no day of any calendar."""
    if at is None:
        return None
    try:
        return to_unix(at)
    except ValueError:
        return None
