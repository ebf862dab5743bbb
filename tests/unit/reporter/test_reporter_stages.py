"""Stages and loops: what their progress comes to, in what order, and whatever is done with them."""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import get_type_hints

import pytest

import headway
from headway.progress.state import StageState
from headway.reporter import current
from headway.reporter.run import Run
from headway.reporter.stage import Stage
from tests.unit.reporter.flaky import FlakySink, events_of, make_run, types_of


@pytest.fixture
def sink() -> FlakySink:
    return FlakySink()


def stage_of(run: Run, path: str) -> StageState:
    return next(stage for stage in run.state.stages if stage.path == path)


def test_what_is_counted_after_a_message_is_told(sink: FlakySink) -> None:
    with make_run(sink) as run, run.stage("a") as stage:
        stage.update(message="begin")
        stage.advance(3)
        assert run.flush()
        assert stage_of(run, "a").current == 3
        stage.advance()
    assert stage_of(run, "a").current == 4


def test_a_flush_covers_all_progress_before_it(sink: FlakySink) -> None:
    with make_run(sink) as run, run.stage("a", total=100) as stage:
        for n in range(1, 40):
            stage.advance()
            assert run.flush()
            assert stage_of(run, "a").current == n


def test_a_flush_ends_while_a_stage_goes_on(sink: FlakySink) -> None:
    over = threading.Event()
    with make_run(sink) as run, run.stage("a") as stage:

        def go_on() -> None:
            while not over.is_set():
                stage.advance()

        thread = threading.Thread(target=go_on)
        thread.start()
        assert all(run.flush(30) for _ in range(3))
        over.set()
        thread.join()
        done = stage._progress.current
    assert stage_of(run, "a").current == done


def test_progress_is_told_ten_times_a_second_at_most(sink: FlakySink) -> None:
    with make_run(sink) as run, run.stage("a") as stage:
        for _ in range(200_000):
            stage.advance()
            stage.update(message="x")
        took = stage._duration()
    told = types_of(sink.store).count("stage.progress:a")
    assert 1 <= told <= took / 0.1 + 2


def test_progress_stands_between_the_start_and_the_end(sink: FlakySink) -> None:
    def work(run: Run, name: str) -> None:
        for _ in range(40):
            with run.stage(name) as stage:
                for _ in stage.track(range(5)):
                    run.note(name)

    with make_run(sink) as run:
        threads = [threading.Thread(target=work, args=(run, f"t{n}")) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    open_: set[str | None] = set()
    for event in events_of(sink.store):
        if event.type == "stage.started":
            assert event.stage not in open_
            open_.add(event.stage)
        elif event.type.startswith("stage."):
            assert event.stage in open_
            if event.type == "stage.completed":
                open_.remove(event.stage)
    assert {stage.current for stage in run.state.stages} == {200}


def test_progress_waits_for_its_start_however_long_the_outbox_is(sink: FlakySink) -> None:
    sink.passing.clear()
    with make_run(sink) as run:
        for n in range(12_000):
            run.emit("x.n", {"n": n})
        with run.stage("late") as stage:
            stage.advance()
            sink.passing.set()
            assert run.flush(60)
    types = [type_ for type_ in types_of(sink.store) if type_.startswith("stage")]
    assert types == ["stage.started:late", "stage.progress:late", "stage.completed:late"]


def test_a_stage_ends_once(sink: FlakySink) -> None:
    with make_run(sink) as run:
        stage = run.stage("a").start()
        stage.complete("done")
        stage.complete("again")
        stage.fail("too late")
        stage.skip()
        stage.degrade("too late")
        stage.advance()
        stage.update(progress=0.1)
        with run.stage("b") as inner:
            inner.complete()
        run.stage("c").skip("nothing to see")
        run.stage("c").skip()
    assert types_of(sink.store)[2:-1] == [
        "stage.started:a",
        "stage.completed:a",
        "stage.started:b",
        "stage.completed:b",
        "stage.skipped:c",
    ]
    assert stage_of(run, "a").message == "done"


def test_a_stage_that_is_cancelled_keeps_its_progress(sink: FlakySink) -> None:
    with make_run(sink) as run:
        with run.stage("a", total=4) as stage:
            stage.advance()
            stage.cancel("the disk is full")
            stage.cancel("again")
        run.stage("b").cancel()
        run.stage("c").cancel("not needed")
        assert run.flush()
    assert types_of(sink.store)[2:-1] == [
        "stage.started:a",
        "stage.progress:a",
        "stage.skipped:a",
        "stage.skipped:b",
        "stage.started:c",
        "stage.progress:c",
        "stage.skipped:c",
    ]
    shown = [(stage.status, stage.reason, stage.message, stage.progress) for stage in run.state.stages]
    assert shown == [
        ("skipped", "cancelled", "the disk is full", 0.25),
        ("skipped", "cancelled", None, 0.0),
        ("skipped", "cancelled", "not needed", 0.0),
    ]


def test_two_threads_that_end_a_stage_end_it_once(sink: FlakySink) -> None:
    with make_run(sink) as run:
        for n in range(50):
            stage = run.stage(f"s{n}")
            barrier = threading.Barrier(4)

            def end(stage: headway.Stage = stage, barrier: threading.Barrier = barrier) -> None:
                barrier.wait()
                stage.advance()
                stage.complete()

            threads = [threading.Thread(target=end) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    types = types_of(sink.store)
    assert [types.count(f"stage.completed:s{n}") for n in range(50)] == [1] * 50
    assert [types.count(f"stage.started:s{n}") for n in range(50)] == [1] * 50


def test_a_stage_may_be_opened_again_and_goes_on_counting(sink: FlakySink) -> None:
    with make_run(sink) as run:
        for _ in range(3):
            with run.stage("a") as stage:
                for _ in stage.track("ab"):
                    pass
    assert types_of(sink.store).count("stage.started:a") == 3
    state = stage_of(run, "a")
    assert (state.status, state.current, state.total) == ("completed", 6, 6)


def test_what_is_said_of_a_known_stage_holds(sink: FlakySink) -> None:
    with make_run(sink) as run:
        run.stage("a", title="First")
        with run.stage("a", total=20, unit="page"):
            run.stage("a", message="half way").advance(10)
        run.stage("a", total=40)
    state = stage_of(run, "a")
    assert (state.title, state.total, state.unit, state.message) == ("First", 20, "page", "half way")


def test_an_optional_stage_keeps_its_failure_to_itself(sink: FlakySink) -> None:
    with make_run(sink) as run:
        with run.stage("a", optional=True) as stage:
            assert run.stage("a") is stage
            int("what a job may get wrong")
        with pytest.raises(KeyboardInterrupt), run.stage("b", optional=True):
            raise KeyboardInterrupt
        with pytest.raises(ValueError, match="again"), run.stage("a", optional=False):
            raise ValueError("again")
    error = stage_of(run, "a").error
    assert error is not None
    assert run.state.status == "completed"


def test_an_optional_stage_that_fails_is_degraded_first(sink: FlakySink) -> None:
    with make_run(sink) as run:
        with run.stage("a", optional=True, total=2) as stage:
            stage.advance()
            int("what a job may get wrong")
        with run.stage("b", optional=True) as stage:
            stage.degrade("slow", fallback="the old one")
            stage.fail("it is down")
            stage.fail("too late")
        with pytest.raises(OSError, match="not"), run.stage("c"):
            raise OSError("not optional")
    assert types_of(sink.store)[2:-1] == [
        "stage.started:a",
        "stage.progress:a",
        "stage.degraded:a",
        "stage.failed:a",
        "stage.started:b",
        "stage.degraded:b",
        "stage.failed:b",
        "stage.started:c",
        "stage.failed:c",
    ]
    a, b, _ = run.state.stages
    assert a.error is not None
    assert (a.status, a.reason, a.progress) == ("failed", a.error.message, 0.5)
    assert a.error.message.startswith("ValueError (the operator's log has it as ")
    assert b.error is not None
    assert (b.status, b.error.message) == ("failed", "it is down")
    assert (b.reason, b.fallback) == ("slow", "the old one"), "which the job has said itself"


def test_an_optional_stage_that_begins_again_is_not_degraded_yet(sink: FlakySink) -> None:
    with make_run(sink) as run:
        stage = run.stage("a", optional=True).start()
        stage.degrade("slow")
        stage.complete()
        stage.start().fail("it is down")
    (a,) = run.state.stages
    assert (a.status, a.reason) == ("failed", "it is down")


def test_odd_paths_become_paths(sink: FlakySink, caplog: pytest.LogCaptureFixture) -> None:
    with make_run(sink) as run:
        for path in ("", "a//b", "/a/", "x\ny", "p" * 1_000, "/".join("abcdefghij"), None, 5, "caf\udce9", object()):
            with run.stage(path) as stage:  # type: ignore[arg-type]
                stage.advance()
        deep = run.stage("d")
        for _ in range(12):
            deep = deep.stage("d")
            deep.start()
    assert {event.stage for event in events_of(sink.store)} >= {"a/b", "a", "x y", "a/b/c/d/e/f/g/h-i-j", "None", "5"}
    assert len([record for record in caplog.records if "another path" in record.getMessage()]) == 2  # first, and count


def test_more_stages_than_a_run_can_have_do_no_harm(sink: FlakySink) -> None:
    with make_run(sink) as run:
        for n in range(1_100):
            with run.stage(f"s{n}", optional=True) as stage:
                stage.advance()
    assert len(run.state.stages) == 1_000
    assert run.state.status == "completed"
    assert len(run._stages) == 1_000


def test_stages_that_are_over_are_let_go(sink: FlakySink) -> None:
    with make_run(sink) as run:
        for _ in range(500):
            with run.stage("a"):
                pass
        assert not run._channel._stages


def test_a_run_that_ends_tells_the_last_progress_of_its_open_stages(sink: FlakySink) -> None:
    run = make_run(sink).start()
    stage = run.stage("a", total=1_000).start()
    for _ in range(777):
        stage.advance()
    run.fail("enough")
    state = stage_of(run, "a")
    assert (state.current, state.status) == (777, "failed")


# Loops


def test_a_loop_that_is_left_counts_what_was_done(sink: FlakySink) -> None:
    with make_run(sink) as run, run.stage("a") as stage:
        for n in stage.track(range(10)):
            if n == 4:
                break
    assert (stage_of(run, "a").current, stage_of(run, "a").total) == (4, 10)


class NoLength:
    """Old-fashioned: a sequence by its numbers, which fails to know its length."""

    def __len__(self) -> int:
        raise NotImplementedError

    def __getitem__(self, n: int) -> int:
        if n > 4:
            raise IndexError
        return n


def test_anything_that_can_be_looped_over_can_be_tracked(sink: FlakySink) -> None:
    with make_run(sink) as run:
        cases: list[tuple[str, object, int, int | None]] = [
            ("list", [1, 2, 3], 3, 3),
            ("generator", (n for n in range(4)), 4, None),
            ("endless", itertools.islice(itertools.count(), 6), 6, None),
            ("set", {1, 2}, 2, 2),
            ("empty", [], 0, 0),
            ("old", NoLength(), 5, None),
            ("file", open(os.devnull), 0, None),  # noqa: PTH123, SIM115
        ]
        for name, items, count, total in cases:
            with run.stage(name) as stage:
                assert len(list(stage.track(items))) == count  # type: ignore[arg-type]
            state = stage_of(run, name) if run.flush() else None
            assert state is not None
            assert (state.current, state.total) == (count, total), name
        with pytest.raises(TypeError), run.stage("none") as stage:
            for _ in stage.track(5):  # type: ignore[arg-type]
                pass
        cases[-1][1].close()  # type: ignore[attr-defined]


def test_a_tracked_generator_is_true_and_hints_its_length(sink: FlakySink) -> None:
    with make_run(sink) as run:
        tracked = run.stage("a").track(n for n in range(3))
        assert tracked
        assert list(run.stage("b").track(run.stage("c").track([1, 2]))) == [1, 2]


def test_async_items_need_async_for(sink: FlakySink) -> None:
    async def numbers() -> AsyncIterator[int]:
        yield 1

    with make_run(sink) as run, pytest.raises(TypeError, match="async for"):
        for _ in run.stage("a").track(numbers()):
            pass

    async def leave() -> int:
        async for n in run.stage("b").track(numbers()):
            return n
        return 0

    assert asyncio.run(leave()) == 1


def test_exceptions_pass_through_a_loop(sink: FlakySink) -> None:
    def items() -> Iterator[int]:
        yield 1
        raise LookupError

    with pytest.raises(LookupError), make_run(sink) as run, run.stage("a") as stage:
        for _ in stage.track(items()):
            pass
    assert stage_of(run, "a").current == 1


def test_tracks_nest_and_end_in_any_order(sink: FlakySink) -> None:
    with make_run(sink) as run:
        outer = iter(headway.track(range(2), "outer"))
        next(outer)
        inner = iter(headway.track(range(2), "in/ner"))
        next(inner)
        list(outer)
        list(inner)
        run.stage("outer").start()
        place = current.place()
        assert place is not None
        assert place.innermost is run, "its loop was left, and that it is open again changes nothing"
        run.stage("outer").complete()
        list(headway.track("abc", "next"))
        for _ in headway.track(range(5), "left"):
            break
    state = run.state
    assert [(stage.path, stage.status) for stage in state.stages] == [
        ("outer", "completed"),
        ("outer/in-ner", "completed"),
        ("next", "completed"),
        ("left", "completed"),
    ]


def test_a_loop_alone_opens_a_run_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("HEADWAY_URL", f"sqlite:///{tmp_path}/log.db")
    assert list(headway.track(range(3), "Resizing")) == [0, 1, 2]
    for _ in headway.track(range(3), "caf\n\udce9" + "x" * 500):
        break
    from pathlib import Path

    from headway.targets import open_place

    headers = open_place(Path(f"{tmp_path}/log.db")).store.list_runs().headers
    assert [(header.status, header.variant) for header in headers] == [("cancelled", None), ("completed", "Resizing")]


@pytest.mark.parametrize("n", [None, "x", float("nan"), float("inf"), -5, 10**400, 1j, object(), [1], True])
def test_odd_steps_never_reach_the_job(sink: FlakySink, n: object) -> None:
    with make_run(sink) as run, run.stage("a") as stage:
        stage.advance(n)  # type: ignore[arg-type]
        stage.advance(2)
        stage.update(progress=n, current=n, total=n, message=n, data=n, unit=n)  # type: ignore[arg-type]
        list(stage.track([1]))
    assert run.state.status == "completed"
    assert 0 <= run.state.progress <= 1
    assert events_of(sink.store)


def test_type_checkers_take_it_that_what_is_raised_in_a_stage_leaves_it() -> None:
    """With plain bool they would miss a return behind every stage's block."""
    for leave in (Stage.__exit__, Stage.__aexit__):
        assert get_type_hints(leave, {"TracebackType": TracebackType})["return"] == bool | None
