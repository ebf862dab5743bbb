"""A server as a source: the same questions, over HTTP."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import TracebackType
from typing import BinaryIO, Self, cast

import msgspec

from headway.cli.shown import Listing, Removal, Shown
from headway.client import BlockingClient
from headway.client import Shown as Answer
from headway.client.api import LogPiece
from headway.errors import InvalidTarget, NotFound
from headway.hub.cancelling import Cancelling
from headway.hub.importing import Imported
from headway.ports import LogQuery, LogSlice, Page, PrunePolicy, Record, RunFilter, StoredBlob, SystemClock
from headway.ports.store import READ_LIMIT
from headway.progress.state import ArtifactEntry, ShortState, State, View
from headway.protocol import codec, cursor
from headway.protocol.cursor import BEGINNING, Cursor
from headway.protocol.events import Event, Json, Log
from headway.protocol.url import shown_url

CHANGE_S = 1.0
"""Between two looks at a list: a server tells of changes in all runs only on a stream."""

IN_MEMORY_BYTES = 16 * 1024 * 1024
"""A download that is larger goes through a file."""

PAGE_RUNS = 500
"""The most that a server lists at once."""

TAIL_LINES = 10_000
"""The most that a server gives of a log's newest lines."""


class ServerSource:
    """A server, as the commands see it; see ``Source`` for what its methods do.

    Args:
        url: Where it is.
        token: What it asks for; by default ``HEADWAY_TOKEN``.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = shown_url(url)
        self.client = BlockingClient(url, token=token or os.environ.get("HEADWAY_TOKEN"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()

    def list_runs(self, filter_: RunFilter, *, limit: int, page: str | None = None) -> Listing:
        """See ``Source``."""
        if filter_.runs is not None:
            return self._beginning(filter_, limit)
        runs: list[ShortState] = []
        while True:
            found = self.client.runs(_query(filter_), limit=min(limit - len(runs), PAGE_RUNS), page=page)
            runs += found.runs
            page = found.next
            if page is None or len(runs) >= limit:
                return Listing(runs=tuple(runs), next=page)

    def _beginning(self, filter_: RunFilter, limit: int) -> Listing:
        """Runs whose ids begin so: a server looks for text, which is more than that."""
        (prefix,) = filter_.runs or ("",)
        page: str | None = None
        found: list[ShortState] = []
        while len(found) < limit:
            listing = self.client.runs({**_query(filter_), "text": prefix}, page=page)
            found += [run for run in listing.runs if run.run_id.startswith(prefix)]
            page = listing.next
            if page is None:
                break
        return Listing(runs=tuple(found[:limit]), next=None)

    def kinds(self) -> Sequence[str]:
        """See ``Source``."""
        return self.client.kinds()

    def has_run(self, run_id: str) -> bool:
        """See ``Source``."""
        try:
            self.client.show(run_id)
        except NotFound:
            return False
        return True

    def show(self, run_id: str, *, at: int | None = None) -> Shown:
        """See ``Source``."""
        return _shown(self.client.show(run_id) if at is None else self.client.state_at(run_id, at))

    def newest(self, run_id: str) -> Cursor:
        """See ``Source``."""
        return _cursor(self.client.show(run_id).cursor)

    def view(self, state: State) -> View:
        """See ``Source``."""
        return msgspec.json.decode(self.client.show(state.run_id).view, type=View)

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
        position = BEGINNING if after is None else str(after)
        wanted = None if types is None else tuple(types)
        page = self.client.events(run_id, position, limit=limit, wait_s=wait_s, types=wanted)
        records = tuple(_record(run_id, bytes(body)) for body in page.events)
        return Page(records=records, cursor=_cursor(page.cursor), complete=page.complete, ended=page.ended)

    def wait(self, timeout_s: float) -> bool:
        """See ``Source``."""
        time.sleep(min(timeout_s, CHANGE_S))
        return True

    def log(self, run_id: str, query: LogQuery) -> LogSlice:
        """See ``Source``."""
        wanted = sys.maxsize if query.tail is None else query.tail
        tail = min(max(1, wanted), TAIL_LINES)
        found = self.client.log(run_id, tail=tail, stage=query.stage, stream=query.stream)
        if len(found.lines) < wanted and (found.cut_bytes or len(found.lines) >= TAIL_LINES):
            records = tuple(self._log_events(run_id, query))  # these tell of what was cut, too
        else:
            records = tuple(_log_record(run_id, piece) for piece in found.lines if piece.seq > query.after_seq)
        return LogSlice(records=records, total_bytes=found.total_bytes, cut_bytes=found.cut_bytes)

    def _log_events(self, run_id: str, query: LogQuery) -> Iterator[Record]:
        """All log events of a stage and stream."""
        cursor: Cursor | None = None
        while (page := self.events(run_id, cursor, types=("log",))).records:
            yield from (record for record in page.records if record.seq > query.after_seq and _fits(record, query))
            cursor = page.cursor

    def answer(self, run_id: str, input_id: str, value: Json) -> None:
        """See ``Source``."""
        self.client.answer(run_id, input_id, value)

    def cancel(self, run_id: str, *, reason: str | None = None) -> Cancelling:
        """See ``Source``."""
        before = self.show(run_id).state.cancel_requested
        return Cancelling(again=before, ended=self.client.cancel(run_id, reason))

    def artifacts(self, run_id: str) -> tuple[ArtifactEntry, ...]:
        """See ``Source``."""
        return tuple(
            ArtifactEntry(
                name=found.name, media_type=found.media_type, size=found.size, sha256=found.sha256, seq=0, at=found.at
            )
            for found in self.client.artifacts(run_id)
        )

    def open_artifact(self, run_id: str, name: str) -> BinaryIO:
        """See ``Source``."""
        file = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115 -- whoever asked closes it
        self.client.download(run_id, name, cast(BinaryIO, file))
        file.seek(0)
        return cast(BinaryIO, file)

    def put_blob(self, content: BinaryIO) -> StoredBlob:  # noqa: ARG002
        """Not over HTTP: content is put for a run, and this one does not exist yet."""
        raise InvalidTarget("artifacts are imported into a store on this machine: give its --url")

    def export(self, run_id: str) -> Iterator[bytes]:
        """See ``Source``."""
        with tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES) as file:
            self.client.export(run_id, cast(BinaryIO, file))
            file.seek(0)
            yield from file

    def import_run(self, file: BinaryIO, *, run_id: str | None = None) -> Imported:
        """See ``Source``."""
        done = self.client.import_run(file, run_id=run_id)
        return Imported(run_id=done.run_id, events=done.events, added=done.added, ended=done.ended)

    def prune(self, policy: PrunePolicy, *, dry_run: bool = False) -> Removal:
        """See ``Source``."""
        from headway.cli.server_pruning import chosen_runs, removed_runs

        ended = self.list_runs(RunFilter(kind=policy.kind, status=policy.status), limit=sys.maxsize).runs
        chosen = chosen_runs(ended, policy, SystemClock())
        return Removal(runs=chosen if dry_run else removed_runs(self.client, chosen))

    def remove_unused_blobs(self) -> None:
        """Not over HTTP: a server does that itself, when it removes runs."""


def _query(filter_: RunFilter) -> Mapping[str, str | None]:
    return {"kind": filter_.kind, "status": filter_.status, "text": filter_.text, "since": filter_.since}


def _shown(answer: Answer) -> Shown:
    state = msgspec.json.decode(answer.state, type=State)
    return Shown(state=state, view=msgspec.json.decode(answer.view, type=View), cursor=answer.cursor)


def _cursor(text: str) -> Cursor:
    return cursor.parse(text) or Cursor("", 0, 0)


def _record(run_id: str, body: bytes) -> Record:
    event = codec.decode_event(body)
    # Nonces are between a store and those who read it; over HTTP they travel in cursors only.
    return Record(run_id, event.seq, 0, event.type, event.priority, body)


def _fits(record: Record, query: LogQuery) -> bool:
    event = codec.decode_event(record.body)
    data = codec.data_of(event)
    return query.stage in (None, event.stage or "") and isinstance(data, Log) and query.stream in (None, data.stream)


def _log_record(run_id: str, piece: LogPiece) -> Record:
    data = {
        "stream": piece.stream,
        "level": piece.level,
        "lines": [piece.text],
        "partial": piece.partial,
        "offset": piece.offset,
    }
    event = Event(
        seq=piece.seq,
        at=piece.at,
        type="log",
        priority="low",
        stage=piece.stage,
        data=msgspec.Raw(msgspec.json.encode(data)),
    )
    return Record(run_id, piece.seq, 0, "log", "low", msgspec.json.encode(event))
