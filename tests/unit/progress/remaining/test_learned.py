"""The default estimator."""

from __future__ import annotations

import pytest

from headway.progress.remaining import (
    EndedStage,
    Estimate,
    History,
    Learned,
    PastRun,
    PlannedStage,
    QueuePlace,
    RunningStage,
    Situation,
    StageSpan,
)
from tests.unit.progress.remaining.samples import history, run, total


def ask(situation: Situation, past: History) -> Estimate:
    estimate = Learned().estimate(situation, past)
    assert estimate is not None
    return estimate


def test_nothing_known_gives_no_number() -> None:
    assert Learned().estimate(Situation(elapsed=3.0), history()) is None


def test_expectations_give_a_plan_and_say_so() -> None:
    situation = Situation(
        elapsed=4.0, running=(RunningStage("a", 0.0, expect=10.0),), planned=(PlannedStage("b", 30.0),)
    )
    estimate = ask(situation, history())
    assert (estimate.remaining, estimate.basis, estimate.runs) == (36.0, "plan", 0)
    assert estimate.explanation == "from the plan"


def test_stages_side_by_side_are_expected_to_take_as_long_as_the_longest() -> None:
    running = (RunningStage("a", 0.0, expect=10.0), RunningStage("b", 0.0, expect=30.0))
    assert ask(Situation(elapsed=4.0, running=running), history()).remaining == 26.0


def test_a_stage_without_expectation_leaves_the_plan_silent() -> None:
    situation = Situation(
        elapsed=4.0, running=(RunningStage("a", 0.0),), planned=(PlannedStage("b", 30.0),), progress=None
    )
    assert Learned().estimate(situation, history()) is None


def test_without_history_progress_gives_the_rate() -> None:
    estimate = ask(Situation(elapsed=30.0, progress=0.25, progress_at=30.0), history())
    assert (estimate.remaining, estimate.basis) == (90.0, "rate")


@pytest.mark.parametrize("size", [1, 2, 3, 20])
def test_steady_runs_are_foretold(size: int) -> None:
    estimate = ask(Situation(elapsed=0.0), history(*[total(100.0)] * size))
    assert estimate.remaining == pytest.approx(100.0, rel=0.02)
    assert (estimate.basis, estimate.runs) == ("history", size)


def test_the_explanation_names_runs_and_kind() -> None:
    assert ask(Situation(elapsed=0.0), history(total(9.0))).explanation == "from 1 run of video-summary"
    two = ask(Situation(elapsed=0.0), history(total(9.0), total(9.0)))
    assert two.explanation == "from 2 runs of video-summary"


def test_two_or_three_runs_give_their_geometric_mean() -> None:
    estimate = ask(Situation(elapsed=0.0), history(total(95.0), total(105.0)))
    assert estimate.remaining == pytest.approx(99.8, rel=0.02)


def test_few_runs_are_shrunk_towards_the_plan_and_many_are_not() -> None:
    situation = Situation(elapsed=0.0, planned=(PlannedStage("a", 50.0),))
    assert ask(situation, history(total(100.0))).remaining == pytest.approx(70.7, rel=0.02)
    assert ask(situation, history(*[total(100.0)] * 4)).remaining == pytest.approx(100.0, rel=0.02)


def test_a_stuck_run_does_not_count() -> None:
    runs = [total(100.0 + n % 5) for n in range(20)]
    runs[-2] = total(1e6)
    assert ask(Situation(elapsed=0.0), history(*runs)).remaining == pytest.approx(102.0, abs=3)


def test_a_new_level_outweighs_old_history_after_three_runs() -> None:
    runs = [total(100.0 + n % 5) for n in range(40)] + [total(50.0 + n) for n in range(3)]
    assert ask(Situation(elapsed=0.0), history(*runs)).remaining == pytest.approx(51.0, abs=3)


def test_a_second_way_through_that_was_always_there_is_no_new_level() -> None:
    runs = [total(30.0 if n % 5 == 0 else 100.0 + n % 3) for n in range(40)] + [total(30.0), total(30.0)]
    assert ask(Situation(elapsed=0.0), history(*runs)).remaining == pytest.approx(101.0, abs=4)


def test_the_stage_that_ended_last_decides() -> None:
    past = history(*[run(10.0, 20.0 + n, 30.0) for n in range(8)])
    ended = (EndedStage("a", 0.0, 10.0), EndedStage("b", 10.0, 70.0))
    estimate = ask(Situation(elapsed=70.0, ended=ended, running=(RunningStage("c", 70.0),)), past)
    assert estimate.remaining == pytest.approx(30.0, rel=0.05)


def test_the_way_taken_decides_between_two_groups() -> None:
    short, long = run(5.0, 15.0, names="ax"), run(5.0, 95.0, names="ay")
    past = history(*[short, long] * 6)
    ended = (EndedStage("a", 0.0, 5.0),)
    for name, expected in (("x", 14.0), ("y", 94.0)):
        situation = Situation(elapsed=6.0, ended=ended, running=(RunningStage(name, 5.0),))
        assert ask(situation, past).remaining == pytest.approx(expected, rel=0.1)


def test_having_outlived_the_short_group_points_to_the_long_one() -> None:
    past = history(*[total(20.0), total(20.5), total(100.0)] * 6)
    assert ask(Situation(elapsed=1.0), past).remaining == pytest.approx(19.0, abs=2)
    assert ask(Situation(elapsed=40.0), past).remaining == pytest.approx(60.0, abs=6)


def test_an_overrun_is_never_zero_grows_and_says_so() -> None:
    past = history(*[total(100.0 + n % 3) for n in range(20)])
    usual, over, far = (ask(Situation(elapsed=now), past) for now in (50.0, 120.0, 400.0))
    assert not usual.overdue
    assert over.overdue
    assert 0 < over.remaining < far.remaining
    assert far.explanation == "longer than usual, from 20 runs of video-summary"


def test_size_counts_once_it_has_foretold_past_runs() -> None:
    sizes = [1.0, 2.0, 4.0, 8.0, 3.0, 6.0]
    past = history(*[total(10.0 * size, bytes=size) for size in sizes])
    assert ask(Situation(elapsed=0.0, size={"bytes": 16.0}), past).remaining == pytest.approx(160.0, rel=0.15)


def test_a_size_that_says_nothing_is_ignored() -> None:
    past = history(*[total(100.0 + n % 4, seed=float(7**n % 101)) for n in range(20)])
    assert ask(Situation(elapsed=0.0, size={"seed": 1e6}), past).remaining == pytest.approx(101.0, abs=4)


def test_sizes_multiply() -> None:
    past = [
        total(0.001 * steps * width, steps=steps, width=width)
        for steps in (20.0, 30.0, 50.0)
        for width in (512.0, 768.0, 1024.0)
    ]
    estimate = ask(Situation(elapsed=0.0, size={"steps": 40.0, "width": 640.0}), history(*past))
    assert estimate.remaining == pytest.approx(25.6, rel=0.1)


def epochs(count: int, seconds: float) -> PastRun:
    spans = tuple(StageSpan(f"epoch-{n}", n * seconds, (n + 1) * seconds) for n in range(count))
    return PastRun(duration=count * seconds, stages=spans, size={"epochs": float(count)})


def test_a_series_goes_by_this_runs_pace_and_its_number() -> None:
    past = history(*[epochs(count, 10.0) for count in (10, 20, 15, 30)])
    ended = tuple(EndedStage(f"epoch-{n}", n * 25.0, (n + 1) * 25.0) for n in range(8))
    situation = Situation(elapsed=200.0, ended=ended, size={"epochs": 40.0})
    assert ask(situation, past).remaining == pytest.approx(32 * 25.0, rel=0.05)


def test_the_pace_of_this_run_counts_when_it_did_in_the_past() -> None:
    past = history(*[run(20.0 * pace, 80.0 * pace) for pace in (1.0, 1.5, 0.7, 1.2, 0.9, 2.0, 1.7, 1.1)])
    situation = Situation(elapsed=60.0, ended=(EndedStage("a", 0.0, 60.0),), running=(RunningStage("b", 60.0),))
    assert ask(situation, past).remaining == pytest.approx(240.0, rel=0.15)


def progressed(begun: float, at: float, progress: float, elapsed: float) -> Situation:
    stage = RunningStage("a", begun, progress=progress, progress_at=at, total=100)
    return Situation(elapsed=elapsed, running=(stage,))


def test_sub_progress_draws_the_estimate_to_the_stages_own_pace() -> None:
    past = history(*[run(100.0 + n, 50.0) for n in range(10)])
    plain = ask(Situation(elapsed=90.0, running=(RunningStage("a", 0.0),)), past)
    slow = ask(progressed(0.0, 90.0, 0.3, 90.0), past)
    assert plain.remaining == pytest.approx(64.0, abs=5)
    assert plain.remaining + 20 < slow.remaining < 260.0


def test_in_the_first_five_seconds_history_is_trusted_more() -> None:
    past = history(*[run(100.0 + n, 50.0) for n in range(10)])
    early = ask(progressed(0.0, 2.0, 0.5, 2.0), past)
    assert early.remaining > (150.0 + 52.0) / 2


def test_a_queued_run_waits_for_those_before_it() -> None:
    past = history(*[total(60.0)] * 5)
    estimate = ask(Situation(elapsed=0.0, queue=QueuePlace(position=3)), past)
    assert estimate.basis == "queue"
    assert estimate.remaining == pytest.approx(180.0, rel=0.02)
    assert estimate.explanation == "3 runs ahead"
    side_by_side = ask(Situation(elapsed=0.0, queue=QueuePlace(position=3, slots=2)), past)
    assert side_by_side.remaining == pytest.approx(120.0, rel=0.02)


def test_more_runs_narrow_the_interval() -> None:
    few, many = (ask(Situation(elapsed=0.0), history(*[total(100.0)] * runs)) for runs in (1, 50))
    assert many.high - many.low < (few.high - few.low) / 3


def test_a_borrowed_spread_widens_the_interval_of_few_runs() -> None:
    steady, varied = (
        ask(Situation(elapsed=0.0), History(kind="k", runs=(total(100.0),), spread=spread)) for spread in (0.05, 0.5)
    )
    assert varied.high - varied.low > 3 * (steady.high - steady.low)


def test_a_profile_is_made_once_for_a_history() -> None:
    chosen, past = Learned(), history(total(10.0))
    assert chosen.profile(past, {}) is chosen.profile(past, {})


def test_warm_up_holds_even_where_history_varies_a_lot() -> None:
    past = history(*[run(seconds, 1.0) for seconds in (20.0, 100.0, 400.0, 40.0, 200.0, 300.0)])
    plain = ask(Situation(elapsed=4.0, running=(RunningStage("a", 0.0),)), past)
    early = ask(progressed(0.0, 4.0, 0.8, 4.0), past)
    assert early.remaining > plain.remaining / 2


def test_a_step_that_is_late_counts() -> None:
    on_time = ask(Situation(elapsed=10.0, progress=0.5, progress_at=10.0), history())
    late = ask(Situation(elapsed=44.0, progress=0.5, progress_at=10.0), history())
    assert on_time.remaining == 10.0
    assert late.remaining == pytest.approx(44.0 / 0.55 - 44.0)


def test_a_size_far_from_all_known_ones_widens_the_interval() -> None:
    past = history(total(100.0, bytes=1.0))
    near, far = (ask(Situation(elapsed=0.0, size={"bytes": size}), past) for size in (1.0, 50.0))
    assert far.high / far.low > 3 * near.high / near.low


def test_no_size_makes_a_run_more_than_a_thousand_times_as_long() -> None:
    past = history(total(100.0, bytes=1.0))
    assert ask(Situation(elapsed=0.0, size={"bytes": 1e12}), past).remaining < 101_000.0


def test_between_stages_the_end_of_the_last_one_counts() -> None:
    past = history(*[run(10.0, 50.0, names="ab") for _ in range(10)])
    estimate = ask(Situation(elapsed=40.0, ended=(EndedStage("a", 0.0, 40.0),)), past)
    assert estimate.remaining == pytest.approx(50.0, rel=0.05)


def test_newer_runs_count_more() -> None:
    runs = [total(100.0), total(100.4)] * 20 + [total(104.0), total(104.4)] * 13
    assert ask(Situation(elapsed=0.0), history(*runs)).remaining == pytest.approx(104.2, abs=1)


def test_of_two_equal_groups_the_shorter_is_expected_since_errors_weigh_more_there() -> None:
    past = history(*[total(50.0), total(100.0)] * 10)
    assert ask(Situation(elapsed=0.0), past).remaining == pytest.approx(50.0, abs=3)


def test_one_run_is_enough_to_see_which_number_is_the_count() -> None:
    ended = tuple(EndedStage(f"epoch-{n}", n * 10.0, (n + 1) * 10.0) for n in range(12))
    situation = Situation(elapsed=120.0, ended=ended, size={"epochs": 40.0})
    assert ask(situation, history(epochs(10, 10.0))).remaining == pytest.approx(280.0, rel=0.01)


def test_no_end_comes_nearer_when_one_source_overtakes_another() -> None:
    like = [StageSpan("epoch-1", 0.0, 0.0)] * 4
    load, other = StageSpan("load", 0.0, 0.0), StageSpan("epoch-2", 0.0, 0.0)
    runs = (
        PastRun(duration=0.0, stages=tuple(like)),
        PastRun(duration=0.0, stages=(load, *like)),
        PastRun(duration=1.0),
        PastRun(duration=100.0, stages=(load, *like[:3], other)),
    )
    past = History(kind="odd", runs=runs, spread=2.0)
    running = (RunningStage("load", 0.0), RunningStage("epoch-2", 0.0))
    ended = (EndedStage("epoch-1", 0.0, 0.0), EndedStage("epoch-2", 0.0, 0.0))
    ends = [
        now + ask(Situation(elapsed=now, running=running, ended=ended), past).remaining for now in range(700, 1200, 20)
    ]
    assert ends == sorted(ends)
