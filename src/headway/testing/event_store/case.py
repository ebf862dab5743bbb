"""What the parts of the suite share: a fresh store for each test, on a clock that stands still."""

from __future__ import annotations

from collections.abc import Collection

from headway.ports import Appended, Batch, Clock, EventStore, Record
from headway.ports.store import READ_LIMIT, Follower
from headway.protocol.cursor import Cursor
from headway.protocol.events import Draft
from headway.testing.clock import FakeClock
from headway.testing.samples import new_run, note, texts


class StoreCase:
    """One test's store, with a run named ``run`` in it."""

    clock: FakeClock
    store: EventStore

    def make_store(self, clock: Clock, *, log_limit_bytes: int = 10_000_000) -> EventStore:
        """An empty store of the kind that is under test; each call gives another one."""
        raise NotImplementedError

    def setup_method(self) -> None:
        """Begin a test; called by the test runner."""
        self.clock = FakeClock()
        self.use(self.make_store(self.clock))

    def teardown_method(self) -> None:
        """End a test; called by the test runner."""
        self.store.close()

    def use(self, store: EventStore) -> None:
        """Go on with another store."""
        self.store = store
        self.next_numbers: dict[tuple[str, str], int] = {}
        store.create(new_run())

    def report(
        self, *drafts: Draft, run_id: str = "run", reporter: str = "job", attempt: int | None = None
    ) -> Appended:
        """Append events under the reporter's next numbers."""
        first = self.next_numbers.get((run_id, reporter), 1)
        answer = self.store.append(Batch(run_id=run_id, reporter=reporter, first=first, events=drafts, attempt=attempt))
        self.next_numbers[run_id, reporter] = answer.next
        return answer

    def all_records(
        self, run_id: str = "run", after: Cursor | None = None, types: Collection[str] | None = None
    ) -> list[Record]:
        """Everything past a cursor, however many reads it takes."""
        found: list[Record] = []
        while True:
            page = self.store.read(run_id, after, types=types)
            found += page.records
            after = page.cursor
            if page.complete:
                return found

    def all_texts(self, run_id: str = "run") -> list[str]:
        """The texts of the notes of a run, and the types of its other events but the first."""
        return texts(self.all_records(run_id)[1:])

    def cursor(self, run_id: str = "run") -> Cursor:
        """Behind the newest event of a run."""
        return self.store.header(run_id).cursor

    def fill(self, count: int, run_id: str = "run", reporter: str = "job") -> None:
        """Append so many notes."""
        numbers = list(range(count))
        for start in range(0, count, READ_LIMIT):
            self.report(*(note(str(n)) for n in numbers[start : start + READ_LIMIT]), run_id=run_id, reporter=reporter)


def drained(follower: Follower) -> list[Record]:
    """Everything that a follower has to give now."""
    found: list[Record] = []
    while records := follower.read():
        found += records
    return found
