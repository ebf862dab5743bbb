from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from headway.errors import InvalidEvent, InvalidInput
from headway.progress.fold import Fold
from headway.progress.state import State
from headway.protocol import events as ev
from headway.protocol.events import Event
from tests.unit.cost import cost

AT = "2026-11-20T19:41:03.120Z"


def begun() -> Fold:
    fold = Fold("run-1")
    fold.apply_parts(1, AT, "run.created", None, ev.RunCreated(kind="demo"))
    return fold


@pytest.mark.parametrize("seq", [0, 1, 3])
def test_only_the_next_event_is_taken(seq: int) -> None:
    fold = begun()
    before = fold.state()
    with pytest.raises(InvalidEvent, match=f"event {seq} cannot follow event 1 of run 'run-1'"):
        fold.apply(Event(seq=seq, at=AT, type="note", data=msgspec.Raw(b'{"text": "t"}')))
    assert fold.state() == before


def test_an_ended_run_takes_only_the_next_event_too() -> None:
    fold = begun()
    fold.apply_parts(2, AT, "run.completed", None, ev.RunCompleted())
    with pytest.raises(InvalidEvent):
        fold.apply_parts(2, AT, "note", None, ev.Note(text="t"))


def test_data_that_do_not_fit_change_nothing() -> None:
    fold = begun()
    before = fold.state()
    with pytest.raises(InvalidEvent, match="event 2"):
        fold.apply(Event(seq=2, at=AT, type="note", data=msgspec.Raw(b'{"text": 7}')))
    assert fold.state() == before


def test_a_state_of_other_rules_is_refused() -> None:
    with pytest.raises(InvalidInput, match="version 1"):
        Fold.restore(State(run_id="run-1", fold=1))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), 10**400, -(10**400)])
def test_no_number_is_too_odd(number: float) -> None:
    fold = begun()
    fold.apply_parts(2, AT, "stage.started", "a", ev.StageStarted(weight=number, total=number))
    fold.apply_parts(3, AT, "stage.progress", "a", ev.StageProgress(progress=number))
    fold.apply_parts(4, AT, "stage.progress", "b", ev.StageProgress(current=number, total=3))
    fold.apply_parts(5, AT, "stage.progress", "b", ev.StageProgress(current=1, total=number))
    assert all(0 <= stage.progress <= 1 for stage in fold.state().stages)


@pytest.mark.parametrize("path", ["/", "//", "/a", "a/", "a//b", "/".join("abcdefghij")])
def test_no_path_is_too_odd(path: str) -> None:
    fold = begun()
    fold.apply_parts(2, AT, "stage.progress", path, ev.StageProgress(progress=0.5))
    assert fold.state().stages[-1].path == path
    assert Fold.restore(fold.state()).state() == fold.state()


def test_a_path_with_no_room_for_its_parents_is_left_out() -> None:
    fold = begun()
    fold.apply_parts(2, AT, "stage.started", "/".join("x" * 1_001), ev.StageStarted())
    assert fold.state().stages == ()
    assert fold.state().dropped == {"stages": 1}


def test_half_a_character_is_counted() -> None:
    fold = begun()
    fold.apply_parts(2, AT, "log", None, ev.Log(lines=("\ud800é",)))
    assert fold.state().log.bytes == 4


def test_an_unchanged_stage_is_not_made_anew() -> None:
    fold = begun()
    fold.apply_parts(2, AT, "stage.started", "a", ev.StageStarted())
    fold.apply_parts(3, AT, "stage.started", "b", ev.StageStarted())
    before = fold.state().stages
    fold.apply_parts(4, AT, "stage.progress", "b", ev.StageProgress(progress=0.5))
    after = fold.state().stages
    assert after[0] is before[0]
    assert after[1].progress == 0.5


def rounds(beside: int) -> Callable[[], None]:
    """One of so many stages is begun and ended again and again, and with it what nobody opened above them."""
    fold = begun()

    def perform(path: str) -> None:
        fold.apply_parts(fold.seq + 1, AT, "stage.started", path, ev.StageStarted())
        fold.apply_parts(fold.seq + 1, AT, "stage.completed", path, ev.StageCompleted())

    for each in range(beside):
        perform(f"above/{each}")

    def perform_some() -> None:
        for _ in range(100):
            perform("above/0")

    return perform_some


def test_an_event_costs_the_same_however_many_stages_are_beside_its_own() -> None:
    assert cost(rounds(900)) < 5 * cost(rounds(9))
