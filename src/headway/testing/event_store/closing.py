"""The end of a store object."""
# ruff: noqa: D102 -- the name of a test says what it holds

from __future__ import annotations

from collections.abc import Callable

from headway.errors import StoreUnavailable
from headway.ports import EventStore, Lease
from headway.testing.event_store.case import StoreCase
from headway.testing.expectation import refused
from headway.testing.samples import AT, OWNER, batch, new_run, notes

CALLS: tuple[Callable[[EventStore], object], ...] = (
    lambda store: store.create(new_run("other")),
    lambda store: store.append(batch("run", 1, notes("a"))),
    lambda store: store.take_over("run", OWNER, AT, 30),
    lambda store: store.renew(Lease(run_id="run", reporter=OWNER, ttl_s=30, owner=True)),
    lambda store: store.header("run"),
    lambda store: store.read("run"),
    lambda store: store.list_runs(),
    lambda store: store.follow(),
    lambda store: store.listen("run"),
    lambda store: store.sweep(),
    lambda store: store.kinds(),
)


class Closing(StoreCase):
    """Closing, and what is called afterwards."""

    def test_a_closed_store_says_so(self) -> None:
        self.store.close()
        for call in CALLS:
            with refused(StoreUnavailable):
                call(self.store)

    def test_closing_twice_does_nothing(self) -> None:
        self.report(*notes("a"))
        self.store.close()
        self.store.close()
