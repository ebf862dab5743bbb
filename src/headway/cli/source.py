"""Where what the commands show comes from: a store on this machine, or a server.

The commands know only ``Source``. Everything in it is of the protocol, so that it does not matter which it is.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, BinaryIO, Protocol

from headway.cli.shown import Listing, Removal, Shown
from headway.errors import InvalidTarget, NotFound
from headway.ports import LogQuery, LogSlice, Page, PrunePolicy, RunFilter, StoredBlob
from headway.ports.store import READ_LIMIT
from headway.progress.state import ArtifactEntry, State, View
from headway.protocol import names
from headway.protocol.cursor import Cursor
from headway.protocol.events import Json
from headway.targets import default_url

if TYPE_CHECKING:  # what most commands do not need is not loaded for them
    from headway.hub.cancelling import Cancelling
    from headway.hub.importing import Imported

__all__ = ["Listing", "SeveralRuns", "Shown", "Source", "find_run", "open_source", "open_writable_source"]


TOLD_RUNS = 5
"""Runs that are named when several begin alike."""


class SeveralRuns(NotFound):
    """Several runs have ids that begin so: that is no better after a while."""


class Source(AbstractContextManager["Source"], Protocol):
    """What the commands ask for. Blocks; for one thread.

    All of it raises the errors of the store: NotFound, StoreUnavailable while it is out of reach, and their like.

    Attributes:
        url: Where it is, as people would type it.
    """

    url: str

    def list_runs(self, filter_: RunFilter, *, limit: int, page: str | None = None) -> Listing:
        """Runs that fit, newest first."""

    def kinds(self) -> Sequence[str]:
        """All kinds of runs, sorted."""

    def has_run(self, run_id: str) -> bool:
        """Whether there is a run of exactly this id."""

    def show(self, run_id: str, *, at: int | None = None) -> Shown:
        """A run's state and view: now, or as they were after event ``at``."""

    def newest(self, run_id: str) -> Cursor:
        """The cursor behind a run's newest event."""

    def view(self, state: State) -> View:
        """The view of a run's state, now: it counts down from one call to the next."""

    def events(
        self,
        run_id: str,
        after: Cursor | None = None,
        *,
        limit: int = READ_LIMIT,
        types: Collection[str] | None = None,
        wait_s: float = 0.0,
    ) -> Page:
        """Events past a cursor; when there are none and the run goes on, waits for them for so long."""

    def wait(self, timeout_s: float) -> bool:
        """Wait until something may have changed in some run; false if nothing did in time."""

    def log(self, run_id: str, query: LogQuery) -> LogSlice:
        """Log events."""

    def answer(self, run_id: str, input_id: str, value: Json) -> None:
        """Answer a question. Raises Answered if somebody has given another answer, which counts."""

    def cancel(self, run_id: str, *, reason: str | None = None) -> Cancelling:
        """Ask for a cancel; a run that nobody works on ends at once. Raises RunEnded."""

    def artifacts(self, run_id: str) -> tuple[ArtifactEntry, ...]:
        """All artifacts of a run, the newest of each name."""

    def open_artifact(self, run_id: str, name: str) -> BinaryIO:
        """The newest content of an artifact."""

    def put_blob(self, content: BinaryIO) -> StoredBlob:
        """Store the content of an artifact; its event is in a log that is imported."""

    def export(self, run_id: str) -> Iterator[bytes]:
        """A run as lines of JSON."""

    def import_run(self, file: BinaryIO, *, run_id: str | None = None) -> Imported:
        """A run from such lines, in a file that can seek."""

    def prune(self, policy: PrunePolicy, *, dry_run: bool = False) -> Removal:
        """Remove ended runs, or say which ones would be."""

    def remove_unused_blobs(self) -> int | None:
        """Remove the content that no artifact of any run names; the bytes that it freed, if that is known."""


def open_source(url: str | None, *, must_exist: bool = False) -> Source:
    """The source that a URL names; by default ``HEADWAY_URL``, then the file in the user's state folder.

    Args:
        url: The URL, or None.
        must_exist: The file in the user's state folder must be there, too. Otherwise that, which nobody has named, has
            no runs until the first one makes it: on a new machine that is nothing wrong.

    Raises:
        InvalidTarget: It names nothing that can be looked at.
        NotFound: There is no such file: looking does not make one.
        StoreError: It cannot be opened.
    """
    target = target_of(url)
    if is_server(target):
        return _server_source(target)
    from headway.cli.store_source import open_store_source

    named = bool(url or os.environ.get("HEADWAY_URL"))
    return open_store_source(target, missing_is_empty=not named and not must_exist)


def open_writable_source(url: str | None) -> Source:
    """The same, for what is to be put there: a store that does not exist yet is made."""
    target = target_of(url)
    if is_server(target):
        return _server_source(target)
    from headway.cli.store_source import open_store_source

    return open_store_source(target, create=True)


def is_server(target: str) -> bool:
    """Whether a URL is one of a server."""
    return target.startswith(("http://", "https://"))


def _server_source(target: str) -> Source:
    from headway.cli.server_source import ServerSource

    return ServerSource(target)


def target_of(url: str | None) -> str:
    """Where a source is: as it was typed, or what is meant when nothing was. Raises InvalidTarget."""
    try:
        target = url or default_url()
    except RuntimeError as error:  # no home folder
        raise InvalidTarget(f"there is no place where runs would be by default ({error}): give --url") from error
    if target == "none:":
        raise InvalidTarget("none: reports nothing, so there is nothing to look at: give another --url")
    return target


def find_run(source: Source, run: str | None) -> str:
    """A run's whole id: of the newest run, or of the one whose id begins so.

    Raises:
        NotFound: There is none.
        SeveralRuns: There are several.
    """
    if run is None:
        newest = source.list_runs(RunFilter(), limit=1).runs
        if not newest:
            raise NotFound(f"there is {none_yet(source)}")
        return newest[0].run_id
    if source.has_run(names.run_id(run)):
        return run
    found = [short.run_id for short in source.list_runs(RunFilter(runs=(run,)), limit=TOLD_RUNS + 1).runs]
    if len(found) == 1:
        return found[0]
    if found:
        told = ", ".join(found[:TOLD_RUNS]) + (", …" if len(found) > TOLD_RUNS else "")
        raise SeveralRuns(f"several runs begin with {run!r}: {told}: type more of it")
    raise NotFound(_no_such(source, run))


def _no_such(source: Source, run: str) -> str:
    if not source.list_runs(RunFilter(), limit=1).runs:
        return f"there is no run {run!r}, since there is {none_yet(source)}"
    return f"there is no run {run!r} in {source.url}: see  headway ls"


def none_yet(source: Source) -> str:
    """What to say of a source without runs."""
    return f"no run in {source.url} yet: start one with  headway run -- COMMAND"
