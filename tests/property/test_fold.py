"""Whatever a log holds, in whatever order: the fold takes it, and its state keeps what it promises."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import pairwise
from math import floor

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from headway.progress.fold import Fold
from headway.progress.state import StageState, State
from headway.progress.transitions import RUN_ENDED, STAGE_ENDED
from headway.protocol import limits
from headway.protocol.codec import data_of, data_of_draft
from headway.protocol.events import Draft, Event
from tests.property.histories import drafts, stored


def through_json(state: State) -> State:
    return msgspec.json.decode(msgspec.json.encode(state), type=State)


def states(events: list[Event]) -> list[State]:
    """The state before the first event, and after each."""
    fold = Fold("run-1")
    found = [fold.state()]
    for event in events:
        fold.apply(event)
        found.append(fold.state())
    return found


@given(drafts())
def test_a_state_is_enough_to_fold_on_from(reports: list[Draft]) -> None:
    events = stored(reports)
    on_the_way = states(events)
    for event, (before, after) in zip(events, pairwise(on_the_way), strict=True):
        fold = Fold.restore(through_json(before))
        assert fold.state() == before
        fold.apply(event)
        assert msgspec.json.encode(fold.state()) == msgspec.json.encode(after)


@given(drafts())
def test_progress_never_decreases(reports: list[Draft]) -> None:
    on_the_way = states(stored(reports))
    for before, after in pairwise(on_the_way):
        assert before.progress <= after.progress <= 1
        kept = {stage.path: stage.progress for stage in before.stages}
        assert all(kept.get(stage.path, 0) <= stage.progress <= 1 for stage in after.stages)


@given(drafts())
def test_the_sums_are_what_they_are_from_scratch(reports: list[Draft]) -> None:
    events = stored(reports)
    on_the_way = states(events)
    for before, after in pairwise(on_the_way):
        shown = {stage.path: stage.progress for stage in before.stages}
        for stage in after.stages:
            children = [one for one in after.stages if one.path.rpartition("/")[0] == stage.path]
            if children and stage.status not in STAGE_ENDED:
                assert millionths(stage.progress) == max(millionths(shown.get(stage.path, 0)), mean(children))
        top = [stage for stage in after.stages if "/" not in stage.path]
        if top and after.status not in RUN_ENDED:
            assert millionths(after.progress) == max(millionths(before.progress), mean(top))


def millionths(progress: float) -> int:
    return round(progress * 1_000_000)


def mean(children: list[StageState]) -> int:
    """The weighted mean, written the long way."""
    weights = {one.path: weight(one) for one in children if one.weight is not None}
    usual = floor(Fraction(sum(weights.values()), len(weights))) if weights else 0
    work = sum(weights.get(one.path, usual) * millionths(one.progress) for one in children)
    total = sum(weights.get(one.path, usual) for one in children)
    if total == 0:
        return floor(Fraction(sum(millionths(one.progress) for one in children), len(children)))
    assert work <= 2**53
    return floor(Fraction(work, total))


def weight(stage: StageState) -> int:
    assert stage.weight is not None
    return min(max(floor(stage.weight * 1000 + 0.5), 0), limits.WEIGHT_MAX * 1000)


@given(drafts(), st.randoms(use_true_random=False))
def test_any_order_is_taken_and_stays_within_the_limits(reports: list[Draft], chance: random.Random) -> None:
    chance.shuffle(reports)
    state = states(stored(reports))[-1]
    assert through_json(state) == state
    assert state.seq == len(reports)
    assert len(state.stages) <= limits.STAGES_PER_RUN
    assert len(state.highlights) <= limits.HIGHLIGHTS_KEPT
    assert len(state.notes) <= limits.NOTES_KEPT
    assert len(state.errors.recent) == min(state.errors.total, limits.ERRORS_KEPT)
    assert len(state.screenshots) <= limits.SCREENSHOTS_KEPT
    counts = state.findings.by_severity
    assert state.findings.total == counts.critical + counts.high + counts.medium + counts.low
    paths = [stage.path for stage in state.stages]
    assert all(path.rpartition("/")[0] in ("", *paths[:place]) for place, path in enumerate(paths))


@given(drafts())
def test_when_a_run_has_ended_so_has_every_stage_and_nothing_moves(reports: list[Draft]) -> None:
    on_the_way = states(stored(reports))
    ended = [state for state in on_the_way if state.status in RUN_ENDED]
    for state in ended:
        assert {stage.status for stage in state.stages} <= STAGE_ENDED
        assert state.progress == 1 or state.status != "completed"
        assert msgspec.structs.replace(state, seq=0) == msgspec.structs.replace(ended[0], seq=0)


@given(drafts(most=60))
def test_a_state_is_not_changed_by_what_comes_later(reports: list[Draft]) -> None:
    fold = Fold("run-1")
    kept = []
    for event in stored(reports):
        fold.apply(event)
        state = fold.state()
        kept.append((state, msgspec.json.encode(state)))
    assert all(msgspec.json.encode(state) == body for state, body in kept)


@given(drafts())
def test_typed_data_fold_like_stored_ones(reports: list[Draft]) -> None:
    events = stored(reports)
    typed = Fold("run-1")
    for event, report in zip(events, reports, strict=True):
        assert data_of(event) == data_of_draft(report)
        typed.apply_parts(event.seq, report.at, report.type, report.stage, data_of_draft(report))
    assert typed.state() == states(events)[-1]


@given(drafts())
def test_the_short_forms_say_what_the_state_says(reports: list[Draft]) -> None:
    fold = Fold("run-1")
    for event in stored(reports):
        fold.apply(event)
        shown = msgspec.structs.asdict(fold.state())
        short = {**msgspec.structs.asdict(fold.short_state()), "view": None}
        assert msgspec.structs.asdict(fold.short()).items() <= shown.items()
        assert short == {name: shown.get(name) for name in short}
