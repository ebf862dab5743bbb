"""The SQLite store's figures: ``python -m benchmarks.stores [part …]``.

What the disk and the machine do is measured beside them, since a figure alone says little on a machine that is shared.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from multiprocessing.synchronize import Barrier
from pathlib import Path
from statistics import median, quantiles

import apsw

from headway.ports import Batch, RunFilter
from headway.protocol import events
from headway.protocol.codec import encode_tail, numbered
from headway.protocol.events import RANK, Draft
from headway.stores.sqlite import SqliteEventStore, following
from headway.stores.sqlite.connections import connect
from headway.stores.sqlite.queries import SQL
from headway.testing.event_store.case import drained
from headway.testing.samples import AT, batch, completed, new_run, notes, text_of

BATCH = 100
EVENTS = 60_000
_spawn = multiprocessing.get_context("spawn")


def progress_drafts(count: int) -> tuple[Draft, ...]:
    """What a job reports most: the progress of a stage."""
    return tuple(
        events.draft(
            events.StageProgress(current=n, total=count, unit="item", message=f"Item {n} of {count}"),
            at=AT,
            stage="summary",
        )
        for n in range(count)
    )


@contextmanager
def fresh_store() -> Iterator[SqliteEventStore]:
    with tempfile.TemporaryDirectory() as folder, closing(SqliteEventStore(Path(folder) / "log.db")) as store:
        store.create(new_run())
        yield store


def say(what: str, figure: str) -> None:
    print(f"  {what:<58} {figure}", flush=True)


def fsync_ms(folder: Path) -> float:
    with (folder / "fsync").open("wb", buffering=0) as file:
        taken = []
        for _ in range(50):
            file.write(b"x" * 4096)
            began = time.perf_counter()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - began)
    return median(taken) * 1000


def appended_per_s(count: int = EVENTS) -> float:
    drafts = progress_drafts(BATCH)
    with fresh_store() as store:
        began = time.perf_counter()
        for first in range(1, count, BATCH):
            store.append(Batch(run_id="run", reporter="job", first=first, events=drafts))
        return count / (time.perf_counter() - began)


def bare_per_s(count: int = EVENTS) -> float:
    """The same rows through the same statement and settings, with nothing checked, numbered or kept beside."""
    rows = [(draft.type, RANK[draft.priority], numbered(encode_tail(draft), 1)) for draft in progress_drafts(BATCH)]
    with fresh_store() as store, closing(connect(store.path)) as connection:
        began = time.perf_counter()
        for first in range(2, count, BATCH):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(SQL["insert_event"], [(1, first + n, 7, *row) for n, row in enumerate(rows)])
            connection.execute("COMMIT")
            if first % 20_000 == 2:
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        return count / (time.perf_counter() - began)


def measure_appends() -> None:
    pairs = [(appended_per_s(), bare_per_s()) for _ in range(3)]
    ours, bare = max(pair[0] for pair in pairs), max(pair[1] for pair in pairs)
    with fresh_store() as store:
        taken_ms = fsync_ms(store.path.parent)
        say("fsync of 4 KiB here", f"{taken_ms:.2f} ms")
        say("what it alone allows, one for each batch of 100", f"{BATCH * 1000 / taken_ms:,.0f} events/s")
    say("one process, batches of 100, durable (goal 60,000/s)", f"{ours:,.0f} events/s")
    say("the same rows through apsw alone", f"{bare:,.0f} events/s")
    say("ratio", f"{median(mine / its for mine, its in pairs):.2f}")


def _write_some(path: Path, run_id: str, reporter: str, count: int, start: Barrier) -> None:
    drafts = progress_drafts(BATCH)
    with closing(SqliteEventStore(path)) as store:
        store.append(batch(run_id, 1, (), reporter))
        start.wait()
        for first in range(1, count, BATCH):
            store.append(Batch(run_id=run_id, reporter=reporter, first=first, events=drafts))


def _write_for(path: Path, reporter: str, seconds: float, start: Barrier, counts: multiprocessing.Queue[int]) -> None:
    drafts = progress_drafts(10)
    with closing(SqliteEventStore(path)) as store:
        store.append(batch("run", 1, (), reporter))
        start.wait()
        deadline, done = time.monotonic() + seconds, 0
        while time.monotonic() < deadline:
            store.append(Batch(run_id="run", reporter=reporter, first=done * 10 + 1, events=drafts))
            done += 1
        counts.put(done)


def measure_four() -> None:
    for label, runs in (("one run", ["run"] * 4), ("a run each", [f"run-{n}" for n in range(4)])):
        with fresh_store() as store:
            for run_id in set(runs) - {"run"}:
                store.create(new_run(run_id))
            start = _spawn.Barrier(5)
            processes = [
                _spawn.Process(target=_write_some, args=(store.path, run_id, f"reporter-{n}", 25_000, start))
                for n, run_id in enumerate(runs)
            ]
            for process in processes:
                process.start()
            start.wait()
            began = time.perf_counter()
            for process in processes:
                process.join()
            taken = time.perf_counter() - began
            numbers = {run_id: store.header(run_id).cursor.seq for run_id in set(runs)}
            assert sum(numbers.values()) - len(numbers) == 100_000, numbers
            say(f"four processes, 25,000 events each, {label} (goal 60,000/s)", f"{100_000 / taken:,.0f} events/s")


def measure_sixteen() -> None:
    with fresh_store() as store:
        start, counts = _spawn.Barrier(16), _spawn.Queue()
        processes = [
            _spawn.Process(target=_write_for, args=(store.path, f"reporter-{n}", 5.0, start, counts)) for n in range(16)
        ]
        for process in processes:
            process.start()
        done = sorted(counts.get() for _ in processes)
        for process in processes:
            process.join()
        say("sixteen processes for 5 s: commits of the slowest, the fastest", f"{done[0]:,}, {done[-1]:,}")
        say("slowest over fastest (goal 0.5)", f"{done[0] / done[-1]:.2f}")


def _stamp(path: Path, count: int, start: Barrier) -> None:
    with closing(SqliteEventStore(path)) as store:
        start.wait()
        for n in range(count):
            time.sleep(0.004)
            store.append(batch("run", n + 1, notes(time.monotonic_ns())))


def _latencies_ms(poll_s: float, *, bells: bool, count: int = 1_000) -> list[float]:
    with fresh_store() as store:
        if not bells:
            store.path.with_name("log.db-bells").write_text("in the way")
        following.POLL_S = poll_s
        follower = store.follow()
        start = _spawn.Barrier(2)
        process = _spawn.Process(target=_stamp, args=(store.path, count, start))
        process.start()
        start.wait()
        taken: list[float] = []
        while len(taken) < count:
            follower.wait(10)
            taken += [(time.monotonic_ns() - int(text_of(record))) / 1e6 for record in drained(follower)]
        process.join()
        follower.close()
        return taken


def measure_latency() -> None:
    for label, poll_s, bells in (("bell (goal p50 < 4, p99 < 20)", 0.25, True), ("poll of 20 ms", 0.02, False)):
        taken = _latencies_ms(poll_s, bells=bells)
        cuts = quantiles(taken, n=100)
        say(f"append to another process's callback, {label}", f"p50 {median(taken):.1f} ms, p99 {cuts[98]:.1f} ms")


def measure_reading() -> None:
    with fresh_store() as store:
        drafts = progress_drafts(1_000)
        for first in range(1, 100_000, 1_000):
            store.append(Batch(run_id="run", reporter="job", first=first, events=drafts))
        began, cursor, seen = time.perf_counter(), None, 0
        while True:
            page = store.read("run", cursor)
            cursor, seen = page.cursor, seen + len(page.records)
            if page.complete:
                break
        say("reading a log of 100,000", f"{seen / (time.perf_counter() - began):,.0f} events/s")
        with closing(store.follow(from_beginning=True)) as follower:
            began = time.perf_counter()
            seen = len(drained(follower))
            say("following it from the beginning", f"{seen / (time.perf_counter() - began):,.0f} events/s")


def measure_lists() -> None:
    with fresh_store() as store:
        for n in range(10_000):
            store.create(new_run(f"run-{n}", kind=f"kind-{n % 7}"))
            if n % 3 == 0:
                store.append(batch(f"run-{n}", 1, (completed(1.0),)))
        for label, filter_ in (
            ("all", None),
            ("of a kind", RunFilter(kind="kind-3")),
            ("completed", RunFilter(status="completed")),
            ("with a text that few have", RunFilter(text="RUN-9999")),
            ("with a prefix", RunFilter(runs=("run-77",))),
        ):
            taken = [_timed_ms(lambda filter_=filter_: store.list_runs(filter_)) for _ in range(20)]  # type: ignore[misc]
            say(f"first page of 10,000 runs, {label}", f"{median(taken):.1f} ms")


def _timed_ms(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


PARTS: dict[str, Callable[[], None]] = {
    "appends": measure_appends,
    "four": measure_four,
    "sixteen": measure_sixteen,
    "latency": measure_latency,
    "reading": measure_reading,
    "lists": measure_lists,
}


def main(parts: list[str] | None = None) -> None:
    print("SQLite store")
    for name in parts or list(PARTS):
        PARTS[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
