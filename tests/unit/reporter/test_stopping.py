"""Who is told of a stop, when, and by whom."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from headway.errors import Cancelled
from headway.ports import Batch
from headway.protocol import codec, events, times
from headway.protocol.events import draft
from headway.reporter import run as run_module
from headway.reporter.run import Run
from headway.reporter.stopping import Stopping
from tests.unit.reporter.flaky import FlakySink, events_of, make_run, types_of


def cancel(sink: FlakySink, reason: str | None = "enough") -> None:
    said = draft(events.RunCancelRequested(by="somebody", reason=reason), at=times.to_text(0))
    sink.store.append(Batch(run_id="run", reporter="watcher", first=1, events=(said,)))


def hear_by_sender(run: Run) -> None:
    """The inbox is slower than it is."""
    inbox = run._channel._inbox
    assert inbox is not None
    inbox.close()
    inbox.wait(30)


def test_the_reason_may_come_after_the_request() -> None:
    told: list[str] = []
    stopping = Stopping("run")
    stopping.call(lambda: told.append("once"))
    stopping.request(None)
    stopping.request("enough")
    stopping.request("something else")
    assert stopping.wait_called(10)
    assert (told, stopping.reason) == (["once"], "enough")
    with pytest.raises(Cancelled, match="enough"):
        stopping.check()


def test_who_hears_of_a_cancel_does_not_wait_for_what_the_job_does_about_it() -> None:
    """It may be the thread that keeps the lease: a container takes ten seconds to stop."""
    sink, stopped, stopping = FlakySink(), threading.Event(), threading.Event()

    def stop_slowly() -> None:
        stopping.set()
        assert stopped.wait(30)
        run.note("stopped")

    with make_run(sink) as run:
        run.on_cancel(stop_slowly)
        assert run.flush(30)
        hear_by_sender(run)
        cancel(sink)
        run.note("the answer to this says that somebody asked for a cancel")
        assert stopping.wait(30)
        run.note("meanwhile")
        assert run.flush(10)
        stopped.set()
    assert types_of(sink.store)[-4:] == ["note", "note", "note", "run.completed"], "and the end has waited for it"


def test_callbacks_are_called_in_their_order_and_a_broken_one_breaks_no_other(caplog: pytest.LogCaptureFixture) -> None:
    told: list[int] = []
    stopping = Stopping("run")
    stopping.call(lambda: told.append(1))
    stopping.call(lambda: 1 / 0)
    stopping.call(lambda: told.append(2))
    stopping.request("enough")
    assert stopping.wait_called(10)
    assert told == [1, 2]
    assert "ZeroDivisionError" in caplog.text
    stopping.call(lambda: told.append(3))
    assert told == [1, 2, 3]


def test_the_end_of_a_run_waits_for_a_callback_no_longer_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "FLUSH_S", 3.0)  # of which it gets a half
    sink, endless = FlakySink(), threading.Event()
    with make_run(sink) as run:
        run.on_cancel(endless.wait)
        assert run.flush(30)
        run._channel.stopping.request("enough")
    assert types_of(sink.store)[-1] == "run.completed"
    endless.set()


def test_a_callback_may_end_the_run() -> None:
    sink = FlakySink()
    run = make_run(sink).start()
    run.on_cancel(lambda: run.cancel("by itself"))
    assert run.flush(30)
    began = time.monotonic()
    cancel(sink)
    assert run._channel._outbox is not None
    while types_of(sink.store)[-1] != "run.cancelled":
        assert time.monotonic() < began + 4, "it must not wait for itself"
        threading.Event().wait(0.002)


def test_a_cancel_that_the_sender_hears_of_first_has_its_reason() -> None:
    sink = FlakySink()
    with pytest.raises(Cancelled, match="enough"):
        with make_run(sink) as run:
            assert run.flush(30)
            hear_by_sender(run)
            cancel(sink)
            run.note("the answer to this says that somebody asked for a cancel")
            assert run.flush(30)
            run.check()
    (end,) = [codec.data_of(event) for event in events_of(sink.store) if event.type == "run.cancelled"]
    assert isinstance(end, events.RunCancelled)
    assert end.reason == "enough"


def test_tasks_side_by_side_that_all_stop_have_stopped_and_not_failed() -> None:
    sink = FlakySink()

    async def work() -> None:
        while True:
            run.check()
            await asyncio.sleep(0.001)

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(work())

    with pytest.raises(BaseExceptionGroup):
        with make_run(sink) as run:
            assert run.flush(30)
            cancel(sink)
            with run.stage("side by side"):
                asyncio.run(main())
    assert run.state.status == "cancelled"
    assert [(stage.status, stage.error) for stage in run.state.stages] == [("skipped", None)]


def test_a_group_with_another_exception_in_it_has_failed() -> None:
    sink = FlakySink()
    with pytest.raises(BaseExceptionGroup):
        with make_run(sink):
            raise BaseExceptionGroup("both", [Cancelled("enough"), ValueError("broken")])
    assert types_of(sink.store)[-1] == "run.failed"


def test_who_catches_what_leaves_a_shield_is_interrupted_at_the_next_await() -> None:
    sink = FlakySink()

    async def job() -> None:
        async with make_run(sink) as run:
            assert run.flush(30)
            try:
                with run.shielded():
                    cancel(sink)
                    while not run.cancelled:
                        await asyncio.sleep(0)
                    await asyncio.sleep(0.01)
                    raise ValueError("caught outside")
            except ValueError:
                await asyncio.wait_for(asyncio.Event().wait(), 30)

    with pytest.raises(Cancelled):
        asyncio.run(job())
    assert types_of(sink.store)[-1] == "run.cancelled"


def test_a_shield_outlives_a_fork_and_locks_do_not() -> None:
    """As in a child that was forked in a shield, while another thread was just asking for a cancel."""
    stopping, held, told = Stopping("run"), threading.Event(), list[str]()
    stopping.call(lambda: told.append("the parent's"))

    def hold() -> None:
        stopping._lock.acquire()
        held.set()

    with pytest.raises(Cancelled):
        with stopping.shielded():
            threading.Thread(target=hold).start()
            assert held.wait(10)
            stopping.join_after_fork()
            stopping.request("enough")
            stopping.check()
            told.append("inside")
    assert told == ["inside"]


def test_a_loop_is_stopped_at_its_next_item_also_while_nothing_can_be_stored() -> None:
    """Whatever is said in the loop tells the sender, who is waiting for the store and will not look."""
    sink, items = FlakySink(), list[int]()
    with pytest.raises(Cancelled):
        with make_run(sink) as run, run.stage("work") as stage:
            assert run.flush(30)
            sink.passing.clear()
            run.note("on its way for long")
            assert sink.appending.wait(30)
            for n in stage.track(range(1_000)):
                items.append(n)
                if n == 3:
                    run._channel.stopping.request("enough")
                stage.update(message=f"item {n}")
            sink.passing.set()
        sink.passing.set()
    assert items == [0, 1, 2, 3]


def test_a_loop_that_may_not_be_stopped_tells_the_sender_no_more_than_once() -> None:
    sink = FlakySink()
    with pytest.raises(Cancelled):
        with make_run(sink) as run, run.stage("work") as stage:
            assert run.flush(30)
            sink.passing.clear()
            run.note("on its way for long")
            assert sink.appending.wait(30)
            run._channel.stopping.request("enough")
            with run.shielded():
                for _ in stage.track(range(1_000)):
                    stage.advance(0)
                assert len(run._channel._outbox._announced) <= 2
                sink.passing.set()
                assert run.flush(30)
                assert [each.current for each in run.state.stages] == [1_000]


def test_async_code_is_told_why_it_is_cancelled_as_any_other() -> None:
    sink = FlakySink()

    async def job() -> None:
        async with make_run(sink) as run:
            assert run.flush(30)
            cancel(sink)
            await asyncio.wait_for(asyncio.Event().wait(), 30)

    with pytest.raises(Cancelled, match=r"^run run is cancelled: enough$"):
        asyncio.run(job())
