"""What a process has left on disk: delivered whole, once and in order, whatever has become of the file."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.errors import InvalidInput, StoreUnavailable
from headway.ports import Appended, Batch, Created, EventSink, NewRun
from headway.protocol import codec, events
from headway.protocol.events import Draft, ReporterInfo
from headway.reporter import run as run_module
from headway.reporter.bundle import Bundle
from headway.reporter.leftovers import deliver_left_behind
from headway.reporter.opener import Opener
from headway.reporter.overflow import Overflow
from headway.reporter.run import Run, RunOptions
from headway.reporter.sinks import StoreSink
from headway.reporter.spool import SUFFIX, Spool, SpoolHeader, SpoolPlace, left_behind
from headway.reporter.tally import Tally
from headway.stores.memory import MemoryEventStore
from tests.unit.reporter.flaky import NO_ARTIFACTS, FlakySink, events_of

AT = "2026-11-20T19:41:03.120Z"
TARGET = "sqlite:////somewhere.db"


def header(attempt: int | None = None) -> SpoolHeader:
    run = NewRun(run_id="run", kind="job", at=AT)
    return SpoolHeader(target=TARGET, run=run, reporter=ReporterInfo(id="rep"), attempt=attempt)


def notes(*texts: object) -> tuple[Draft, ...]:
    return tuple(events.draft(events.Note(text=str(text)), at=AT) for text in texts)


def deliver(folder: Path, store: MemoryEventStore) -> int:
    return deliver_left_behind(folder, TARGET, lambda: StoreSink(store, NO_ARTIFACTS))


def told(store: MemoryEventStore) -> list[str]:
    """The notes' texts, and where something is missing."""
    found = [codec.data_of(event) for event in events_of(store)]
    return [
        each.text if isinstance(each, events.Note) else f"gap {each.from_}-{each.to}"
        for each in found
        if isinstance(each, events.Note | events.LogGap)
    ]


@given(order=st.permutations([1, 4, 5, 9, 10]))
def test_what_was_kept_later_than_it_was_numbered_comes_in_its_place(
    tmp_path_factory: pytest.TempPathFactory, order: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    counts = {1: 3, 4: 1, 5: 4, 9: 1, 10: 2}
    spool = Spool(folder, header())
    for first in order:
        spool.add(first, notes(*range(first, first + counts[first])))
    spool.leave()
    store = MemoryEventStore()
    assert deliver(folder, store) == 1
    assert told(store) == [str(n) for n in range(1, 12)]
    assert not list(folder.iterdir())


def test_a_store_that_never_comes_gets_what_was_in_hand_before_what_was_kept_meanwhile(tmp_path: Path) -> None:
    """The first reports wait in memory while later ones go to the disk; at the end they go there, too."""
    away = FlakySink()
    opener = Opener(away.open, SpoolPlace(tmp_path, TARGET))
    run = Run("test", RunOptions(run_id="run"), opener, lease_s=30.0).start()
    assert run.flush(30)
    away.reachable.clear()
    run.note("first")
    assert away.failed.wait(30)
    for n in range(12_000):
        run.emit("x.n", {"n": n})
    away.failed.clear()
    assert away.failed.wait(30)
    run._channel.close(2.0)
    assert deliver_left_behind(tmp_path, TARGET, lambda: StoreSink(away.store, NO_ARTIFACTS)) == 1
    types = [event.type for event in events_of(away.store)]
    assert types == ["run.created", "run.started", "note"] + ["x.n"] * 12_000


def test_large_reports_are_delivered_in_batches_that_a_log_takes(tmp_path: Path) -> None:
    spool = Spool(tmp_path, header())
    spool.add(1, notes(*(f"{n}" + "x" * 60_000 for n in range(100))))
    spool.leave()
    store = MemoryEventStore()
    assert deliver(tmp_path, store) == 1
    assert [text.rstrip("x") for text in told(store)] == [str(n) for n in range(100)]


def test_what_a_strict_log_refuses_costs_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Strict(StoreSink):
        def append(self, batch: Batch) -> Appended:
            if any("bad" in str(each.data) for each in batch.events):
                raise InvalidInput("nothing bad, please")
            return super().append(batch)

    spool = Spool(tmp_path, header())
    spool.add(1, notes(1, 2, "bad", 4, 5, "bad"))
    spool.leave()
    store = MemoryEventStore()
    assert deliver_left_behind(tmp_path, TARGET, lambda: Strict(store, NO_ARTIFACTS)) == 1
    assert told(store) == ["1", "2", "gap 3-3", "4", "5"]
    assert not list(tmp_path.iterdir())
    assert "2 were refused" in caplog.text


def test_a_damaged_line_costs_no_other(tmp_path: Path) -> None:
    spool = Spool(tmp_path, header())
    spool.add(1, notes(*range(1, 6)))
    spool.leave()
    (file,) = tmp_path.iterdir()
    lines = file.read_bytes().splitlines(keepends=True)
    lines[2] = b"\x00" * len(lines[2].rstrip()) + b"\n"
    file.write_bytes(b"".join(lines))
    store = MemoryEventStore()
    assert deliver(tmp_path, store) == 1
    assert told(store) == ["1", "gap 2-2", "3", "4", "5"]
    assert not list(tmp_path.iterdir())


class Half(StoreSink):
    """Fails before, or after, its nth operation that writes; once."""

    def __init__(self, store: MemoryEventStore, nth: int, when: str) -> None:
        super().__init__(store, NO_ARTIFACTS)
        self._left = nth
        self._when = when

    def _failing(self, when: str) -> None:
        if when == "before":
            self._left -= 1
        if self._left == 0 and when == self._when:
            self._left = -1
            raise StoreUnavailable(f"it failed {when} it was done")

    def create(self, run: NewRun) -> Created:
        self._failing("before")
        created = super().create(run)
        self._failing("after")
        return created

    def take_over(self, run_id: str, reporter: ReporterInfo, at: str, ttl_s: float) -> Created:
        self._failing("before")
        taken = super().take_over(run_id, reporter, at, ttl_s)
        self._failing("after")
        return taken

    def append(self, batch: Batch) -> Appended:
        self._failing("before")
        appended = super().append(batch)
        self._failing("after")
        return appended


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_a_delivery_that_was_broken_off_is_made_again(tmp_path: Path, nth: int, when: str) -> None:
    spool = Spool(tmp_path, header())
    spool.add(1, notes(*range(1, 1_001)))
    spool.leave()
    store = MemoryEventStore()
    deliver_left_behind(tmp_path, TARGET, lambda: Half(store, nth, when))
    deliver(tmp_path, store)
    assert told(store) == [str(n) for n in range(1, 1_001)]
    assert not list(tmp_path.iterdir())


def test_a_run_whose_claim_was_stored_and_never_answered_is_still_its_reporters(tmp_path: Path) -> None:
    store = MemoryEventStore()
    store.create(header().run)
    store.take_over("run", ReporterInfo(id="rep"), AT, 30.0)
    spool = Spool(tmp_path, header(attempt=None))
    spool.add(1, notes(1, 2))
    spool.leave()
    assert deliver(tmp_path, store) == 1
    assert told(store) == ["1", "2"]
    assert store.header("run").attempt == 1


def test_a_run_that_somebody_else_has_begun_meanwhile_is_theirs(tmp_path: Path) -> None:
    store = MemoryEventStore()
    store.create(header().run)
    store.take_over("run", ReporterInfo(id="other"), AT, 30.0)
    spool = Spool(tmp_path, header(attempt=None))
    spool.add(1, notes(1, 2))
    spool.leave()
    deliver(tmp_path, store)
    assert told(store) == []
    assert store.header("run").owner == "other"
    assert not list(tmp_path.iterdir())


def helper(name: str) -> SpoolHeader:
    run = NewRun(run_id="run", kind="", at=AT)
    return SpoolHeader(target=TARGET, run=run, reporter=ReporterInfo(id=name), helper=True)


@pytest.mark.parametrize("name", ["a-helper", "z-helper"])
def test_what_helpers_kept_comes_before_the_end_that_the_owner_kept(tmp_path: Path, name: str) -> None:
    owner, helping = Spool(tmp_path, header()), Spool(tmp_path, helper(name))
    owner.add(1, (*notes("mine"), events.draft(events.RunCompleted(), at=AT)))
    helping.add(1, notes("theirs", "too"))
    owner.leave()
    helping.leave()
    store = MemoryEventStore()
    assert deliver(tmp_path, store) == 2
    assert told(store) == ["mine", "theirs", "too"]
    assert store.header("run").status == "completed"
    assert not list(tmp_path.iterdir())


def test_what_a_helper_kept_waits_for_its_run_but_not_for_ever(tmp_path: Path) -> None:
    helping = Spool(tmp_path, helper("helper"))
    helping.add(1, notes("theirs"))
    helping.leave()
    store = MemoryEventStore()
    assert deliver(tmp_path, store) == 0
    (file,) = tmp_path.iterdir()
    store.create(header().run)
    assert deliver(tmp_path, store) == 1
    assert told(store) == ["theirs"]
    helping.add(1, notes("theirs"))
    helping.leave()
    os.utime(file, (0, 0))
    assert deliver(tmp_path, MemoryEventStore()) == 0
    assert not list(tmp_path.iterdir())


def test_a_disk_that_is_full_keeps_what_it_has_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, tally, _spool = overflow(tmp_path)
    assert kept.keep(bundle(1, "a", "b"))
    whole = os.pwrite

    def full(fd: int, data: bytes, place: int) -> int:
        if len(data) < 60:
            raise OSError(28, "No space left on device")
        return whole(fd, data[:60], place)

    monkeypatch.setattr(os, "pwrite", full)
    assert not kept.keep(bundle(3, "c"))
    assert tally.counts == {"dropped": 1}
    monkeypatch.undo()
    found = kept.next()
    assert found is not None
    assert (found.first, len(found.drafts)) == (1, 2)
    kept.leave()
    store = MemoryEventStore()
    deliver(tmp_path, store)
    assert told(store) == ["a", "b"]


def test_a_store_that_cannot_be_opened_is_no_defect(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def closed() -> EventSink:
        raise StoreUnavailable("it cannot be opened")

    spool = Spool(tmp_path, header())
    spool.add(1, notes(1))
    spool.leave()
    assert deliver_left_behind(tmp_path, TARGET, closed) == 0
    assert "cannot be delivered now" in caplog.text
    assert deliver(tmp_path, MemoryEventStore()) == 1, "and the file is not held any more"


def test_files_that_say_nothing_are_cleared_away(tmp_path: Path) -> None:
    (tmp_path / f"a{SUFFIX}").write_bytes(b"")
    (tmp_path / f"b{SUFFIX}").write_bytes(b'{"target": "sqlite:///x", "ru')
    (tmp_path / f"c{SUFFIX}").write_bytes(b'{"of": "a later version"}\n{"n": 1}\n')
    assert deliver(tmp_path, MemoryEventStore()) == 0
    assert [file.name for file in tmp_path.iterdir()] == [f"c{SUFFIX}"]


def test_who_looks_for_what_was_left_takes_no_file_that_is_being_made(tmp_path: Path) -> None:
    """A file is empty for a moment, and who looks at it then may hold it, or clear it away."""
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            for found in left_behind(tmp_path):
                found.release()

    watchers = [threading.Thread(target=look) for _ in range(2)]
    for watcher in watchers:
        watcher.start()
    try:
        for n in range(300):
            run = NewRun(run_id=f"run-{n}", kind="job", at=AT)
            spool = Spool(tmp_path, SpoolHeader(target=TARGET, run=run, reporter=ReporterInfo(id="rep")))
            assert spool.add(1, notes(1))
            assert (tmp_path / f"run-{n}~rep{SUFFIX}").exists()
            assert spool.next_batch() is not None
            spool.delivered()
    finally:
        stop.set()
        for watcher in watchers:
            watcher.join()


# What the sender keeps


class BrokenDisk:
    """A file that fails when it is told to."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.broken: str | None = None

    def __getattr__(self, name: str) -> object:
        if name == self.broken:
            raise OSError(5, "Input/output error")
        return getattr(self._file, name)


def overflow(folder: Path) -> tuple[Overflow, Tally, Spool]:
    tally, spool = Tally("run"), Spool(folder, header())
    return Overflow(lambda: spool, tally), tally, spool


def bundle(first: int, *texts: object) -> Bundle:
    return Bundle(notes(*texts), 0, len(texts), first)


@pytest.mark.parametrize("broken", ["seek", "readline", "flush", "write", "tell", "fileno", "close"])
@pytest.mark.parametrize("call", ["keep", "next", "leave", "discard"])
def test_a_disk_that_fails_is_counted_and_never_raised(tmp_path: Path, broken: str, call: str) -> None:
    kept, _tally, spool = overflow(tmp_path)
    assert kept.keep(bundle(1, "a", "b"))
    assert spool._file is not None
    disk = BrokenDisk(spool._file)
    spool._file = disk  # type: ignore[assignment]
    disk.broken = broken
    calls: dict[str, Callable[[], object]] = {
        "keep": lambda: kept.keep(bundle(3, "c")),
        "next": kept.next,
        "leave": kept.leave,
        "discard": kept.discard,
    }
    calls[call]()
    kept.next()
    kept.leave()
    disk.broken = None
    disk._file.close()


@pytest.mark.parametrize("damage", [b"", b"{}\n", b"\x00" * 50 + b"\n"])
def test_a_file_that_somebody_has_cut_or_damaged_ends_and_is_counted(tmp_path: Path, damage: bytes) -> None:
    kept, tally, _spool = overflow(tmp_path)
    assert kept.keep(bundle(1, "a", "b"))
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes().splitlines(keepends=True)[0] + damage)
    for _ in itertools.takewhile(lambda n: n < 10, itertools.count()):
        found = kept.next()
        if found is None:
            break
        assert found.drafts
        kept.delivered()
    assert not kept
    assert tally.counts["dropped"] == 2


@pytest.mark.parametrize("answers", ["before", "after"])
def test_what_the_log_has_not_answered_to_at_the_end_is_kept_and_stored_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, answers: str
) -> None:
    """It may have taken it, and say so before or after somebody else has brought what was kept."""
    monkeypatch.setattr(run_module, "FLUSH_S", 0.3)
    sink, store = FlakySink(), MemoryEventStore()
    sink.store = store
    run = Run("job", RunOptions(run_id="run"), Opener(sink.open, SpoolPlace(tmp_path, TARGET)), lease_s=30.0).start()
    assert run.flush(30)
    sink.passing.clear()
    sink.appending.clear()
    run.note("on its way")
    assert sink.appending.wait(30)
    run.note("behind it")
    run.complete()
    assert "not stored" not in caplog.text
    sender = run._channel._sender
    assert sender is not None
    if answers == "before":
        sink.passing.set()
        assert sender._over.wait(30)
    assert deliver(tmp_path, store) == 1
    sink.passing.set()
    assert sender._over.wait(30)
    assert told(store) == ["on its way", "behind it"]
    assert store.header("run").status == "completed"
    assert not list(tmp_path.iterdir())
