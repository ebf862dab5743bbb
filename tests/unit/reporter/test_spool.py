"""The spool: reports on disk, in order, with their numbers, for this process or a later one."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.errors import StoreUnavailable
from headway.ports import Created, NewRun
from headway.protocol import events
from headway.protocol.events import Draft, ReporterInfo
from headway.reporter.leftovers import deliver_left_behind
from headway.reporter.sinks import StoreSink
from headway.reporter.spool import BATCH_EVENTS, Spool, SpoolHeader, left_behind
from headway.stores.memory import MemoryEventStore
from tests.unit.reporter.flaky import NO_ARTIFACTS, events_of

AT = "2026-11-20T19:41:03.120Z"
TARGET = "sqlite:////somewhere.db"


def header(attempt: int | None = None) -> SpoolHeader:
    run = NewRun(run_id="run", kind="job", at=AT)
    return SpoolHeader(target=TARGET, run=run, reporter=ReporterInfo(id="rep"), attempt=attempt)


def notes(*texts: str) -> tuple[Draft, ...]:
    return tuple(events.draft(events.Note(text=text), at=AT) for text in texts)


def told(store: MemoryEventStore) -> list[str]:
    return [event.type for event in events_of(store)]


def test_what_was_kept_comes_back_in_order_with_its_numbers(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", header())
    assert not spool
    assert not list(tmp_path.iterdir())  # nothing is written before it is needed
    assert spool.add(5, notes("a", "b"))
    assert spool.add(9, notes("c"))
    first, drafts = spool.next_batch() or (0, ())
    assert (first, [draft.data for draft in drafts]) == (5, [{"text": "a"}, {"text": "b"}])
    spool.delivered()
    assert spool.add(10, notes("d"))
    first, drafts = spool.next_batch() or (0, ())
    assert (first, len(drafts)) == (9, 2)
    spool.delivered()
    assert not spool
    assert not list((tmp_path / "spool").iterdir())


def test_a_spool_never_grows_over_its_limit(tmp_path: Path) -> None:
    spool = Spool(tmp_path, header(), limit_bytes=2_000)
    kept = [spool.add(n, notes("x" * 100)) for n in range(1, 20)]
    assert True in kept
    assert False in kept
    (file,) = tmp_path.iterdir()
    assert file.stat().st_size <= 2_000
    spool.remove()


def test_nobody_delivers_what_a_living_process_owns(tmp_path: Path) -> None:
    spool = Spool(tmp_path, header())
    spool.add(1, notes("a"))
    assert not list(left_behind(tmp_path))
    spool.leave()
    (found,) = left_behind(tmp_path)
    assert found.header == header()
    assert not list(left_behind(tmp_path))  # claimed: a second process leaves it alone
    found.release()


def test_a_later_process_creates_the_run_and_delivers_once(tmp_path: Path) -> None:
    store = MemoryEventStore()
    spool = Spool(tmp_path, header())
    many = BATCH_EVENTS + 10
    spool.add(1, notes(*map(str, range(many))))
    spool.leave()
    assert deliver_left_behind(tmp_path, "sqlite:////another.db", lambda: StoreSink(store, NO_ARTIFACTS)) == 0
    assert deliver_left_behind(tmp_path, TARGET, lambda: StoreSink(store, NO_ARTIFACTS)) == 1
    assert told(store) == ["run.created", "run.started"] + ["note"] * many
    assert deliver_left_behind(tmp_path, TARGET, lambda: StoreSink(store, NO_ARTIFACTS)) == 0
    assert not list(tmp_path.iterdir())


def test_what_was_stored_before_the_crash_is_not_stored_twice(tmp_path: Path) -> None:
    store = MemoryEventStore()
    for _ in range(2):
        spool = Spool(tmp_path, header(attempt=None if not store.list_runs().headers else 1))
        spool.add(1, notes("a", "b"))
        spool.leave()
        deliver_left_behind(tmp_path, TARGET, lambda: StoreSink(store, NO_ARTIFACTS))
    assert told(store) == ["run.created", "run.started", "note", "note"]


def test_reports_of_a_run_that_was_taken_over_are_dropped_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = MemoryEventStore()
    store.create(header().run)
    store.take_over("run", ReporterInfo(id="rep"), AT, 30.0)
    store.take_over("run", ReporterInfo(id="other"), AT, 30.0)
    spool = Spool(tmp_path, header(attempt=1))
    spool.add(1, notes("a"))
    spool.leave()
    deliver_left_behind(tmp_path, TARGET, lambda: StoreSink(store, NO_ARTIFACTS))
    assert "note" not in told(store)
    assert "not taken any more" in caplog.text
    assert not list(tmp_path.iterdir())


def test_a_store_that_is_still_away_leaves_the_file(tmp_path: Path) -> None:
    class Away(StoreSink):
        def create(self, run: NewRun) -> Created:
            raise StoreUnavailable("away")

    spool = Spool(tmp_path, header())
    spool.add(1, notes("a"))
    spool.leave()
    assert deliver_left_behind(tmp_path, TARGET, lambda: Away(MemoryEventStore(), NO_ARTIFACTS)) == 0
    assert len(list(tmp_path.iterdir())) == 1


def test_a_line_that_a_crash_cut_short_is_the_end(tmp_path: Path) -> None:
    store = MemoryEventStore()
    spool = Spool(tmp_path, header())
    spool.add(1, notes("a", "b"))
    spool.leave()
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-10])
    deliver_left_behind(tmp_path, TARGET, lambda: StoreSink(store, NO_ARTIFACTS))
    assert told(store)[-1:] == ["note"]
    assert told(store).count("note") == 1
