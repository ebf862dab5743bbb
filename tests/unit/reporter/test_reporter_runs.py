"""A run from its beginning to each of its ends."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import AsyncIterator, Iterator

import pytest

from headway.errors import Cancelled, InvalidInput, TooManyStages
from headway.ports import Batch
from headway.protocol import codec, events
from headway.reporter import current
from headway.reporter.plan import Plan, Planned
from headway.reporter.run import Run, RunOptions, flush_s
from tests.unit.reporter.flaky import FlakySink, events_of, make_run, types_of


@pytest.fixture
def sink() -> FlakySink:
    return FlakySink()


def last_of(sink: FlakySink) -> events.Data:
    data = codec.data_of(events_of(sink.store)[-1])
    assert data is not None
    return data


def test_a_run_tells_its_story_in_order(sink: FlakySink) -> None:
    with make_run(sink, plan={"load": 1, "work": 3}) as run:
        with run.stage("load"):
            pass
        with run.stage("work", total=2) as stage:
            for item in stage.track("ab"):
                run.log(item)
        run.result({"words": 2})
    assert types_of(sink.store) == [
        "run.created",
        "run.planned",
        "run.started",
        "stage.started:load",
        "stage.completed:load",
        "stage.started:work",
        "log",
        "stage.progress:work",
        "stage.completed:work",
        "run.completed",
    ]
    state = run.state
    assert (state.status, state.progress, state.result) == ("completed", 1.0, {"words": 2})
    assert [(stage.path, stage.current, stage.total) for stage in state.stages] == [
        ("load", None, None),
        ("work", 2, 2),
    ]
    assert sink.closed == sink.opened, "nothing is left open"


@pytest.mark.parametrize(
    ("error", "type_", "word"),
    [
        (ValueError("/secret/path"), "run.failed", "ValueError"),
        (Cancelled("stop"), "run.cancelled", None),
        (KeyboardInterrupt(), "run.cancelled", "interrupted"),
        (asyncio.CancelledError(), "run.cancelled", None),
        (GeneratorExit(), "run.cancelled", "left before its end"),
        (SystemExit(3), "run.failed", "SystemExit"),
        (SystemExit(0), "run.completed", None),
        (SystemExit(), "run.completed", None),
    ],
)
def test_how_a_block_ends_is_how_the_run_ends(
    sink: FlakySink, error: BaseException, type_: str, word: str | None
) -> None:
    with pytest.raises(type(error)), make_run(sink):
        raise error
    assert events_of(sink.store)[-1].type == type_
    match last_of(sink):
        case events.RunFailed(error=info):
            assert word is not None
            assert word in info.message
            assert "secret" not in info.message
        case events.RunCancelled(reason=reason):
            assert reason == word


def test_an_exception_in_a_stage_fails_it_and_is_logged_once(sink: FlakySink, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ZeroDivisionError), make_run(sink) as run, run.stage("a"), run.stage("b"):
        _ = 1 / 0
    assert types_of(sink.store)[-3:] == ["stage.failed:b", "stage.failed:a", "run.failed"]
    assert len([record for record in caplog.records if record.exc_info]) == 1


def test_an_exception_that_resists_is_explained_all_the_same(sink: FlakySink) -> None:
    class Odd(Exception):
        def __setattr__(self, name: str, value: object) -> None:
            raise RuntimeError(name)

        def __getattr__(self, name: str) -> object:
            raise ValueError(name) if name.startswith("headway") else AttributeError(name)

        def __str__(self) -> str:
            raise OSError

    with pytest.raises(Odd), make_run(sink):
        raise Odd
    assert events_of(sink.store)[-1].type == "run.failed"


def test_a_run_ends_once(sink: FlakySink) -> None:
    run = make_run(sink).start()
    run.complete({"n": 1})
    run.fail("too late")
    run.cancel()
    with run:
        pass
    assert types_of(sink.store)[-1] == "run.completed"
    assert run.state.status == "completed"


def test_a_run_that_was_only_ended_is_whole(sink: FlakySink) -> None:
    make_run(sink).fail("no input", code="empty")
    assert types_of(sink.store) == ["run.created", "run.started", "run.failed"]
    data = last_of(sink)
    assert isinstance(data, events.RunFailed)
    assert data.error.code == "empty"


def test_what_is_said_before_the_start_is_sent_after_it(sink: FlakySink) -> None:
    run = make_run(sink)
    stage = run.stage("early").start()
    stage.advance(3)
    assert not run.flush(), "nothing is on its way yet"
    run.start()
    assert run.flush()
    assert [stage.current for stage in run.state.stages] == [3]
    run.complete()


def test_reports_after_the_end_are_left_out_counted_and_said_once(
    sink: FlakySink, caplog: pytest.LogCaptureFixture
) -> None:
    with make_run(sink) as run:
        stage = run.stage("open").start()
    for _ in range(3):
        run.log("late")
        run.note("late")
    stage.complete()
    with run.stage("new") as late:
        late.advance()
    assert types_of(sink.store)[-1] == "run.completed"
    assert run.flush(), "what was reported in time is durable"
    said = [record for record in caplog.records if "after the run's end" in record.getMessage()]
    assert len(said) == 1


def test_reports_that_race_with_the_end_never_refuse_it(sink: FlakySink) -> None:
    sink.passing.clear()
    run = make_run(sink).start()
    ending = threading.Thread(target=run.complete)
    for _ in range(1_000):
        run.note("before")
    ending.start()
    for _ in range(5_000):
        run.note("perhaps")
    sink.passing.set()
    ending.join()
    types = types_of(sink.store)
    assert types[-1] == "run.completed"
    assert types.count("note") >= 1_000


def test_reports_behind_the_end_are_left_out_in_its_batch_and_in_later_ones(
    sink: FlakySink, caplog: pytest.LogCaptureFixture
) -> None:
    sink.passing.clear()
    run = make_run(sink).start()
    run.note("first")
    assert sink.appending.wait(10)
    channel = run._channel
    channel.put(None, events.RunCompleted())
    for _ in range(12_000):  # more than one round takes
        channel.put(None, events.Note(text="behind the end"))
    sink.passing.set()
    assert channel.close(5.0) == 0
    assert types_of(sink.store)[-2:] == ["note", "run.completed"]
    assert not caplog.records


def test_two_runs_at_once_keep_apart(sink: FlakySink) -> None:
    with make_run(sink, "one") as one, make_run(sink, "two") as two:
        for n in range(50):
            one.emit("x.one", {"n": n})
            two.emit("x.two", {"n": n})
    for name in ("one", "two"):
        kinds = [event.type for event in events_of(sink.store, name) if event.type.startswith("x.")]
        assert kinds == [f"x.{name}"] * 50


def test_a_second_owner_fences_the_first_out(sink: FlakySink, caplog: pytest.LogCaptureFixture) -> None:
    first = make_run(sink).start()
    assert first.flush()
    with make_run(sink) as second:
        second.note("mine")
        assert second.flush()
        for _ in range(3):
            first.note("lost")
        assert not first.flush()
        first.complete()
    assert types_of(sink.store) == ["run.created", "run.started", "run.started", "note", "run.completed"]
    told = [record for record in caplog.records if "not reported any more" in record.getMessage()]
    assert len(told) == 1


def test_a_run_that_has_ended_is_not_begun_again(sink: FlakySink, caplog: pytest.LogCaptureFixture) -> None:
    make_run(sink).complete()
    before = types_of(sink.store)
    with make_run(sink) as again:
        again.note("nobody hears it")
    assert types_of(sink.store) == before
    assert "not reported any more" in caplog.text


def test_a_cancel_that_somebody_asked_for_reaches_the_loop(sink: FlakySink) -> None:
    def job() -> None:
        with make_run(sink) as run, run.stage("loop") as stage:
            assert run.flush()
            sink.store.append(_cancel_request())
            for _ in stage.track(range(10**9)):
                if not run.cancelled:
                    run.note("go on")  # its answer tells of the cancel

    with pytest.raises(Cancelled):
        job()
    assert types_of(sink.store)[-1] == "run.cancelled"


def _cancel_request() -> Batch:
    draft = events.draft(events.RunCancelRequested(by="test"), at="2026-11-20T00:00:00.000Z")
    return Batch(run_id="run", reporter="watcher", first=1, events=(draft,))


async def _async_run(sink: FlakySink) -> Run:
    async with make_run(sink) as run, run.stage("a", total=3) as stage:
        async for _ in stage.track(_numbers()):
            await asyncio.sleep(0)
        async for _ in stage.track([1, 2]):
            pass
    return run


async def _numbers() -> AsyncIterator[int]:
    for n in range(3):
        yield n


def test_the_same_in_async() -> None:
    sink = FlakySink()
    run = asyncio.run(_async_run(sink))
    assert types_of(sink.store)[-2:] == ["stage.completed:a", "run.completed"]
    assert run.state.stages[0].current == 5


def test_leaving_an_async_run_does_not_wait_for_the_loops_executor() -> None:
    sink = FlakySink()

    async def job() -> None:
        from concurrent.futures import ThreadPoolExecutor

        loop = asyncio.get_running_loop()
        release = threading.Event()
        loop.set_default_executor(ThreadPoolExecutor(1))
        blocked = loop.run_in_executor(None, release.wait)
        async with make_run(sink):
            pass
        release.set()
        await blocked

    asyncio.run(job())
    assert types_of(sink.store)[-1] == "run.completed"


def test_tasks_and_threads_know_their_own_run(sink: FlakySink) -> None:
    seen: list[str | None] = []

    def look() -> None:
        place = current.place()
        seen.append(None if place is None else place.run.id)  # type: ignore[attr-defined]

    async def job(name: str) -> None:
        async with make_run(sink, name):
            await asyncio.sleep(0)
            look()

    async def both() -> None:
        await asyncio.gather(job("one"), job("two"))

    asyncio.run(both())
    with make_run(sink, "three"):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        look()
    look()
    assert sorted(seen[:2], key=str) == ["one", "two"]
    assert seen[2:] == [None, "three", None]


def test_what_has_ended_is_nobodys_current_run(sink: FlakySink) -> None:
    with make_run(sink, "outer") as outer:
        inner = make_run(sink, "inner")
        inner.__enter__()
        inner.complete()
        place = current.place()
        assert place is not None
        assert place.run is outer
        with outer.stage("a") as stage:
            stage.complete()
            here = current.place()
            assert here is not None
            assert here.innermost is outer
    assert current.place() is None


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("", {}),
        ("a\nb", {}),
        (5, {}),
        ("k", {"run_id": "no good"}),
        ("k", {"run_id": 5}),
        ("k", {"parent": "no good"}),
        ("k", {"retry_of": 7}),
        ("k", {"variant": "a\nb"}),
        ("k", {"variant": 3}),
        ("k", {"plan": {"a//b": 1}}),
        ("k", {"plan": {"a": -1}}),
        ("k", {"plan": {"a": float("nan")}}),
        ("k", {"plan": {"a": "heavy"}}),
        ("k", {"plan": {5: 1}}),
        ("k", {"plan": ["a"]}),
        ("k", {"plan": {"a": Planned(weight="x")}}),  # type: ignore[arg-type]
        ("k", {"plan": {"a": Planned(title=5)}}),  # type: ignore[arg-type]
        ("k", {"meta": [1]}),
        ("k", {"meta": {"a": "x" * 70_000}}),
        ("k", {"size": "large"}),
    ],
)
def test_what_is_wrong_with_a_run_is_said_when_it_is_made(kind: str, options: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        Run(kind, RunOptions(**options), None, lease_s=30.0)  # type: ignore[arg-type]


def test_a_plan_may_be_large_but_not_endless(sink: FlakySink) -> None:
    plan: Plan = {f"{'long name ' * 20}{n}": 1 for n in range(990)}
    with make_run(sink, plan=plan):
        pass
    assert types_of(sink.store).count("run.planned") > 1
    with pytest.raises(TooManyStages):
        make_run(sink, plan={str(n): 1 for n in range(1_001)})
    endless: dict[str, object] = {}
    endless["again"] = endless
    with pytest.raises(InvalidInput):
        make_run(sink, plan=endless)


def test_odd_titles_and_meta_are_told_as_well_as_they_can_be(sink: FlakySink) -> None:
    run = make_run(sink, title="caf\udce9" + "x" * 2_000, meta={"path": __import__("pathlib").Path("/x"), 1: {2}})
    with run:
        pass
    assert run.state.title is not None
    assert run.state.title.startswith("caf\ufffdx")
    assert len(run.state.title) == 1_000
    assert run.state.meta == {"path": "/x", "1": [2]}


def test_a_run_without_a_target_reports_nothing_and_never_fails() -> None:
    with Run("k", RunOptions(), None, lease_s=30.0) as run, run.stage("a") as stage:
        for _ in stage.track(range(3)):
            run.log("x")
            run.emit("x.y", {"a": 1})
        assert run.artifact("a", b"x") is False
        assert run.flush()
    assert run.state.status == "pending"


def test_a_closed_generator_leaves_its_place(sink: FlakySink) -> None:
    def items() -> Iterator[int]:
        with make_run(sink):
            yield 1
            yield 2

    for _ in items():
        break
    assert current.place() is None
    assert types_of(sink.store)[-1] == "run.cancelled"


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs signals")
def test_a_signal_handler_may_report_at_any_moment(sink: FlakySink) -> None:
    heard = 0
    with make_run(sink) as run, run.stage("a") as stage:

        def handle(_number: int, _frame: object) -> None:
            nonlocal heard
            heard += 1
            stage.update(current=heard, message=f"signal {heard}")
            run.emit("x.signal", {"n": heard})

        before = signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        try:
            while heard < 200:
                stage.update(message="loop")
                run.emit("x.loop", {})
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert run.flush(30)
    told = [event for event in events_of(sink.store) if event.type == "x.signal"]
    assert len(told) == heard


def test_warnings_come_from_one_logger(sink: FlakySink, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), make_run(sink) as run:
        run.emit("not-custom")
    assert {record.name for record in caplog.records} == {"headway"}


@pytest.mark.parametrize(("text", "seconds"), [("2.5", 2.5), ("0", 0.0), ("soon", 10.0), ("-1", 10.0), ("1e9", 10.0)])
def test_the_wait_at_the_end_can_be_set(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, text: str, seconds: float
) -> None:
    monkeypatch.setenv("HEADWAY_FLUSH_S", text)
    assert flush_s() == seconds
    assert ("HEADWAY_FLUSH_S" in caplog.text) == (seconds == 10.0)
