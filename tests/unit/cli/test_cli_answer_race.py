"""Two people answer at once: the first counts, and the other is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.cli.commands.answer import give
from headway.cli.store_source import StoreSource
from headway.errors import HeadwayError
from headway.protocol import events
from headway.protocol.events import Json
from headway.stores.sqlite import SqliteEventStore
from headway.targets import open_place
from headway.testing.samples import AT, batch, new_run
from tests.integration.jobs import tell


class Slow(StoreSource):
    """Somebody else answers between the look at the question and the answer."""

    def answer(self, run_id: str, input_id: str, value: Json) -> None:
        tell(self.store, events.InputGiven(id="q", value="theirs", by="ada"), run_id)
        super().answer(run_id, input_id, value)


def test_who_came_second_is_told(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    store = SqliteEventStore(path)
    store.create(new_run())
    store.append(batch("run", 1, [events.draft(events.InputRequested(id="q", prompt="Publish?"), at=AT)]))
    with (
        Slow(f"sqlite:///{path}", open_place(path)) as source,
        pytest.raises(HeadwayError, match="'q' was answered already by ada: theirs"),
    ):
        give(source, "run", "q", "mine")
    store.close()
