"""A store on this machine as a source.

No server is needed to find out who died: whoever looks does it, and ends what was cancelled with nobody there to end
it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from headway.cli.shown import Listing, Removal, Shown
from headway.errors import NotFound, StoreError, StoreReadOnly
from headway.hub.listing import short_state
from headway.hub.snapshots import wait_until_stored
from headway.ports import (
    EventStore,
    Follower,
    LogQuery,
    LogSlice,
    Page,
    PrunePolicy,
    Record,
    RunFilter,
    StoredBlob,
)
from headway.ports.store import READ_LIMIT
from headway.progress.state import ArtifactEntry, State, View
from headway.protocol import codec, events
from headway.protocol.cursor import Cursor
from headway.protocol.events import Json
from headway.protocol.limits import ARTIFACTS_KEPT
from headway.targets import Place, open_place, sqlite_path

if TYPE_CHECKING:  # what most commands do not need is not loaded for them
    from headway.hub.cancelling import Cancelling
    from headway.hub.importing import Imported
    from headway.hub.opening import Opened
    from headway.hub.viewing import Viewer

SWEEP_S = 2.0
"""Between two looks, while waiting, for owners that have fallen silent."""

SWEEP_WAIT_S = 1.0
"""For a sweep to be done; a writer keeps others waiting for milliseconds, unless it is stopped."""

STORING_WAIT_S = 1.0
"""For a state that was folded to be stored, once everything is shown; the same."""

LOOK_S = 0.02
"""Between two looks for news of one run: a busy store rings for every run's events."""


class StoreSource:
    """See ``Source``.

    Args:
        url: The store's URL.
        place: What is there.
    """

    def __init__(self, url: str, place: Place) -> None:
        self.url = url
        self.store = place.store
        self._artifacts = place.artifacts
        self._follower: Follower | None = None
        self._swept = float("-inf")
        self._sweeping: threading.Thread | None = None
        self._viewers: dict[str, Viewer] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The store itself stays open for the whole process, and what is being stored in it has a moment to be so."""
        if self._follower is not None:
            self._follower.close()
            self._follower = None
        wait_until_stored(STORING_WAIT_S)

    def list_runs(self, filter_: RunFilter, *, limit: int, page: str | None = None) -> Listing:
        """See ``Source``."""
        self._sweep()
        found = self.store.list_runs(filter_, limit=limit, page=page)
        now = time.time()
        return Listing(runs=tuple(short_state(header, now) for header in found.headers), next=found.next)

    def _sweep(self) -> None:
        if time.monotonic() - self._swept < SWEEP_S or (self._sweeping is not None and self._sweeping.is_alive()):
            return
        self._swept = time.monotonic()
        # In a thread of its own, since it may have to wait for a writer: who only looks shows what there is.
        self._sweeping = threading.Thread(target=_sweep, args=[self.store], name="headway-sweep", daemon=True)
        self._sweeping.start()
        self._sweeping.join(SWEEP_WAIT_S)

    def kinds(self) -> Sequence[str]:
        """See ``Source``."""
        return self.store.kinds()

    def has_run(self, run_id: str) -> bool:
        """See ``Source``."""
        try:
            self.store.header(run_id)
        except NotFound:
            return False
        return True

    def show(self, run_id: str, *, at: int | None = None) -> Shown:
        """See ``Source``."""
        from headway.progress.view import view_then

        self._sweep()
        opened = self._open(run_id, at)
        view = self.view(opened.state) if at is None else view_then(opened.state, time.time())
        return Shown(state=opened.state, view=view, cursor=str(opened.cursor))

    def _open(self, run_id: str, at: int | None = None) -> Opened:
        from headway.hub.opening import open_run

        return open_run(self.store, run_id, at=at)

    def newest(self, run_id: str) -> Cursor:
        """See ``Source``."""
        return self.store.header(run_id).cursor

    def view(self, state: State) -> View:
        """See ``Source``."""
        return self._viewer(state.run_id).view(state, time.time())

    def _viewer(self, run_id: str) -> Viewer:
        from headway.hub.choosing import chosen_estimator
        from headway.hub.history import Histories
        from headway.hub.viewing import Viewer

        if run_id not in self._viewers:
            self._viewers[run_id] = Viewer(Histories(self.store, time.monotonic), chosen_estimator())
        return self._viewers[run_id]

    def events(
        self,
        run_id: str,
        after: Cursor | None = None,
        *,
        limit: int = READ_LIMIT,
        types: Collection[str] | None = None,
        wait_s: float = 0.0,
    ) -> Page:
        """See ``Source``."""
        until = time.monotonic() + wait_s
        while True:
            page = self.store.read(run_id, after, limit=limit, types=types)
            left = until - time.monotonic()
            if page.records or page.ended or not page.complete or left <= 0:
                return page
            after = page.cursor
            if self.wait(left):
                time.sleep(LOOK_S)

    def wait(self, timeout_s: float) -> bool:
        """See ``Source``."""
        until = time.monotonic() + timeout_s
        while True:
            self._sweep()
            left = until - time.monotonic()
            if self._following().wait(max(0.0, min(left, SWEEP_S))):
                return True
            if left <= SWEEP_S:
                return False

    def _following(self) -> Follower:
        if self._follower is None:
            self._follower = self.store.follow()
        return self._follower

    def log(self, run_id: str, query: LogQuery) -> LogSlice:
        """See ``Source``."""
        return self.store.read_log(run_id, query)

    def answer(self, run_id: str, input_id: str, value: Json) -> None:
        """See ``Source``."""
        from headway.hub.answering import give_answer

        give_answer(self.store, run_id, input_id, value, by=_whoami(), now=time.time)

    def cancel(self, run_id: str, *, reason: str | None = None) -> Cancelling:
        """See ``Source``."""
        from headway.hub.cancelling import request_cancel

        self._sweep()
        return request_cancel(self.store, run_id, reason=reason, by=_whoami(), now=time.time)

    def artifacts(self, run_id: str) -> tuple[ArtifactEntry, ...]:
        """See ``Source``."""
        kept = self._open(run_id).state.artifacts
        return kept if len(kept) < ARTIFACTS_KEPT else self._all_artifacts(run_id)

    def _all_artifacts(self, run_id: str) -> tuple[ArtifactEntry, ...]:
        """From the log, since the state has forgotten the oldest."""
        found: dict[str, ArtifactEntry] = {}
        cursor, complete = None, False
        while not complete:
            page = self.store.read(run_id, cursor, types=("artifact",))
            for entry in map(_artifact, page.records):
                found.pop(entry.name, None)
                found[entry.name] = entry
            cursor, complete = page.cursor, page.complete
        return tuple(found.values())

    def open_artifact(self, run_id: str, name: str) -> BinaryIO:
        """See ``Source``."""
        for entry in self.artifacts(run_id):
            if entry.name == name and entry.sha256 is not None:
                return self._artifacts.open(entry.sha256)
        raise NotFound(f"run {run_id} has no artifact {name!r}: see  headway artifacts {run_id}")

    def put_blob(self, content: BinaryIO) -> StoredBlob:
        """See ``Source``."""
        return self._artifacts.put(content)

    def export(self, run_id: str) -> Iterator[bytes]:
        """See ``Source``."""
        from headway.hub.exporting import export_lines

        return export_lines(self.store, run_id)

    def import_run(self, file: BinaryIO, *, run_id: str | None = None) -> Imported:
        """See ``Source``."""
        from headway.hub.importing import import_run

        return import_run(self.store, file, run_id=run_id)

    def prune(self, policy: PrunePolicy, *, dry_run: bool = False) -> Removal:
        """See ``Source``."""
        found = self.store.prune(policy, dry_run=dry_run)
        return Removal(runs=found.runs, size_bytes=found.size_bytes)

    def remove_unused_blobs(self) -> int:
        """See ``Source``."""
        return self._artifacts.remove_unused(self.store.artifact_digests())


class NothingYet(StoreSource):
    """Where a store will be: no run so far.

    Args:
        url: The store's URL.
        path: Its file.
    """

    def __init__(self, url: str, path: Path) -> None:
        from headway.stores.files import FileArtifactStore
        from headway.stores.memory import MemoryEventStore

        super().__init__(url, Place(MemoryEventStore(), FileArtifactStore(path)))

    def remove_unused_blobs(self) -> int:
        """See ``Source``; what is there may be of a store that was moved and comes back."""
        return 0


def _sweep(store: EventStore) -> None:
    with suppress(StoreError):  # who may only read can look all the same; what else is the matter is told by the look
        store.sweep()
        if store.list_runs(RunFilter(status="lost"), limit=1).headers:
            from headway.hub.cancelling import end_abandoned

            end_abandoned(store, time.time)


def open_store_source(url: str, *, create: bool = False, missing_is_empty: bool = False) -> StoreSource:
    """The store that a URL names.

    Args:
        url: The URL.
        create: Make it if it is not there.
        missing_is_empty: If it is not there, look at it as one without runs.

    Raises:
        InvalidTarget: It names none.
        NotFound: It is not there.
        StoreError: It cannot be opened.
    """
    path = sqlite_path(url)
    if not create and not _is_there(path):
        if missing_is_empty:
            return NothingYet(url, path)
        raise NotFound(f"there is no store at {path}: the first run that reports to it makes it")
    return StoreSource(url, open_place(path))


def _artifact(record: Record) -> ArtifactEntry:
    event = codec.decode_event(record.body)
    data = codec.data_of(event)
    assert isinstance(data, events.Artifact)
    return ArtifactEntry(
        name=data.name,
        media_type=data.media_type,
        size=data.size,
        sha256=data.sha256,
        stage=event.stage,
        seq=event.seq,
        at=event.at,
    )


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError) as error:
        raise StoreReadOnly(f"{path} cannot be looked at: {error}") from error


def _whoami() -> str | None:
    """The user's name, for people who read who asked."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as containers give out
        return None
