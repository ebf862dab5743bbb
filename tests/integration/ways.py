"""The ways in which the application can be served, which must all be the same to a client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.routing import Mount

from headway.server import Application, Settings, create_app
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import batch, new_run, notes
from tests.integration.jobs import until
from tests.integration.serving import serving, serving_directly

Way = Callable[[Application], AbstractContextManager[str]]


@contextmanager
def plainly(app: Application) -> Iterator[str]:
    """Behind any ASGI server."""
    with serving(app, ws="wsproto") as url:
        yield url


@contextmanager
def otherwise(app: Application) -> Iterator[str]:
    """The same with everything exchanged that can be."""
    with serving(app, ws="websockets-sansio", http="h11", loop="asyncio") as url:
        yield url


@contextmanager
def mounted(app: Application) -> Iterator[str]:
    """In somebody else's application, which does not tell it when it begins and ends."""
    outer = Starlette(routes=[Mount("/headway", app)])
    with serving(outer, ws="wsproto") as url:
        yield f"{url}/headway"


WAYS: list[Way] = [serving_directly, plainly, otherwise, mounted]


class Place(NamedTuple):
    """A store, and the application that serves it at a URL."""

    store: SqliteEventStore
    app: Application
    url: str

    def watching(self, run: str) -> int:
        """How many watch a run."""
        return sum(each.run_id == run for each in self.app.backend.hub.watching())


@contextmanager
def served(way: Way, folder: Path, settings: Settings | None = None) -> Iterator[Place]:
    """A new store, served in a way."""
    with closing(SqliteEventStore(folder / "log.db")) as store:
        app = create_app(store, settings=settings)
        with way(app) as url:
            yield Place(store, app, url)


_count = iter(range(1_000_000))


def name() -> str:
    """A run's id that nobody has used."""
    return f"run-{next(_count)}"


def filled(store: SqliteEventStore, count: int = 10) -> str:
    """A run with so many notes, the first of which is event 2."""
    named = name()
    store.create(new_run(named))
    for first in range(0, count, 500):
        store.append(batch(named, 1 + first, notes(*range(first, min(count, first + 500)))))
    return named


def until_gone(find: Callable[[], object]) -> None:
    """Wait until there is none any more."""
    until(lambda: not find(), "the end")
