"""Loops that are left before their end: by a break, which is no failure, or by an exception."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing, suppress
from pathlib import Path

import pytest

import headway
from headway.errors import Cancelled
from headway.hub.opening import open_run
from headway.progress.state import StageState
from headway.protocol import codec
from headway.protocol.events import JsonObject, RunCompleted
from headway.reporter import left, outbox
from headway.reporter.run import Run
from headway.reporter.stage import Stage
from headway.targets import open_place
from tests.unit.reporter.flaky import FlakySink, events_of, make_run, types_of


@pytest.fixture
def sink() -> FlakySink:
    return FlakySink()


def stage_of(run: Run, path: str = "R") -> StageState:
    return next(stage for stage in run.state.stages if stage.path == path)


def leave_by_exception(error: BaseException) -> None:
    for n in headway.track(range(10), "R"):
        if n == 3:
            raise error


def leave_by_break() -> None:
    for n in headway.track(range(10), "R"):
        if n == 3:
            break


def test_an_exception_fails_the_stage_and_makes_no_progress(sink: FlakySink) -> None:
    with pytest.raises(ValueError, match="x"), make_run(sink) as run:
        leave_by_exception(ValueError("x"))
    assert (run.state.status, run.state.progress) == ("failed", 0.3)
    stage = stage_of(run)
    assert (stage.status, stage.progress, stage.current) == ("failed", 0.3, 3)
    assert stage.error is not None
    assert stage.error == run.state.error, "it is logged once"


def test_a_break_completes_the_stage(sink: FlakySink) -> None:
    with make_run(sink) as run:
        leave_by_break()
    assert run.state.status == "completed"
    assert (stage_of(run).status, stage_of(run).current) == ("completed", 3)


@pytest.mark.parametrize("error", [Cancelled("enough"), KeyboardInterrupt()])
def test_a_cancel_skips_the_stage(sink: FlakySink, error: BaseException) -> None:
    with pytest.raises(type(error)), make_run(sink) as run:
        leave_by_exception(error)
    assert (run.state.status, run.state.progress) == ("cancelled", 0.3)
    assert (stage_of(run).status, stage_of(run).reason, stage_of(run).progress) == ("skipped", "cancelled", 0.3)


def test_what_is_said_next_tells_that_it_was_a_break(sink: FlakySink) -> None:
    with pytest.raises(ValueError, match="x"), make_run(sink) as run:
        leave_by_break()
        run.note("on")
        raise ValueError("x")
    assert types_of(sink.store)[-4:] == ["stage.progress:R", "stage.completed:R", "note", "run.failed"]


@pytest.mark.parametrize("say", ["run.log('x')", "run.stage('b').start()", "run.flush()", "b.advance()"])
def test_so_does_anything(sink: FlakySink, say: str) -> None:
    with make_run(sink) as run, run.stage("b") as b:
        leave_by_break()
        eval(say, {"run": run, "b": b})
        assert run.flush(30)
        assert stage_of(run, "b/R").status == "completed"


def test_what_is_said_while_an_exception_is_handled_tells_nothing(sink: FlakySink) -> None:
    with pytest.raises(ValueError, match="x"), make_run(sink) as run:
        try:
            leave_by_exception(ValueError("x"))
        except ValueError as error:
            run.error(error)
            raise
        finally:
            run.note("tidy up")
    assert stage_of(run).status == "failed"


def statuses(run: Run) -> dict[str, str]:
    return {stage.path: stage.status for stage in run.state.stages}


def test_so_does_a_stage_that_is_begun_meanwhile(sink: FlakySink) -> None:
    with pytest.raises(ValueError, match="x"), make_run(sink) as run:
        try:
            leave_by_exception(ValueError("x"))
        except ValueError:
            with run.stage("tidy up"):
                pass
            raise
    assert statuses(run) == {"R": "failed", "tidy up": "completed"}


def test_who_handles_an_exception_may_end_the_stage_by_its_name(sink: FlakySink) -> None:
    with make_run(sink) as run:
        try:
            leave_by_exception(ValueError("x"))
        except ValueError as error:
            run.stage("R").fail(error, recoverable=True)
    assert (run.state.status, stage_of(run).status) == ("completed", "failed")


def test_a_stage_that_is_begun_anew_meanwhile_has_ended_before(sink: FlakySink) -> None:
    with make_run(sink):
        try:
            leave_by_exception(ValueError("x"))
        except ValueError:
            leave_by_break()
    assert [told for told in types_of(sink.store) if told.endswith("ed:R")] == [
        "stage.started:R",
        "stage.completed:R",
    ] * 2


def test_all_that_an_exception_has_left_fail_with_it(sink: FlakySink) -> None:
    def items(run: Run) -> Iterator[int]:
        with run.stage("outer"), run.stage("outer/inner"):
            yield 1

    run = make_run(sink).start()
    try:
        for _ in items(run):
            raise ValueError("x")
    except ValueError as error:
        later = error
    run.fail(later)
    assert statuses(run) == {"outer": "failed", "outer/inner": "failed"}


def test_what_another_thread_says_tells_nothing(sink: FlakySink) -> None:
    with pytest.raises(ValueError, match="x"), make_run(sink) as run:
        said, speak = threading.Event(), threading.Event()

        def other() -> None:
            speak.wait(30)
            run.note("meanwhile")
            said.set()

        threading.Thread(target=other).start()
        try:
            leave_by_exception(ValueError("x"))
        finally:
            speak.set()
            assert said.wait(30)
    assert stage_of(run).status == "failed"


def test_silence_tells_that_it_was_a_break(sink: FlakySink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(left, "MOMENT_S", 0.01)
    with make_run(sink):
        leave_by_break()
        until = time.monotonic() + 30
        while "stage.completed:R" not in types_of(sink.store):
            assert time.monotonic() < until
            time.sleep(0.001)


def test_the_time_until_that_is_known_is_not_the_stages(sink: FlakySink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(left, "MOMENT_S", 0.05)
    before = time.monotonic()
    with make_run(sink) as run:
        began = time.monotonic()
        leave_by_break()
        ended = time.monotonic()
        until = time.monotonic() + 30
        while "stage.completed:R" not in types_of(sink.store):
            assert time.monotonic() < until
            time.sleep(0.001)
    duration = stage_of(run).duration
    assert duration is not None
    assert duration <= ended - began + 1e-6
    said = codec.data_of(events_of(sink.store)[-1])
    assert isinstance(said, RunCompleted)
    assert said.spans is not None
    assert said.spans["R"][1] <= ended - before + 1e-6


class BegunAnewMeanwhile(Stage):
    """A stage that is begun anew just when its first round is completed."""

    def complete(self, summary: str | None = None, *, data: JsonObject | None = None) -> None:
        if threading.current_thread().name.startswith("headway-"):
            self.job = threading.Thread(target=lambda: self.start().advance(7))
            self.job.start()
            self.job.join(0.2)  # it is kept until this round has ended; a job that is not would be through by now
        super().complete(summary, data=data)


def test_a_stage_begun_anew_while_the_sender_completes_it_has_two_whole_rounds(
    sink: FlakySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(left, "MOMENT_S", 0.0)
    with make_run(sink) as run:
        assert run.flush(30)
        stage = run._stages["R"] = BegunAnewMeanwhile(run, "R")
        stage.__enter__().__exit__(GeneratorExit, GeneratorExit(), None)
        until = time.monotonic() + 30
        while types_of(sink.store).count("stage.started:R") < 2 or stage_of(run).current != 7:
            assert time.monotonic() < until
            time.sleep(0.001)
        stage.job.join()
        assert stage_of(run).status == "running"
        stage.complete()
    assert [told for told in types_of(sink.store) if told.endswith("ed:R")] == [
        "stage.started:R",
        "stage.completed:R",
    ] * 2


def test_a_full_outbox_does_not_keep_the_end_of_a_stage(sink: FlakySink, monkeypatch: pytest.MonkeyPatch) -> None:
    capacity = 20
    monkeypatch.setattr(outbox, "CAPACITY", capacity)
    monkeypatch.setattr(outbox, "CAPACITY_LOW", capacity)
    monkeypatch.setattr(left, "MOMENT_S", 0.0)
    with make_run(sink) as run:
        assert run.flush(30)
        sink.appending.clear()
        sink.passing.clear()
        run.highlight("the sender waits with this")
        assert sink.appending.wait(30)
        leave_by_break()

        def fill() -> None:  # in a thread of its own, since what the job's says next would end the stage
            while run._channel._outbox.waiting < capacity:
                run.finding("something")

        filling = threading.Thread(target=fill)
        filling.start()
        filling.join()
        sink.passing.set()
        until = time.monotonic() + 30
        while "stage.completed:R" not in types_of(sink.store):
            assert time.monotonic() < until
            time.sleep(0.001)
    assert run.state.dropped == {}


@pytest.mark.parametrize("error", [ValueError("x"), Cancelled("enough")])
def test_a_moment_is_over_when_it_is_although_the_store_does_not_answer(
    sink: FlakySink, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(left, "MOMENT_S", 0.0)
    with suppress(type(error)), make_run(sink) as run:
        assert run.flush(30)
        sink.appending.clear()
        sink.passing.clear()
        run.highlight("the sender waits with this")
        assert sink.appending.wait(30)
        try:
            with run.stage("outer"):
                leave_by_break()
                raise error
        finally:
            sink.passing.set()
    assert stage_of(run, "outer/R").status == "completed"


def test_an_exception_that_is_caught_around_the_loop_is_none(sink: FlakySink) -> None:
    with make_run(sink) as run:
        with pytest.raises(ValueError, match="x"):
            leave_by_exception(ValueError("x"))
        run.note("on")
    assert (run.state.status, stage_of(run).status) == ("completed", "completed")


def test_the_stage_around_decides_too(sink: FlakySink) -> None:
    with make_run(sink) as run:
        with run.stage("outer", optional=True):
            leave_by_exception(ValueError("x"))
        with run.stage("other"):
            leave_by_break()
    assert {stage.path: stage.status for stage in run.state.stages} == {
        "outer": "failed",
        "outer/R": "failed",
        "other": "completed",
        "other/R": "completed",
    }


def test_a_loop_that_is_begun_anew_was_left_by_a_break(sink: FlakySink) -> None:
    with make_run(sink) as run:
        leave_by_break()
        leave_by_break()
    assert [told for told in types_of(sink.store) if told.endswith("ed:R")] == [
        "stage.started:R",
        "stage.completed:R",
    ] * 2
    assert stage_of(run).current == 6


@pytest.mark.parametrize("leaving", [leave_by_break, lambda: leave_by_exception(ValueError("x"))])
def test_a_loop_alone_claims_nothing(leaving: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HEADWAY_URL", f"sqlite:///{tmp_path}/log.db")
    with suppress(ValueError):
        leaving()  # type: ignore[operator]
    with closing(open_place(tmp_path / "log.db").store) as store:
        (header,) = store.list_runs().headers
        state = open_run(store, header.run_id).state
    assert (state.status, state.progress) == ("cancelled", 0.3)
    assert [(stage.status, stage.reason, stage.current) for stage in state.stages] == [("skipped", "cancelled", 3)]


@pytest.mark.parametrize("leaving", ["break", "exception"])
def test_async_generators_are_as_others(sink: FlakySink, leaving: str) -> None:
    async def items(run: Run) -> AsyncIterator[int]:
        async with run.stage("R") as stage:
            async for n in stage.track(range(10)):
                yield n

    async def job() -> None:
        async with make_run(sink) as run, aclosing(items(run)) as tracked:  # type: ignore[type-var]
            async for n in tracked:
                if n == 3 and leaving == "break":
                    break
                if n == 3:
                    raise ValueError("x")

    def perform() -> None:
        asyncio.run(job())

    if leaving == "break":
        perform()
    else:
        with pytest.raises(ValueError, match="x"):
            perform()
    ends = {"break": ["stage.completed:R", "run.completed"], "exception": ["stage.failed:R", "run.failed"]}
    assert types_of(sink.store)[-2:] == ends[leaving]


def test_a_helper_that_leaves_decides_too(sink: FlakySink) -> None:
    from headway.reporter.attached import AttachedRun

    def items(helper: AttachedRun, path: str) -> Iterator[int]:
        with helper.stage(path):
            yield 1
            yield 2

    with make_run(sink) as run:
        assert run.flush(30)
        with pytest.raises(ValueError, match="x"), AttachedRun("run", sink.open, lease_s=30.0) as helper:
            for _ in items(helper, "failing"):
                raise ValueError("x")
        with AttachedRun("run", sink.open, lease_s=30.0) as helper:
            for _ in items(helper, "left"):
                break
        helper = AttachedRun("run", sink.open, lease_s=30.0).attach()
        for _ in items(helper, "detached"):
            break
        helper.detach()
    told = types_of(sink.store)
    assert "stage.failed:failing" in told
    assert {"stage.completed:left", "stage.completed:detached"} <= set(told)


def test_a_generator_that_helps_and_is_left_leaves_no_stage_open(sink: FlakySink) -> None:
    from headway.reporter.attached import AttachedRun

    def items() -> Iterator[int]:
        with AttachedRun("run", sink.open, lease_s=30.0) as helper, helper.stage("R"):
            yield 1
            yield 2

    with make_run(sink) as run:
        assert run.flush(30)
        for _ in items():
            break
        assert "stage.completed:R" in types_of(sink.store)
