"""What the log says of a run whose owner is silent, unless the owner comes back meanwhile and says it itself."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from headway.ports import Batch, Digest, Page
from headway.ports.store import READ_LIMIT
from headway.protocol import events
from headway.protocol.cursor import Cursor
from headway.protocol.events import Priority
from headway.stores.digest import bring_up_to_date
from headway.stores.memory import MemoryEventStore
from headway.testing.clock import FakeClock
from headway.testing.samples import AT, OWNER, completed, new_run


class Overtaken(MemoryEventStore):
    """Once it has been read, there comes an append."""

    following: Batch | None = None

    def read(
        self,
        run_id: str,
        after: Cursor | None = None,
        *,
        limit: int = READ_LIMIT,
        types: Collection[str] | None = None,
        priorities: Collection[Priority] | None = None,
    ) -> Page:
        page = super().read(run_id, after, limit=limit, types=types, priorities=priorities)
        if self.following is not None:
            self.append(self.following)
        return page


@pytest.fixture
def store() -> Overtaken:
    store = Overtaken(clock=FakeClock())
    store.create(new_run())
    store.take_over("run", OWNER, AT, 10.0)
    progress = events.draft(events.StageProgress(progress=0.25, message="at it"), at=AT, stage="a")
    store.append(Batch(run_id="run", reporter=OWNER.id, first=1, events=(progress,), attempt=1))
    return store


def shown(store: Overtaken) -> tuple[int, str | None, str | None]:
    header = store.header("run")
    return header.progress, header.stage, header.message


def test_lists_show_what_the_log_says(store: Overtaken) -> None:
    bring_up_to_date(store, ["gone", "run"], FakeClock())
    assert shown(store) == (250_000, "a", "at it")


def test_an_owner_that_came_back_and_ended_the_run_has_the_last_word(store: Overtaken) -> None:
    store.following = Batch(
        run_id="run",
        reporter=OWNER.id,
        first=2,
        events=(completed(),),
        attempt=1,
        digest=Digest(progress=1_000_000, message="all done"),
    )
    bring_up_to_date(store, ["run"], FakeClock())
    assert shown(store) == (1_000_000, None, "all done")
