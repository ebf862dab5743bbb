"""A store that fails, is full, is away, is replaced: the job never notices, and the log has everything once."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from headway.errors import InvalidEvent, StoreCorrupt
from headway.ports import Appended, Batch
from headway.protocol import codec, events
from headway.reporter import leaving, outbox, run
from headway.reporter.drafting import make_drafts
from headway.reporter.outbox import Item
from headway.stores.memory import MemoryEventStore
from headway.stores.sqlite import SqliteEventStore
from tests.unit.reporter.flaky import Fault, FlakySink, events_of, make_run, types_of


@pytest.fixture
def sink() -> FlakySink:
    return FlakySink()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a run waits for less than usual."""
    monkeypatch.setattr(run, "FLUSH_S", 0.3)
    monkeypatch.setattr(run, "HELPERS_S", 0.1)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def custom(sink: FlakySink) -> list[int]:
    return [msgspec.json.decode(event.data)["n"] for event in events_of(sink.store) if event.type == "x.n"]


@pytest.mark.parametrize("fault", ["before", "after"])
@pytest.mark.parametrize("place", range(8))
def test_one_failure_anywhere_changes_nothing(place: int, fault: Fault) -> None:
    sink = FlakySink(faults=iter([*[None] * place, fault]))
    with make_run(sink) as job, job.stage("a", total=3) as stage:
        for n in stage.track(range(3)):
            job.emit("x.n", {"n": n})
        assert job.flush()
    assert custom(sink) == [0, 1, 2]
    assert types_of(sink.store)[-2:] == ["stage.completed:a", "run.completed"]
    assert types_of(sink.store).count("run.started") == 1
    snapshot = sink.store.snapshot("run", fold=job.state.fold)
    assert snapshot is not None
    assert snapshot.body == msgspec.json.encode(job.state)


@pytest.mark.usefixtures("hasty")
def test_a_store_that_is_never_there_is_told_once_and_counted(
    sink: FlakySink, caplog: pytest.LogCaptureFixture
) -> None:
    sink.reachable.clear()
    with make_run(sink) as job, job.stage("a") as stage:
        for n in stage.track(range(10)):
            job.emit("x.n", {"n": n})
        job.log("a line")
        assert not job.flush(0.01)
    told = warnings(caplog)
    assert len(told) == 2
    assert "wait until they can be stored" in told[0]
    assert "ended with 15 reports that were not stored" in told[1]  # start, progress, end, 10, the line, the run's end


def test_a_store_that_comes_back_gets_everything_in_order(sink: FlakySink, caplog: pytest.LogCaptureFixture) -> None:
    with make_run(sink) as job:
        assert job.flush()
        sink.reachable.clear()
        for n in range(500):
            job.emit("x.n", {"n": n})
        assert sink.failed.wait(10)
        assert not job.flush(0)
        sink.reachable.set()
    assert custom(sink) == list(range(500))
    assert len(warnings(caplog)) == 1


@pytest.mark.usefixtures("hasty")
def test_a_store_that_is_gone_at_the_end_keeps_nobody(sink: FlakySink, caplog: pytest.LogCaptureFixture) -> None:
    with make_run(sink) as job:
        job.note("early")
        assert job.flush()
        sink.reachable.clear()
        job.note("late")
    assert types_of(sink.store)[-1] == "note"
    assert "ended with 2 reports that were not stored" in warnings(caplog)[-1]
    assert not job.flush(0), "and they never will be"


@pytest.mark.usefixtures("hasty")
def test_an_append_that_hangs_keeps_nobody(sink: FlakySink, caplog: pytest.LogCaptureFixture) -> None:
    sink.passing.clear()
    with make_run(sink) as job:
        for n in range(3_000):
            job.emit("x.n", {"n": n})
    assert "ended with 3001 reports that were not stored" in warnings(caplog)[-1]
    sink.passing.set()


@pytest.mark.usefixtures("hasty")
def test_what_was_taken_and_not_drafted_yet_is_counted(
    sink: FlakySink, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_hand, go_on = threading.Event(), threading.Event()

    def slowly(items: Sequence[Item]) -> Iterator[object]:
        if items:
            in_hand.set()
            go_on.wait()
        return make_drafts(items)

    monkeypatch.setattr("headway.reporter.rounds.make_drafts", slowly)
    with make_run(sink) as job:
        job.note("x")
        assert in_hand.wait(10)
    go_on.set()
    assert "ended with 2 reports that were not stored" in warnings(caplog)[-1]  # the note and the end


def test_a_damaged_store_ends_the_reporting_and_not_the_job(sink: FlakySink, caplog: pytest.LogCaptureFixture) -> None:
    class Damaged(FlakySink):
        def append(self, batch: Batch) -> Appended:
            raise StoreCorrupt("the file is damaged")

    with make_run(Damaged()) as job:
        for _ in range(3):
            job.note("x")
            assert not job.flush()
    assert warnings(caplog)[0] == "run run is not reported any more: the file is damaged"
    assert len(warnings(caplog)) == 2


def test_a_defect_of_a_sink_ends_the_reporting_and_not_the_job(caplog: pytest.LogCaptureFixture) -> None:
    class Defective(FlakySink):
        def append(self, batch: Batch) -> Appended:
            raise ZeroDivisionError

    with make_run(Defective()) as job:
        job.note("x")
        assert not job.flush()
    assert "ended by a defect" in caplog.text


def test_one_event_that_a_strict_log_refuses_costs_no_other(caplog: pytest.LogCaptureFixture) -> None:
    class Strict(FlakySink):
        def append(self, batch: Batch) -> Appended:
            if any(isinstance(draft.data, dict) and draft.data.get("n") == 77 for draft in batch.events):
                raise InvalidEvent("no 77 here")
            return super().append(batch)

    sink = Strict()
    with make_run(sink) as job:
        for n in range(200):
            job.emit("x.n", {"n": n})
    assert custom(sink) == [n for n in range(200) if n != 77]
    assert len(warnings(caplog)) == 1


def test_what_there_is_no_room_for_is_counted_where_it_would_have_been(
    sink: FlakySink, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(outbox, "CAPACITY_LOW", 20)
    monkeypatch.setattr(outbox, "CAPACITY", 30)
    sink.passing.clear()
    with make_run(sink) as job:
        job.note("first")
        assert sink.appending.wait(10), "the outbox is empty now"
        for n in range(20):
            job.emit("x.n", {"n": n})
        for _ in range(7):
            job.log("no room")
        job.emit("x.n", {"n": 20})
        for _ in range(3):
            job.highlight("no room")
        for n in range(21, 60):
            job.emit("x.n", {"n": n})
        assert not job.flush(), "there is no room to ask either"
        sink.passing.set()
    assert custom(sink) == list(range(28)), "the places of the two gaps count too"
    gaps = [codec.data_of(event) for event in events_of(sink.store) if event.type == "log.gap"]
    assert sum(gap.to - gap.from_ + 1 for gap in gaps if isinstance(gap, events.LogGap)) == 7 + 3 + 32
    assert job.state.dropped == {"lost": 42}
    assert types_of(sink.store)[-2:] == ["log.gap", "run.completed"]
    assert [told for told in warnings(caplog) if "42 dropped" in told]


def test_progress_whose_start_was_dropped_is_told_and_keeps_nobody(
    sink: FlakySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "CAPACITY_LOW", 5)
    monkeypatch.setattr(outbox, "CAPACITY", 5)
    sink.passing.clear()
    with make_run(sink) as job:
        job.note("first")
        assert sink.appending.wait(10), "the outbox is empty now"
        for n in range(5):
            job.emit("x.n", {"n": n})
        stage = job.stage("a").start()
        stage.advance(3)
        sink.passing.set()
        while not job.flush():
            pass  # there is no room for the question yet
        assert job.state.stages[0].current == 3


def test_the_outbox_bounds_the_text_it_holds(sink: FlakySink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "CAPACITY_TEXT", 10_000)
    sink.passing.clear()
    with make_run(sink) as job:
        job.note("first")
        assert sink.appending.wait(10), "the outbox is empty now"
        for _ in range(100):
            job.log("x" * 1_000)
        sink.passing.set()
    assert job.state.log.lines == 11
    assert job.state.dropped == {"lost": 89}


def test_a_log_that_vanishes_is_made_anew_and_says_what_is_lost(sink: FlakySink) -> None:
    with make_run(sink) as job:
        for n in range(10):
            job.emit("x.n", {"n": n})
        assert job.flush()
        sink.store = MemoryEventStore()
        job.emit("x.n", {"n": 10})
        assert job.flush()
        assert job.state.seq == 4
    assert types_of(sink.store) == ["run.created", "run.started", "log.gap", "x.n", "run.completed"]
    assert job.state.dropped == {"lost": 10}


def test_a_log_that_vanishes_while_nothing_is_sent_is_noticed_by_the_lease(sink: FlakySink) -> None:
    with make_run(sink) as job:
        job.note("one")
        assert job.flush()
        sink.store = MemoryEventStore()
        sink.created.clear()
        sender = job._channel._sender
        assert sender is not None
        assert sender._rounds is not None
        sender._rounds._renew_at = 0.0
        job._channel._outbox.wake()
        assert sink.created.wait(10)
    assert types_of(sink.store)[-1] == "run.completed"


def test_a_log_that_somebody_else_made_anew_is_theirs(sink: FlakySink, caplog: pytest.LogCaptureFixture) -> None:
    with make_run(sink) as job:
        job.note("ours")
        assert job.flush()
        other = FlakySink()
        with make_run(other) as theirs:
            assert theirs.flush()
            sink.store = other.store
            job.note("not into theirs")
            assert not job.flush()
    assert types_of(other.store) == ["run.created", "run.started", "run.completed"]
    assert "made anew by somebody else" in caplog.text


@pytest.mark.parametrize("kept", ["before it began", "in the middle"])
def test_a_log_restored_from_an_old_copy_is_gone_on_with(tmp_path: Path, kept: str) -> None:
    path, copy = tmp_path / "log.db", tmp_path / "copy.db"
    store = SqliteEventStore(path)
    sink = FlakySink(store)
    job = make_run(sink)
    if kept == "before it began":
        store.create(job._new)
        _copy(path, copy)
    job.start()
    for n in range(20):
        job.emit("x.n", {"n": n})
        if n == 9 and kept == "in the middle":
            assert job.flush()
            _copy(path, copy)
    assert job.flush()
    store.close()
    sink.store = SqliteEventStore(copy)
    job.emit("x.n", {"n": 20})
    assert job.flush(30)
    job.complete()
    told = [*range(10), 20] if kept == "in the middle" else [20]
    assert custom(sink) == told
    assert types_of(sink.store)[-1] == "run.completed"
    assert types_of(sink.store).count("log.gap") == 1
    snapshot = sink.store.snapshot("run", fold=job.state.fold)
    assert snapshot is not None
    assert snapshot.body == msgspec.json.encode(job.state)
    assert job.state.seq == len(events_of(sink.store))
    sink.store.close()


def _copy(path: Path, copy: Path) -> None:
    import apsw

    with closing(apsw.Connection(str(path))) as source, closing(apsw.Connection(str(copy))) as target:
        with target.backup("main", source, "main") as backup:
            backup.step()
        target.pragma("journal_mode", "WAL")


def test_an_event_that_nobody_can_read_stops_the_state_and_not_the_reports(
    sink: FlakySink, caplog: pytest.LogCaptureFixture
) -> None:
    store = sink.store
    assert isinstance(store, MemoryEventStore)
    with make_run(sink) as job:
        assert job.flush()
        bad = events.draft(events.Note(text=5), at="2026-11-20T00:00:00.000Z")  # type: ignore[arg-type]
        store.append(Batch(run_id="run", reporter="stranger", first=1, events=(bad,)))
        job.note("after it")
        assert job.flush()
        job.note("and on")
    assert [record.type for record in store.read("run").records][-3:] == ["note", "note", "run.completed"]
    assert "not followed any more" in caplog.text


def test_taking_over_a_long_run_begins_with_its_snapshot(sink: FlakySink) -> None:
    with make_run(sink) as first:
        for n in range(12_000):
            first.emit("x.n", {"n": n}, priority="low" if n % 2 else "high")
        assert first.flush(60)
        reads: Iterator[int] = itertools.count()
        inner = sink.read

        def counted(run_id: str, after: object) -> object:
            next(reads)
            return inner(run_id, after)  # type: ignore[arg-type]

        sink.read = counted  # type: ignore[method-assign,assignment]
        with make_run(sink) as second:
            assert second.flush(60)
            assert second.state.seq == 12_003
            assert next(reads) <= 12


def test_a_run_that_nobody_ends_is_let_go_at_exit(sink: FlakySink) -> None:
    job = make_run(sink).start()
    job.note("kept")
    assert job in leaving.running
    run._close_all()
    assert not leaving.running
    assert types_of(sink.store)[-1] == "note"
    assert sink.store.sweep().lost == ("run",), "its owner is gone"
