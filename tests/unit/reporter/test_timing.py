"""What a run tells of its durations."""

from __future__ import annotations

from headway.reporter.timing import Timing


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


def test_waits_are_left_out_of_a_stage_that_they_fall_into_and_not_of_its_beginning() -> None:
    clock = Clock()
    timing = Timing(clock)
    clock.now += 10
    timing.ended("load", 10)
    clock.now += 5
    with timing.waiting():
        clock.now += 400
    clock.now += 10
    timing.ended("scan", 415)
    assert timing.spans() == {"load": (0, 10), "scan": (10, 25)}
    assert timing.durations() == {"load": 10, "scan": 415}
    assert timing.waited() == 400


def test_a_stage_that_ends_while_somebody_is_asked_ended_before_it_was_waited() -> None:
    clock = Clock()
    timing = Timing(clock)
    with timing.waiting():
        clock.now += 30
    clock.now += 20
    with timing.waiting():
        clock.now += 100
        timing.ended("beside", 110)
    assert timing.spans() == {"beside": (10, 20)}


def test_a_stage_that_is_opened_again_spans_from_its_first_start() -> None:
    clock = Clock()
    timing = Timing(clock)
    for _ in range(2):
        clock.now += 10
        timing.ended("again", 5)
    assert timing.spans() == {"again": (5, 20)}
    assert timing.durations() == {"again": 10}


def test_waits_side_by_side_count_once() -> None:
    clock = Clock()
    timing = Timing(clock)
    with timing.waiting():
        clock.now += 10
        with timing.waiting():
            clock.now += 10
        clock.now += 10
    with timing.waiting():
        clock.now += 1
    assert timing.waited() == 31


def test_a_stage_may_have_ended_before_that_is_told() -> None:
    clock = Clock()
    timing = Timing(clock)
    clock.now += 10
    ended_at = clock.now
    clock.now += 5
    timing.ended("left", 4, at=ended_at)
    assert timing.spans() == {"left": (6, 10)}
