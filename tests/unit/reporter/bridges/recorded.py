"""A run in a file, and what was stored of it."""

import contextlib
from pathlib import Path

import headway
from headway.hub.opening import open_run
from headway.progress.state import StageState, State
from headway.protocol import codec, events
from headway.stores.sqlite import SqliteEventStore


class Recorded:
    """What the runs of one test have left in their store."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "runs.db"
        self.target = f"sqlite:///{self.path}"

    def run(self, **more: object) -> headway.Run:
        return headway.run("bridges", run_id="bridged", target=self.target, **more)  # type: ignore[arg-type]

    @property
    def state(self) -> State:
        with contextlib.closing(SqliteEventStore(self.path)) as store:
            return open_run(store, "bridged").state

    def stages(self) -> dict[str, StageState]:
        return {stage.path: stage for stage in self.state.stages}

    def stored(self) -> list[events.Event]:
        found: list[events.Event] = []
        with contextlib.closing(SqliteEventStore(self.path)) as store:
            cursor = None
            while True:
                page = store.read("bridged", cursor)
                found += [codec.decode_event(record.body) for record in page.records]
                cursor = page.cursor
                if page.complete:
                    return found

    def logged(self) -> list[tuple[str | None, events.Log]]:
        """The log's events with their stages."""
        data = [(event.stage, codec.data_of(event)) for event in self.stored()]
        return [(stage, log) for stage, log in data if isinstance(log, events.Log)]

    def lines(self, stream: str, *, stage: str | None = None) -> list[str]:
        """The lines of a stream, of the run itself or of a stage."""
        return [line for at, log in self.logged() if log.stream == stream and at == stage for line in log.lines]
