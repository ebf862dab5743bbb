"""What a job hears, and when: at once by its bell, a moment later where a ring was lost, and nothing after its end."""

from __future__ import annotations

import queue
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from headway.ports import EventStore
from headway.protocol import events
from headway.protocol.events import Data
from headway.reporter import sinks
from headway.reporter.inbox import Inbox
from headway.reporter.sinks import StoreSink
from headway.stores.files import FileArtifactStore
from headway.stores.memory import MemoryEventStore
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import AT, batch, new_run, notes
from tests.integration.jobs import until

HEARD_S = 60.0

KINDS: dict[str, Callable[[Path], EventStore]] = {
    "memory": lambda _: MemoryEventStore(),
    "sqlite": SqliteEventStore,
}


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventStore]:
    with closing(KINDS[request.param](tmp_path / "log.db")) as opened:
        opened.create(new_run())
        yield opened


@pytest.fixture
def only_by_the_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sinks, "LISTEN_S", 3_600.0)
    monkeypatch.setattr(sinks, "SWEEP_S", 3_600.0)


@contextmanager
def listening(store: EventStore, tmp_path: Path) -> Iterator[queue.Queue[object]]:
    """What an inbox hears. It is known to listen, since it has heard something before."""
    heard: queue.Queue[object] = queue.Queue()
    artifacts = FileArtifactStore(tmp_path / "artifacts")
    inbox = Inbox(lambda: StoreSink(store, artifacts), "run", heard.put, lambda id_, value: heard.put((id_, value)))
    tell(store, events.InputGiven(id="first", value=1))
    inbox.start()
    assert heard.get(timeout=HEARD_S) == ("first", 1)
    yield heard
    inbox.close()
    inbox.wait(HEARD_S)
    assert not any(thread.name == "headway-inbox" for thread in threading.enumerate()), "it ends at once"
    tell(store, events.InputGiven(id="late", value=1))
    assert heard.empty()


def tell(store: EventStore, data: Data) -> None:
    reporter = f"watcher-{store.header('run').cursor.seq}"
    store.append(batch("run", 1, [events.draft(data, at=AT)], reporter))


@pytest.mark.usefixtures("only_by_the_bell")
def test_cancels_and_answers_arrive_by_the_bell(store: EventStore, tmp_path: Path) -> None:
    with listening(store, tmp_path) as heard:
        for n in range(20):
            store.append(batch("run", n + 1, notes(n)))
            tell(store, events.RunCancelRequested(by="somebody", reason=f"reason {n}"))
            assert heard.get(timeout=HEARD_S) == f"reason {n}"
            tell(store, events.InputGiven(id="question", value=n))
            assert heard.get(timeout=HEARD_S) == ("question", n)
        assert heard.empty()


def test_a_lost_ring_is_made_up_for(tmp_path: Path) -> None:
    with closing(SqliteEventStore(tmp_path / "log.db")) as store:
        store.create(new_run())
        with listening(store, tmp_path) as heard:
            bells = tmp_path / "log.db-bells"
            shutil.rmtree(bells)
            bells.write_text("in the way")
            tell(store, events.RunCancelRequested(by="somebody", reason="enough"))
            assert heard.get(timeout=HEARD_S) == "enough"


@pytest.mark.usefixtures("only_by_the_bell")
def test_a_run_that_is_not_there_yet_is_heard_when_it_is(tmp_path: Path) -> None:
    with closing(SqliteEventStore(tmp_path / "log.db")) as store:
        heard: queue.Queue[object] = queue.Queue()
        artifacts = FileArtifactStore(tmp_path / "artifacts")
        inbox = Inbox(lambda: StoreSink(store, artifacts), "run", heard.put, lambda id_, value: heard.put((id_, value)))
        inbox.start()
        store.create(new_run())
        tell(store, events.RunCancelRequested(by="somebody", reason="enough"))
        assert heard.get(timeout=HEARD_S) == "enough"
        inbox.close()
        inbox.wait(HEARD_S)
        bells = tmp_path / "log.db-bells" / "jobs"
        until(lambda: not list(bells.iterdir()), "the end of its bell")
