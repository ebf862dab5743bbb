"""Things that happen at the same moment, through store objects of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from headway.errors import Gap, NotFound, RunActive, StoreUnavailable
from headway.ports import LogQuery, Page, PrunePolicy, Record
from headway.protocol.events import ReporterInfo
from headway.stores.sqlite import SqliteEventStore
from headway.testing import FakeClock
from headway.testing.event_store.case import drained
from headway.testing.samples import AT, OWNER, batch, completed, decoded, log, new_run, notes

RUNS = 40


def at_once(*actions: Callable[[], None]) -> None:
    """Run actions in threads; the first error of one is raised here."""
    errors: list[BaseException] = []
    together = threading.Barrier(len(actions))

    def act(action: Callable[[], None]) -> None:
        together.wait(30)
        try:
            action()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=act, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_two_that_sweep_at_once_tell_everything_once(tmp_path: Path) -> None:
    clock = FakeClock()
    stores = [SqliteEventStore(tmp_path / "log.db", clock=clock) for _ in range(3)]
    for n in range(RUNS):
        stores[0].create(new_run(f"run-{n}"))
        stores[0].take_over(f"run-{n}", OWNER, AT, 30)
    clock.advance(31)
    lost: list[str] = []
    at_once(*(lambda store=store: lost.extend(store.sweep().lost) for store in stores))
    assert sorted(lost) == sorted(f"run-{n}" for n in range(RUNS))
    for n in range(RUNS):
        assert [record.type for record in stores[0].read(f"run-{n}").records].count("run.lost") == 1
    for store in stores:
        store.close()


def test_owners_that_take_over_at_once_get_an_attempt_each(tmp_path: Path) -> None:
    stores = [SqliteEventStore(tmp_path / "log.db") for _ in range(4)]
    stores[0].create(new_run())
    attempts: list[int] = []

    def take_over(store: SqliteEventStore, number: int) -> None:
        for again in range(5):
            info = ReporterInfo(id=f"owner-{number}-{again}")
            attempts.append(store.take_over("run", info, AT, 30).attempt)

    at_once(*(lambda store=store, n=n: take_over(store, n) for n, store in enumerate(stores)))
    started = [decoded(record)["data"]["attempt"] for record in stores[0].read("run", types=["run.started"]).records]
    assert started == list(range(1, len(started) + 1))
    assert set(attempts) <= set(started)
    assert stores[0].header("run").attempt == started[-1]
    for store in stores:
        store.close()


def test_one_batch_sent_twice_at_once_is_stored_once(tmp_path: Path) -> None:
    stores = [SqliteEventStore(tmp_path / "log.db") for _ in range(3)]
    stores[0].create(new_run())

    def report(store: SqliteEventStore) -> None:
        for first in range(1, 400, 4):
            answer = store.append(batch("run", first, notes(*range(first, first + 4))))
            assert answer.next >= first + 4

    at_once(*(lambda store=store: report(store) for store in stores))
    records = [record for record in stores[0].read("run").records if record.type == "note"]
    assert [decoded(record)["data"]["text"] for record in records] == [str(n) for n in range(1, 401)]
    for store in stores:
        store.close()


def test_removal_while_others_append_read_and_follow(tmp_path: Path) -> None:
    writer, remover, reader = (SqliteEventStore(tmp_path / "log.db") for _ in range(3))
    follower = reader.follow()
    seen: list[Record] = []
    finished = threading.Event()

    def write() -> None:
        _write_runs(writer)
        finished.set()

    def remove() -> None:
        while not finished.is_set():
            remover.prune(PrunePolicy(max_runs=1))
            with suppress(NotFound, RunActive):
                remover.delete("run-0")

    def read() -> None:
        while not finished.is_set():
            for header in reader.list_runs(limit=3).headers:
                _read_whole(reader, header.run_id)

    def follow() -> None:
        while not finished.is_set():
            follower.wait(0.01)
            seen.extend(drained(follower))

    at_once(write, remove, read, follow)
    _check_followed([*seen, *drained(follower)])
    for store in (writer, remover, reader):
        store.close()


def _write_runs(store: SqliteEventStore) -> None:
    for n in range(RUNS):
        store.create(new_run(f"run-{n}"))
        for first in (1, 51):
            store.append(batch(f"run-{n}", first, notes(*range(50))))
        store.append(batch(f"run-{n}", 101, (completed(),)))


def _check_followed(seen: Sequence[Record]) -> None:
    for n in range(RUNS):
        numbers = [record.seq for record in seen if record.run_id == f"run-{n}"]
        kept = numbers[:-1] if numbers[-1] == 0 else numbers
        assert kept == sorted(set(kept)), "each once, in order"
        assert numbers[-1] == 0 or numbers == list(range(1, 103)), "whole, or told that it was removed"


def _read_whole(store: SqliteEventStore, run_id: str) -> None:
    with suppress(NotFound):  # before the first page; who has begun to read is told that the run was deleted
        page = store.read(run_id, limit=20)
        while not page.complete and (following := _next_page(store, run_id, page)) is not None:
            assert not following.records or following.records[0].seq == page.records[-1].seq + 1
            page = following


def _next_page(store: SqliteEventStore, run_id: str, page: Page) -> Page | None:
    try:
        return store.read(run_id, page.cursor, limit=20)
    except Gap as gap:
        return None if gap.reason == "deleted" else page
    except NotFound as error:
        raise AssertionError("a cursor of a deleted run was not recognised") from error


def test_log_text_is_read_whole_while_it_is_cut(tmp_path: Path) -> None:
    writer = SqliteEventStore(tmp_path / "log.db", log_limit_bytes=2_000)
    reader = SqliteEventStore(tmp_path / "log.db")
    writer.create(new_run())
    finished = threading.Event()

    def write() -> None:
        for n in range(1, 401):
            writer.append(batch("run", n, (log(f"{n:099}"),)))
        finished.set()

    def read() -> None:
        while not finished.is_set():
            found = reader.read_log("run", LogQuery(limit=1_000))
            data = [decoded(record)["data"] for record in found.records]
            assert [entry["offset"] for entry in data] == [100 * n for n in range(len(data))]
            assert sum(entry.get("elided", 0) for entry in data) == found.cut_bytes
            assert sum(len(line) + 1 for entry in data for line in entry.get("lines", ())) == (
                found.total_bytes - found.cut_bytes
            )

    at_once(write, read)
    writer.close()
    reader.close()


def test_closing_while_others_append(tmp_path: Path) -> None:
    store = SqliteEventStore(tmp_path / "log.db")
    store.create(new_run())
    counts: dict[str, int] = {}

    def write(reporter: str) -> None:
        number = 1
        with suppress(StoreUnavailable):
            while True:
                number = store.append(batch("run", number, notes(number), reporter)).next
                counts[reporter] = number

    def close() -> None:
        while len(counts) < 3:
            pass
        store.close()

    at_once(*(lambda name=name: write(name) for name in "abc"), close)
    again = SqliteEventStore(tmp_path / "log.db")
    for reporter, next_ in counts.items():
        assert again.append(batch("run", 1, (), reporter)).next >= next_
    again.close()
