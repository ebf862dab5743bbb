"""What jobs report in the tests of the hub."""

from __future__ import annotations

from headway.ports import Batch, EventStore
from headway.protocol import events as ev
from headway.protocol.events import Data, Draft
from headway.testing.samples import AT, completed, notes
from tests.unit.hub.stage import Stage


def tell(stage: Stage, *data: Data, run_id: str = "run", path: str | None = None) -> None:
    """Append some events, without letting the hub hear of them."""
    append(stage.store, run_id, [ev.draft(each, at=AT, stage=path) for each in data])


def note(stage: Stage, *texts: object, run_id: str = "run") -> None:
    """Append notes."""
    append(stage.store, run_id, list(notes(*texts)))


def end(stage: Stage, run_id: str = "run") -> None:
    """The good end of a run."""
    append(stage.store, run_id, [completed()])


def append(store: EventStore, run_id: str, drafts: list[Draft]) -> None:
    """Append, in as many batches as it takes."""
    for first in range(0, len(drafts), 1_000):
        part = tuple(drafts[first : first + 1_000])
        seq = store.header(run_id).cursor.seq
        store.append(Batch(run_id=run_id, reporter=f"after-{seq}", first=1, events=part))
