from __future__ import annotations

from typing import NamedTuple

import pytest

from headway.progress.state import Basis, Eta, Queue, ShortState, State
from headway.progress.view import view, view_then
from headway.protocol.events import RunStatus
from headway.protocol.times import to_unix

STARTED = "2026-11-20T19:41:03.120Z"
NOW = "2026-11-20T19:41:44.320Z"
AN_HOUR_BEFORE = "2026-11-20T18:41:03.120Z"


class Guess(NamedTuple):
    remaining: float = 23.0
    low: float = 17.5
    high: float = 31.0
    basis: Basis = "history"
    runs: int = 14
    overdue: bool = True
    explanation: str = "from 14 runs of audit"


def test_a_running_run_has_elapsed_and_remaining() -> None:
    shown = view(State(run_id="r", status="running", started_at=STARTED), to_unix(NOW), Guess())
    assert shown.now == NOW
    assert shown.elapsed == 41.2
    assert shown.eta == Eta(
        remaining=23.0,
        low=17.5,
        high=31.0,
        basis="history",
        runs=14,
        overdue=True,
        explanation="from 14 runs of audit",
    )
    assert shown.queue is None


def test_nothing_known_is_null() -> None:
    assert view(State(run_id="r", status="running", started_at=STARTED), to_unix(NOW), None).eta is None


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_an_ended_run_stands_still(status: RunStatus) -> None:
    state = State(run_id="r", status=status, started_at=AN_HOUR_BEFORE, ended_at=STARTED)
    shown = view(state, to_unix(NOW), Guess())
    assert shown.eta is None
    assert shown.elapsed == 3600.0


def test_a_queued_run_shows_its_place_and_no_time() -> None:
    queue = Queue(position=2, of=9)
    shown = view(ShortState(run_id="r", queue=queue), to_unix(NOW), Guess(basis="queue"))
    assert shown.queue == queue
    assert shown.elapsed is None
    assert shown.eta is not None


@pytest.mark.parametrize("started_at", ["2026-02-30T00:00:00.000Z", "2026-13-01T00:00:00.000Z"])
def test_a_day_of_no_calendar_is_not_known(started_at: str) -> None:
    assert view(State(run_id="r", started_at=started_at), to_unix(NOW), None).elapsed is None


def test_a_start_in_the_future_has_not_elapsed() -> None:
    assert view(State(run_id="r", started_at=NOW), to_unix(STARTED), None).elapsed == 0.0


@pytest.mark.parametrize(("at", "now", "elapsed"), [(NOW, NOW, 41.2), (None, AN_HOUR_BEFORE, 0.0)])
def test_a_past_run_is_seen_at_its_newest_event_if_that_has_a_time(at: str | None, now: str, elapsed: float) -> None:
    shown = view_then(State(run_id="r", started_at=STARTED, last_event_at=at), to_unix(AN_HOUR_BEFORE))
    assert (shown.now, shown.elapsed, shown.eta) == (now, elapsed, None)
