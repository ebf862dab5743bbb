"""A run opened from its snapshot is the run folded from its beginning."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import msgspec
import pytest

from headway.errors import NotFound, StoreError, StoreFull, StoreReadOnly, StoreUnavailable
from headway.hub import opening
from headway.hub.opening import open_run
from headway.hub.snapshots import wait_until_stored
from headway.ports import Page, Snapshot
from headway.progress.fold import Fold
from headway.progress.state import FOLD_VERSION, State
from headway.protocol.cursor import Cursor
from headway.stores.memory import MemoryEventStore
from headway.testing.samples import batch, log, new_run
from tests.unit.hub.readers import LONG_S
from tests.unit.reporter.flaky import FlakySink, events_of, make_run


class Counted(MemoryEventStore):
    """Counts what is read."""

    def __init__(self) -> None:
        super().__init__()
        self.records = 0
        self.before_read: Callable[[], None] | None = None

    def read(self, run_id: str, after: Cursor | None = None, **options: object) -> Page:
        if self.before_read is not None:
            self.before_read()
        page = super().read(run_id, after, **options)  # type: ignore[arg-type]
        self.records += len(page.records)
        return page


def folded(store: MemoryEventStore, upto: int | None = None) -> State:
    fold = Fold("run")
    for event in events_of(store)[:upto]:
        fold.apply(event)
    return fold.state()


@pytest.fixture
def store() -> Counted:
    store = Counted()
    with make_run(FlakySink(store), plan={"a": 1, "b": 2}) as run:
        for name in ("a", "b"):
            with run.stage(name) as stage:
                for n in stage.track(range(1_000)):
                    stage.emit("x.n", {"n": n})
                    if n % 100 == 0:
                        run.highlight(f"{name} {n}")
    store.records = 0
    return store


def test_the_whole_and_every_part_of_it(store: Counted) -> None:
    opened = open_run(store, "run")
    assert opened.state == folded(store)
    assert opened.cursor == store.header("run").cursor
    for at in (1, 2, 499, 500, 501, 1_003, opened.state.seq):
        part = open_run(store, "run", at=at)
        assert part.state == folded(store, at)
        assert part.cursor == store.cursor_at("run", at)


def test_what_is_stored_is_not_folded_again(store: Counted) -> None:
    open_run(store, "run")
    assert store.records == 0, "the reporter stored its last state"


@pytest.fixture
def much(store: Counted, monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Whose run is so long that its state is stored, and has none stored."""
    monkeypatch.setattr(opening, "SNAPSHOT_EVENTS", 100)
    store._runs["run"].snapshot = None
    return store


def test_who_had_to_fold_much_has_it_stored(much: Counted) -> None:
    first = open_run(much, "run")
    assert wait_until_stored(LONG_S)
    assert much.records == first.state.seq
    much.records = 0
    assert open_run(much, "run") == first
    assert much.records == 0


def test_who_reads_does_not_wait_until_it_is_stored(much: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    go, put = threading.Event(), much.put_snapshot
    asked = []

    def wait_for_a_writer(run_id: str, snapshot: Snapshot) -> bool:
        asked.append(run_id)
        assert go.wait(LONG_S)
        return put(run_id, snapshot)

    monkeypatch.setattr(much, "put_snapshot", wait_for_a_writer)
    for _ in range(3):
        assert open_run(much, "run").state == folded(much)
    assert not wait_until_stored(0.0)
    assert much.snapshot("run", fold=FOLD_VERSION) is None
    go.set()
    assert wait_until_stored(LONG_S)
    assert much.snapshot("run", fold=FOLD_VERSION) is not None
    assert asked == ["run"], "one at a time, and none waits for its turn"


@pytest.mark.parametrize("error", [StoreFull("no room"), StoreReadOnly("no right"), StoreUnavailable("no answer")])
def test_a_state_that_cannot_be_stored_is_read_all_the_same(
    much: Counted, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: StoreError
) -> None:
    def refuse(_run_id: str, _snapshot: Snapshot) -> bool:
        raise error

    monkeypatch.setattr(much, "put_snapshot", refuse)
    caplog.set_level(logging.DEBUG, "headway.hub")
    assert open_run(much, "run").state == folded(much)
    assert wait_until_stored(LONG_S)
    assert [(record.levelname, str(error) in record.getMessage()) for record in caplog.records] == [("DEBUG", True)]


def test_a_state_of_another_version_is_not_gone_on_with(store: Counted) -> None:
    kept = store._runs["run"].snapshot
    assert kept is not None
    strange = msgspec.json.encode({"run_id": "run", "fold": FOLD_VERSION + 1})
    store._runs["run"].snapshot = Snapshot(fold=FOLD_VERSION + 1, cursor=kept.cursor, body=strange)
    assert open_run(store, "run").state == folded(store)


def test_a_log_that_is_replaced_in_between_is_opened_as_it_is_now(store: Counted) -> None:
    other = MemoryEventStore()
    with make_run(FlakySink(other)) as run:
        run.note("anew")

    def replace() -> None:
        store.before_read = None
        store._runs = other._runs

    store.before_read = replace
    assert open_run(store, "run").state == folded(other)


def test_what_is_not_there(store: Counted) -> None:
    with pytest.raises(NotFound):
        open_run(store, "another")
    with pytest.raises(NotFound):
        open_run(store, "run", at=10**6)


def test_a_state_that_was_stored_before_text_was_cut_is_what_the_log_gives_now() -> None:
    store = MemoryEventStore(log_limit_bytes=100)
    store.create(new_run())
    store.append(batch("run", 1, (log("x" * 100),)))
    opened = open_run(store, "run")
    store.put_snapshot("run", Snapshot(fold=FOLD_VERSION, cursor=opened.cursor, body=msgspec.json.encode(opened.state)))
    store.append(batch("run", 2, (log("y" * 100),)))
    state = open_run(store, "run").state
    assert state.log.truncated
    assert state == folded(store)
    assert open_run(store, "run", at=2).state == folded(store, 2)
