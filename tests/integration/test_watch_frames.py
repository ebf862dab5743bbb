"""The frames of a run in a store: whole, in order, and whatever becomes of the store."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from headway.cli import watching
from headway.cli.source import Source, open_source
from headway.cli.watching import Watching
from headway.errors import HeadwayError, InvalidName, NotFound, StoreCorrupt
from headway.progress.fold import Fold
from headway.progress.state import State
from headway.protocol import cursor, events
from headway.protocol.codec import decode_event
from headway.protocol.frames import (
    AnyFrame,
    EndFrame,
    EventsFrame,
    ProblemFrame,
    SnapshotFrame,
    TickFrame,
    WaitingFrame,
    decode_frame,
)
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import batch, new_run, notes
from tests.integration.command_line import CommandLine
from tests.integration.jobs import job, tell
from tests.integration.test_watch_terminal import STEPS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteEventStore]:
    with closing(SqliteEventStore(path)) as opened:
        opened.create(new_run("run"))
        yield opened


def watch(path: Path, run: str | None = "run", *, wait: bool = False) -> Iterator[AnyFrame]:
    return Watching(lambda: open_source(f"sqlite:///{path}"), run, wait=wait).frames()


def add(store: SqliteEventStore, first: int, *texts: str) -> None:
    store.append(batch("run", first, notes(*texts), "one"))


def cancelled(store: SqliteEventStore) -> None:
    tell(store, events.RunCancelled(reason="enough"))


def folded(frames: list[AnyFrame]) -> State:
    """The state that a client has who folds what it gets."""
    assert isinstance(frames[0], SnapshotFrame)
    fold = Fold.restore(msgspec.json.decode(frames[0].state, type=State))
    seq = fold.seq
    for frame in frames:
        if isinstance(frame, EventsFrame):
            assert frame.from_ == seq + 1
            for event in frame.events:
                fold.apply(decode_event(memoryview(event)))
            assert (frame.to, cursor.parse(frame.cursor)) == (fold.seq, cursor.parse(frame.cursor))
            seq = frame.to
    return fold.state()


def test_from_a_snapshot_to_the_end(path: Path, store: SqliteEventStore) -> None:
    add(store, 1, "a", "b")
    frames = watch(path)
    got = [next(frames)]
    add(store, 3, "c")
    got.append(next(frames))
    add(store, 4, "d", "e")
    cancelled(store)
    got += frames
    assert [type(frame) for frame in got if not isinstance(frame, TickFrame)][:2] == [SnapshotFrame, EventsFrame]
    assert isinstance(got[-1], EndFrame)
    assert got[-1].status == "cancelled"
    assert [note.text for note in folded(got).notes] == ["a", "b", "c", "d", "e"]
    assert cursor.parse(got[-1].cursor) == store.header("run").cursor


def test_a_run_that_has_ended_is_shown_and_that_is_all(path: Path, store: SqliteEventStore) -> None:
    cancelled(store)
    assert [type(frame) for frame in watch(path)] == [SnapshotFrame, EndFrame]


def test_nothing_is_missed_of_a_long_log(path: Path, store: SqliteEventStore) -> None:
    frames = watch(path)
    got = [next(frames)]
    for n in range(20):
        add(store, 100 * n + 1, *(str(m) for m in range(100)))
    cancelled(store)
    got += frames
    assert folded(got).seq == 2002
    assert len([frame for frame in got if isinstance(frame, EventsFrame)]) < 20


def test_while_nothing_happens_there_are_ticks(
    path: Path, store: SqliteEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "TICK_S", 0.05)
    frames = watch(path)
    next(frames)
    tick = next(frames)
    assert isinstance(tick, TickFrame)
    assert tick.last_event_at == store.header("run").last_event_at


def test_a_run_is_waited_for_and_nothing_of_it_is_missed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "AGAIN_S", 0.01)
    frames = watch(path)
    assert next(frames) == WaitingFrame(run_id="run")
    with closing(SqliteEventStore(path)) as store:
        store.create(new_run("run"))
        add(store, 1, "early")
        cancelled(store)
        assert [note.text for note in folded(list(frames)).notes] == ["early"]


def test_patience_ends_and_with_wait_it_does_not(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "AGAIN_S", 0.01)
    monkeypatch.setattr(watching, "PATIENCE_S", 0.05)
    with pytest.raises(NotFound, match="no store"):
        list(watch(path))
    with pytest.raises(NotFound):
        next(watch(path, None))
    assert next(watch(path, None, wait=True)) == WaitingFrame(run_id="")


def test_the_beginning_of_an_id_is_enough_unless_several_begin_so(path: Path, store: SqliteEventStore) -> None:
    assert isinstance(next(watch(path, "ru")), SnapshotFrame)
    store.create(new_run("runner"))
    assert isinstance(next(watch(path, "run")), SnapshotFrame)
    with pytest.raises(NotFound, match="several"):
        next(watch(path, "ru"))
    with pytest.raises(InvalidName):
        watch(path, "no/id")


class Failing:
    """A source that fails when it is told to."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.error: HeadwayError | None = None

    def __getattr__(self, name: str) -> object:
        if self.error is not None:
            raise self.error
        return getattr(self.source, name)

    def __exit__(self, *_: object) -> None:
        self.source.__exit__(None, None, None)


def test_a_store_that_is_away_is_told_once_and_its_return_at_once(
    path: Path, store: SqliteEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "AGAIN_S", 0.01)
    monkeypatch.setattr(watching, "TICK_S", 1000.0)
    frames = watch(path)
    got = [next(frames)]
    away = path.with_name("away.db")
    path.rename(away)
    problem = next(frames)
    assert isinstance(problem, ProblemFrame)
    assert problem.code == "store-unavailable"
    away.rename(path)
    back = next(frames)
    assert isinstance(back, TickFrame)
    add(store, 1, "after")
    cancelled(store)
    got += frames
    assert [note.text for note in folded(got).notes] == ["after"]


def test_what_cannot_be_mended_ends_it(path: Path, store: SqliteEventStore) -> None:
    failing = Failing(open_source(f"sqlite:///{path}"))
    frames = Watching(lambda: failing, "run").frames()  # type: ignore[arg-type, return-value]
    next(frames)
    failing.error = StoreCorrupt("it is damaged")
    with pytest.raises(StoreCorrupt):
        next(frames)


def test_another_log_in_its_place_begins_with_a_snapshot(path: Path, store: SqliteEventStore) -> None:
    add(store, 1, "old")
    frames = watch(path)
    next(frames)
    other = path.with_name("other.db")
    with closing(SqliteEventStore(other)) as newer:
        newer.create(new_run("run"))
        newer.append(batch("run", 1, notes("new"), "one"))
    other.replace(path)
    got = [frame for frame in [next(frames), next(frames)] if isinstance(frame, SnapshotFrame)]
    assert [note.text for note in msgspec.json.decode(got[0].state, type=State).notes] == ["new"]
    assert got[0].gap is not None
    assert got[0].gap.reason == "diverged"


def test_a_store_without_the_run_in_its_place_is_waited_for(path: Path, store: SqliteEventStore) -> None:
    frames = watch(path)
    next(frames)
    other = path.with_name("other.db")
    with closing(SqliteEventStore(other)) as newer:
        newer.create(new_run("another"))
    other.replace(path)
    found = next(frame for frame in frames if not isinstance(frame, TickFrame | ProblemFrame))
    assert found == WaitingFrame(run_id="run")


def test_it_can_be_stopped(path: Path, store: SqliteEventStore) -> None:
    stopping = Watching(lambda: open_source(f"sqlite:///{path}"), "run")
    frames = stopping.frames()
    next(frames)
    stopping.stop()
    assert list(frames) == []


def test_the_newest_lines_are_those_of_the_snapshot(path: Path, store: SqliteEventStore) -> None:
    tell(store, events.Log(lines=("one", "two")))
    reading = Watching(lambda: open_source(f"sqlite:///{path}"), "run")
    frame = next(reading.frames())
    tell(store, events.Log(lines=("three",)))
    lines = [line for record in reading.newest_lines(frame, 10) for line in events_lines(record.body)]
    assert lines == ["one", "two"]


def events_lines(body: bytes) -> tuple[str, ...]:
    return msgspec.json.decode(decode_event(body).data, type=events.Log).lines


# As programs see them


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def test_frames_as_json(cli: CommandLine) -> None:
    with job(STEPS, cli.path) as worker:
        assert worker.hear() == "ready"
        command = [sys.executable, "-m", "headway", "watch", "run", "--json", "--exit-status"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=cli.environment()) as process:
            assert process.stdout is not None
            first = decode_frame(process.stdout.readline())
            worker.tell()
            rest = [decode_frame(line) for line in process.stdout.read().splitlines()]
            assert process.wait(30) == 0
    assert isinstance(first, SnapshotFrame)
    got = [first, *(frame for frame in rest if frame is not None)]
    assert isinstance(got[-1], EndFrame)
    assert folded(got).result == {"words": 812}


def test_lines_where_there_is_no_terminal(cli: CommandLine) -> None:
    with job(STEPS, cli.path) as worker:
        assert worker.hear() == "ready"
        command = [sys.executable, "-m", "headway", "watch", "--exit-status"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=cli.environment(), text=True) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            worker.tell("fail")
            rest = process.stdout.read()
            assert process.wait(30) == 1
    assert first.split()[-4:] == ["run", "demo", "A", "demonstration"]
    assert "\x1b" not in rest
    assert "finding    high      Countdown restarts" in rest
    assert "| fetched 3 books" in rest.splitlines()[-1]


def test_whoever_stops_reading_is_no_failure(cli: CommandLine) -> None:
    with job(STEPS, cli.path) as worker:
        assert worker.hear() == "ready"
        command = f"{sys.executable} -W error -m headway watch run | head -n 1"
        with subprocess.Popen(
            command, shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=cli.environment()
        ) as process:
            worker.tell()
            out, err = process.communicate(timeout=60)
    assert out.count(b"\n") == 1
    assert err == b""


def test_codes_for_what_is_not_there(cli: CommandLine) -> None:
    assert "there is no store" in cli("watch", code=3).err
    with closing(SqliteEventStore(cli.path)) as store:
        store.create(new_run("run-1"))
        store.create(new_run("run-2"))
    assert "several runs begin with 'run': run-2, run-1: type more of it" in cli("watch", "run", code=3).err
    assert cli("watch", "no/id", code=2).err
    assert "not a target" in cli("watch", "--url", "nonsense", code=2).err
