"""What a run and its stages share, when several threads come at once, and when its own threads cannot be had."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headway.errors import StoreUnavailable
from headway.ports import Appended, Batch, EventSink, NewRun
from headway.protocol import codec, events
from headway.reporter import leaving
from headway.reporter import run as run_module
from headway.reporter.attached import AttachedRun
from headway.reporter.channel import Channel
from headway.reporter.leftovers import deliver_left_behind
from headway.reporter.opener import Opener
from headway.reporter.outbox import Marker
from headway.reporter.run import Run, RunOptions
from headway.reporter.spool import Spool, SpoolPlace, left_behind
from headway.reporter.tally import Tally
from tests.unit.reporter.flaky import FlakySink, events_of, make_run, types_of

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001"
    "a5f645400000000049454e44ae426082"
)


@pytest.fixture
def sink() -> FlakySink:
    return FlakySink()


def notes(sink: FlakySink) -> list[str]:
    found = [codec.data_of(event) for event in events_of(sink.store)]
    return [each.text for each in found if isinstance(each, events.Note)]


def senders() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "headway-sender"}


def forked(sink: FlakySink) -> tuple[Run, AttachedRun]:
    """An owner's run, and what a child that was forked in it has of it."""
    owner = make_run(sink).start()
    assert owner.flush(30)
    child = AttachedRun("run", sink.open, lease_s=30.0)
    child._channel.join_after_fork()
    return owner, child


def test_threads_of_a_forked_child_that_report_first_at_once_join_once(sink: FlakySink) -> None:
    """Two senders with one identity would number their reports alike, and the log would take half of them."""
    others = senders()
    owner, child = forked(sink)
    long = threading.Event()
    start = child._channel.start

    def start_slowly(run: NewRun) -> None:
        long.wait(0.2)
        start(run)

    child._channel.start = start_slowly  # type: ignore[method-assign]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: child.note(f"{n}"), range(200)))
    assert len(senders() - others) == 2, "the owner's and the child's"
    assert child.flush(30)
    child._close(30)
    owner.complete()
    assert sorted(map(int, notes(sink))) == list(range(200))


@pytest.mark.parametrize("wish", ["stage", "check", "cancelled", "on_cancel"])
def test_a_forked_child_that_wants_to_know_whether_to_stop_is_told(sink: FlakySink, wish: str) -> None:
    owner, child = forked(sink)
    wishes: dict[str, Callable[[], object]] = {
        "stage": lambda: child.stage("in the child").start(),
        "check": child.check,
        "cancelled": lambda: child.cancelled,
        "on_cancel": lambda: child.on_cancel(lambda: None),
    }
    wishes[wish]()
    assert child._channel._inbox is not None
    child._close(30)
    owner.complete()


def test_what_a_stage_had_come_to_at_the_fork_is_the_parents_to_tell(sink: FlakySink) -> None:
    owner = make_run(sink).start()
    with owner.stage("work", total=10) as stage:
        stage.update(current=5)
        assert owner.flush(30)
        stage.advance()
        child = make_run(sink)  # what a fork would make of it
        child._channel._stages = dict(owner._channel._stages)
        child._channel.join_after_fork()
        child._channel.close_stages()
        assert child._channel._outbox.reports() == 0
        stage._progress.closed = False
    owner.complete()


def test_a_child_that_returns_from_a_stages_block_leaves_the_stage_to_its_parent(sink: FlakySink) -> None:
    with make_run(sink) as run:
        with pytest.raises(SystemExit):
            with run.stage("parent") as stage:
                assert run.flush(30)
                run._channel.generation += 1  # as in a child
                raise SystemExit(3)
        assert stage._open
        run._channel.generation -= 1
    assert types_of(sink.store)[-2:] == ["stage.started:parent", "run.completed"]


def test_a_run_that_two_processes_start_has_two_owners_one_after_the_other(
    sink: FlakySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(sink)
    before = run._channel._reporter.id
    monkeypatch.setattr("os.getpid", lambda: 4711)
    run.start()
    assert run._channel._reporter.id != before
    run.complete()


def test_several_threads_may_ask_a_helper_for_the_state(sink: FlakySink) -> None:
    owner = make_run(sink).start()
    for n in range(3_000):
        owner.emit("x.n", {"n": n})
    assert owner.flush(30)
    with AttachedRun("run", sink.open, lease_s=30.0) as helper, ThreadPoolExecutor(8) as pool:
        assert len({state.seq for state in pool.map(lambda _: helper.state, range(32))}) == 1
        owner.note("one more")
        assert owner.flush(30)
        assert [note.text for note in helper.state.notes] == ["one more"]
    owner.complete()
    assert sink.opened <= sink.closed + 6, "those that are still open are the threads' own"


def test_a_helper_may_attach_again(sink: FlakySink) -> None:
    others = senders()
    owner = make_run(sink).start()
    helper = AttachedRun("run", sink.open, lease_s=30.0)
    for n in range(3):
        with helper:
            helper.note(f"{n}")
    owner.complete()
    assert notes(sink) == ["0", "1", "2"]
    assert senders() == others


def test_a_helper_that_nobody_attaches_does_so_with_its_first_report(sink: FlakySink) -> None:
    owner = make_run(sink).start()
    assert owner.flush(30)
    helper = AttachedRun("run", sink.open, lease_s=30.0)
    assert helper.flush(30), "there is nothing to be stored yet"
    assert helper not in leaving.running
    with helper.stage("a") as stage:
        stage.note("kept")
    assert helper.flush(30)
    assert types_of(sink.store)[-3:] == ["stage.started:a", "note:a", "stage.completed:a"]
    assert sink.store.helpers("run")
    helper.note("at the end")
    run_module._close_all()
    assert notes(sink) == ["kept", "at the end"]
    assert not leaving.running


@pytest.mark.parametrize(
    "report",
    [
        lambda run: run.log("line"),
        lambda run: run.note("text"),
        lambda run: run.stage("a").advance(),
        lambda run: run.artifact("a.txt", b"a"),
        lambda run: run.screenshot(PNG),
        lambda run: run.cancelled,
        lambda run: run.on_cancel(print),
    ],
    ids=["log", "note", "stage", "artifact", "screenshot", "cancelled", "on_cancel"],
)
def test_whatever_comes_first_attaches(sink: FlakySink, report: Callable[[AttachedRun], object]) -> None:
    owner = make_run(sink).start()
    assert owner.flush(30)
    helper = AttachedRun("run", sink.open, lease_s=30.0)
    report(helper)
    assert helper in leaving.running
    helper.detach()
    owner.complete()
    assert not leaving.running


def test_a_helper_that_was_attached_attaches_no_second_time(sink: FlakySink, caplog: pytest.LogCaptureFixture) -> None:
    owner = make_run(sink).start()
    others = senders()
    helper = AttachedRun("run", sink.open, lease_s=30.0).attach()
    helper.note("once")
    assert len(senders() - others) == 1
    helper.detach()
    helper.note("too late")
    assert senders() == others
    assert helper._channel.tally.counts == {"left out": 1}
    assert "it came after this process had left the run" in caplog.text, "which goes on"
    owner.complete()
    assert notes(sink) == ["once"]


def test_a_helper_that_nobody_detaches_has_its_reports_stored_at_exit(sink: FlakySink) -> None:
    owner = make_run(sink).start()
    helper = AttachedRun("run", sink.open, lease_s=30.0).attach()
    helper.note("kept")
    assert helper in leaving.running
    owner._close(30)
    run_module._close_all()
    assert notes(sink) == ["kept"]
    assert not leaving.running


def test_pictures_are_drawn_before_an_exit(sink: FlakySink) -> None:
    job = make_run(sink).start()
    for _ in range(5):
        assert job.screenshot(PNG)
    run_module._close_all()
    assert types_of(sink.store).count("screenshot") == 5


def test_runs_that_leave_together_share_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first waits for its store until the end; the others must have the time to keep theirs on disk."""
    monkeypatch.setattr(run_module, "FLUSH_S", 1.5)
    hanging, away = FlakySink(), [FlakySink() for _ in range(3)]
    first = make_run(hanging).start()
    assert first.flush(30)
    hanging.passing.clear()
    first.note("on its way for long")
    for n, sink in enumerate(away):
        sink.reachable.clear()
        target = Opener(sink.open, SpoolPlace(tmp_path, f"memory:{n}"))
        run = Run("test", RunOptions(run_id=f"run-{n}"), target, lease_s=30.0).start()
        for _ in range(3_000):
            run.note("kept on disk")
    run_module._close_all()
    found = list(left_behind(tmp_path))
    hanging.passing.set()
    for each in found:
        each.release()
    targets = [each.header.target for each in found]
    assert targets == ["memory:0", "memory:1", "memory:2"], "all of them, and nobody holds them any more"


def test_runs_that_leave_together_are_given_up_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those whose stores do not answer are waited for at once, and not one after the other."""
    monkeypatch.setattr(run_module, "FLUSH_S", 0.5)
    sinks = [FlakySink(), FlakySink(), FlakySink()]
    for sink in sinks:
        run = make_run(sink).start()
        assert run.flush(30)
        sink.passing.clear()
        sink.appending.clear()
        run.note("on its way for long")
        assert sink.appending.wait(30)
    given_up: list[bool] = []
    times_s: list[float] = []
    close = Run._close

    def closing(self: Run, timeout_s: float) -> None:
        senders = [each._channel._sender for each in leaving.running]
        given_up.append(all(sender is not None and sender._given_up for sender in senders))
        times_s.append(timeout_s)
        close(self, timeout_s)

    monkeypatch.setattr(Run, "_close", closing)
    run_module._close_all()
    for sink in sinks:
        sink.passing.set()
    assert given_up == [True] * 3
    assert times_s[1] < times_s[0] / 2, "the first has had the time of all of them"
    assert times_s[2] < times_s[0] / 2


def test_a_log_that_answers_while_what_is_left_is_kept_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink, add = FlakySink(), Spool.add
    run = Run(
        "test", RunOptions(run_id="run"), Opener(sink.open, SpoolPlace(tmp_path, "memory:")), lease_s=30.0
    ).start()
    assert run.flush(30)
    sink.passing.clear()
    sink.appending.clear()
    run.emit("x.n", {"n": 0})
    assert sink.appending.wait(30)
    for n in range(1, 5):
        run.emit("x.n", {"n": n})
    sender = run._channel._sender
    assert sender is not None

    def add_later(self: Spool, first: int, drafts: tuple[events.Draft, ...]) -> bool:
        sink.passing.set()
        assert sender._over.wait(30), "the thread that was waiting for the log has come back, and is gone"
        return add(self, first, drafts)

    monkeypatch.setattr(Spool, "add", add_later)
    asked = Marker()
    assert run._channel._outbox.put(asked)
    run._put(events.RunCompleted(duration=1.0))
    assert run._channel.close(0) == 0
    assert asked.done.is_set(), "nobody is left waiting"
    assert asked.failed
    assert [type_ for type_ in types_of(sink.store) if type_ == "x.n"] == ["x.n"]
    leaving.running.pop(run)
    assert deliver_left_behind(tmp_path, "memory:", sink.open) == 1
    assert types_of(sink.store)[-6:] == ["x.n"] * 5 + ["run.completed"]


def test_threads_that_show_pictures_first_at_once_share_a_gallery(sink: FlakySink) -> None:
    together = threading.Barrier(8)

    def show(_: int) -> object:
        together.wait()
        return run._channel._opened_gallery()

    with make_run(sink) as run, ThreadPoolExecutor(8) as pool:
        assert len(set(map(id, pool.map(show, range(8))))) == 1


def test_without_a_thread_to_listen_in_nobody_owns_the_run(sink: FlakySink, monkeypatch: pytest.MonkeyPatch) -> None:
    others, start = senders(), threading.Thread.start

    def first_only(self: threading.Thread) -> None:
        if self.name == "headway-inbox":
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", first_only)
    with make_run(sink) as run:
        run.note("nobody hears it")
    assert not sink.created.is_set()
    assert senders() == others


def test_a_store_that_cannot_be_opened_at_the_end_is_not_the_jobs_trouble(sink: FlakySink) -> None:
    def open_sink() -> EventSink:
        if gone.is_set():
            raise StoreUnavailable("gone")
        return sink

    gone = threading.Event()
    with Run("test", RunOptions(run_id="run"), open_sink, lease_s=30.0) as run:
        assert run.flush(30)
        gone.set()
    assert types_of(sink.store)[-1] == "run.completed"


def test_stages_without_end_are_not_remembered(sink: FlakySink) -> None:
    with make_run(sink) as run:
        for n in range(1_500):
            run.stage(f"s{n}").complete()
        assert len(run._timing.durations() or {}) <= 1_000
        assert len(run._channel._stages) == 0


def test_the_protocols_own_events_cannot_be_emitted(sink: FlakySink, caplog: pytest.LogCaptureFixture) -> None:
    with make_run(sink) as run:
        for type_ in ("run.started", "run.lost", "run.completed", "finding", "page"):
            run.emit(type_, {"attempt": 7})
        assert run._channel.tally.counts == {"refused": 5}
    assert types_of(sink.store) == ["run.created", "run.started", "run.completed"]
    assert "'run.started' cannot be emitted: an event of your own is named 'x.'" in caplog.text


def test_a_generator_that_the_sender_finds_garbage_keeps_nobody_waiting() -> None:
    """The garbage collector may run in any thread: here, while something is on its way to the store."""

    class Collecting(FlakySink):
        def append(self, batch: Batch) -> Appended:
            if any(each.type == "note" for each in batch.events):
                gc.collect()
            return super().append(batch)

    sink = Collecting()
    channels: list[Channel] = []

    def job() -> Iterator[int]:
        with make_run(sink) as run, run.stage("work"):
            channels.append(run._channel)
            yield 1
            yield 2

    class Circle:
        def __init__(self) -> None:
            self.me, self.job = self, job()

    gc.disable()
    try:
        assert next(Circle().job) == 1
        channels[0].put(None, events.Note(text="wakes the sender"))
        sender = channels[0]._sender
        assert sender is not None
        assert sender.wait_sent(5.0), "it waits for itself"
    finally:
        gc.enable()
    assert types_of(sink.store)[-2:] == ["note", "run.cancelled"]


def test_counts_may_be_told_while_others_count() -> None:
    class Counting(dict[str, int]):
        """Another thread adds a reason in the midst of the telling."""

        def values(self) -> Iterator[int]:  # type: ignore[override]
            yield from super().values()
            self["late"] = 2

        def items(self) -> Iterator[tuple[str, int]]:  # type: ignore[override]
            for each in super().items():
                self[f"late {len(self)}"] = 2
                yield each

    tally = Tally("run")
    tally.add("dropped", "for want of room", 2)
    tally.counts = Counting(tally.counts)
    tally.say()
