"""What the tests of whole hubs share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headway.ports import EventStore
from headway.stores.memory import MemoryEventStore
from headway.stores.sqlite import SqliteEventStore


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventStore]:
    store: EventStore = MemoryEventStore() if request.param == "memory" else SqliteEventStore(tmp_path / "log.db")
    yield store
    store.close()
