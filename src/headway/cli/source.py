"""Where what the commands show comes from: a store on this machine, or a server.

The commands know only ``Source``. Everything in it is of the protocol, so that it does not matter which it is.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import BinaryIO, Protocol, Self

import msgspec

from headway.errors import HeadwayError, InvalidTarget, NotFound
from headway.hub.history import Histories
from headway.hub.listing import short_state
from headway.hub.opening import open_run
from headway.hub.viewing import Viewer
from headway.ports import Batch, LogQuery, LogSlice, Page, RunFilter
from headway.ports.store import READ_LIMIT
from headway.progress.remaining import DEFAULT, estimator
from headway.progress.state import ShortState, State, View
from headway.protocol import events, names, times
from headway.protocol.cursor import Cursor
from headway.protocol.events import Data
from headway.targets import Place, default_url, open_place, sqlite_path


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """Runs, newest first, and the name of the next page, or None."""

    runs: tuple[ShortState, ...]
    next: str | None


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One run as it is now."""

    state: State
    view: View
    cursor: str


class Source(AbstractContextManager["Source"], Protocol):
    """What the commands ask for. Blocks; raises the errors of the store, NotFound among them.

    Attributes:
        url: Where it is, as people would type it.
    """

    url: str

    def list_runs(self, filter_: RunFilter, *, limit: int, page: str | None = None) -> Listing:
        """Runs that fit, newest first."""

    def has_run(self, run_id: str) -> bool:
        """Whether there is a run of exactly this id."""

    def show(self, run_id: str) -> Shown:
        """A run's state and view."""

    def events(self, run_id: str, after: Cursor | None = None, *, limit: int = READ_LIMIT) -> Page:
        """Events past a cursor."""

    def log(self, run_id: str, query: LogQuery) -> LogSlice:
        """Log events."""

    def tell(self, run_id: str, data: Data) -> None:
        """Ask for a cancel, or answer a question: what a watcher may add to a log."""

    def open_artifact(self, run_id: str, name: str) -> BinaryIO:
        """The newest content of an artifact."""


class StoreSource:
    """A store on this machine.

    Args:
        url: Its URL.
        place: The store and its artifacts.
    """

    def __init__(self, url: str, place: Place) -> None:
        self.url = url
        self.store = place.store
        self.artifacts = place.artifacts
        self._viewers: dict[str, Viewer] = {}
        self._estimator = estimator(DEFAULT)
        self._histories = Histories(place.store, time.monotonic)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing: the store stays open for the whole process."""

    def list_runs(self, filter_: RunFilter, *, limit: int, page: str | None = None) -> Listing:
        """See ``Source``."""
        self._sweep()
        found = self.store.list_runs(filter_, limit=limit, page=page)
        now = time.time()
        return Listing(runs=tuple(short_state(header, now) for header in found.headers), next=found.next)

    def _sweep(self) -> None:
        """No server is needed to find out who died: whoever looks does it."""
        try:
            self.store.sweep()
        except HeadwayError:  # who may only read can look all the same
            return

    def has_run(self, run_id: str) -> bool:
        """See ``Source``."""
        try:
            self.store.header(run_id)
        except NotFound:
            return False
        return True

    def show(self, run_id: str) -> Shown:
        """See ``Source``."""
        self._sweep()
        opened = open_run(self.store, run_id)
        return Shown(state=opened.state, view=self.view(opened.state), cursor=str(opened.cursor))

    def view(self, state: State) -> View:
        """The view of a run's state, now."""
        viewer = self._viewers.setdefault(state.run_id, Viewer(self._histories, self._estimator))
        return viewer.view(state, time.time())

    def events(self, run_id: str, after: Cursor | None = None, *, limit: int = READ_LIMIT) -> Page:
        """See ``Source``."""
        return self.store.read(run_id, after, limit=limit)

    def log(self, run_id: str, query: LogQuery) -> LogSlice:
        """See ``Source``."""
        return self.store.read_log(run_id, query)

    def tell(self, run_id: str, data: Data) -> None:
        """See ``Source``."""
        draft = events.draft(data, at=times.to_text(time.time()))
        self.store.append(Batch(run_id=run_id, reporter=f"cli-{time.time_ns()}", first=1, events=(draft,)))

    def open_artifact(self, run_id: str, name: str) -> BinaryIO:
        """See ``Source``."""
        entries = [entry for entry in open_run(self.store, run_id).state.artifacts if entry.name == name]
        if not entries or entries[-1].sha256 is None:
            raise NotFound(f"run {run_id} has no artifact {name!r}: see  headway artifacts {run_id}")
        return self.artifacts.open(entries[-1].sha256)


def open_source(url: str | None) -> StoreSource:
    """The source that a URL names; by default ``HEADWAY_URL``, then the file in the user's state folder.

    Raises:
        InvalidTarget: It names nothing that can be looked at.
        NotFound: There is no such file: looking does not make one.
        StoreError: It cannot be opened.
    """
    target = url or default_url()
    if target == "none:":
        raise InvalidTarget("none: reports nothing, so there is nothing to look at: give another --url")
    path = sqlite_path(target)
    if not path.exists():
        raise NotFound(f"there is no store at {path}: the first run that reports to it makes it")
    return StoreSource(target, open_place(path))


def find_run(source: Source, run: str | None) -> str:
    """A run's whole id: of the newest run, or of the one whose id begins so.

    Raises:
        NotFound: There is none, or there are several.
    """
    if run is None:
        newest = source.list_runs(RunFilter(), limit=1).runs
        if not newest:
            raise NotFound(f"there is no run in {source.url} yet: start one with  headway run -- COMMAND")
        return newest[0].run_id
    if source.has_run(names.run_id(run)):
        return run
    found = [short.run_id for short in source.list_runs(RunFilter(runs=(run,)), limit=2).runs]
    if len(found) == 1:
        return found[0]
    raise NotFound(_no_such(source, run, found))


def _no_such(source: Source, run: str, found: Sequence[str]) -> str:
    if found:
        return f"several runs begin with {run!r}: type more of it"
    return f"there is no run {run!r} in {source.url}: see  headway ls"
