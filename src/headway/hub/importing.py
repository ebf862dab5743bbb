"""Making a run's log again from what ``exporting`` gave.

The lines are read twice: once to check all of them, so that a damaged file changes nothing, and once to append them.
Numbers, times and contents stay; the log gets an epoch and nonces of its own. What is there already is compared and not
appended again, so that an import that was interrupted can be repeated, and a longer export of the same run continues.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from headway.errors import HeadwayError, InvalidInput, ReporterGap, RunEnded, RunTaken
from headway.hub.exporting import FORMAT, ExportHeader
from headway.hub.opening import open_run
from headway.ports import Batch, Digest, EventStore, Header, NewRun, Record
from headway.progress.state import State
from headway.protocol import codec, cursor, events, limits, names
from headway.protocol.events import Draft, Event
from headway.protocol.incoming import parse_draft, parse_json

LINE_BYTES = limits.EVENT_BYTES + 1024
"""An event of the largest size, with its number and what a store gave it."""

BATCH_BYTES = limits.BATCH_BYTES // 2
"""Of lines in one append: encoded anew they may be a little longer."""


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did.

    Attributes:
        run_id: The run's id here.
        events: How many events the lines have.
        added: How many of them were not here before.
        ended: Whether the run has ended.
    """

    run_id: str
    events: int
    added: int
    ended: bool


class _Line(msgspec.Struct, frozen=True):
    number: int
    seq: int
    size: int
    draft: Draft


def import_run(store: EventStore, file: BinaryIO, *, run_id: str | None = None) -> Imported:
    """Import one run.

    Args:
        store: Where to.
        file: The lines, from where it stands; it must be able to seek.
        run_id: The run's id here; by default the one that it had.

    Raises:
        InvalidInput: A line is damaged; the message says which. Nothing was changed.
        RunTaken: Another run has this id here, or a job is working on it.
        StoreError: As the store says; the same import can be repeated.
    """
    begin = file.tell()
    header = _check(file)
    file.seek(begin)
    file.readline()
    id_ = header.run_id if run_id is None else names.run_id(run_id)
    lines = _lines(file)
    created = next(lines)
    is_new = not store.create(_new_run(id_, created.draft)).existed
    importer = _Importer(store, store.header(id_), header, added=int(is_new))
    importer.take(created)
    for line in lines:
        importer.take(line)
    return importer.finish()


def _check(file: BinaryIO) -> ExportHeader:
    """Look at every line. Raises InvalidInput."""
    header = _header(file.readline(LINE_BYTES))
    if not sum(1 for _ in _lines(file)):
        raise InvalidInput("line 2: the events are missing: a run has at least one, 'run.created'")
    return header


def _header(line: bytes) -> ExportHeader:
    try:
        header = msgspec.json.decode(line, type=ExportHeader)
        names.run_id(header.run_id)
        cursor.parse(f"{header.epoch}.0.0")
    except (msgspec.DecodeError, UnicodeDecodeError, InvalidInput) as error:
        raise InvalidInput(f"line 1: this is not the header of an exported run: {error}") from error
    if header.version != FORMAT:
        raise InvalidInput(
            f"line 1: version {header.version} of exported runs, of which this Headway knows {FORMAT} only: upgrade it"
        )
    return header


def _lines(file: BinaryIO) -> Iterator[_Line]:
    number = 1
    ended = False
    while text := file.readline(LINE_BYTES):
        number += 1
        if ended:
            raise InvalidInput(f"line {number}: something follows the event that ends the run")
        try:
            draft = _draft(text, number - 1)
        except HeadwayError as error:
            raise InvalidInput(f"line {number}: {error}") from error
        ended = draft.type in events.TERMINAL
        yield _Line(number, number - 1, len(text), draft)


def _draft(text: bytes, seq: int) -> Draft:
    if len(text) >= LINE_BYTES and not text.endswith(b"\n"):
        raise InvalidInput(f"a line of more than {LINE_BYTES:,} bytes is no event")
    value = parse_json(text)
    if not isinstance(value, dict) or value.pop("seq", None) != seq:
        raise InvalidInput(f"this should be event {seq}: a line is missing, damaged or twice there")
    data = value.get("data")
    if value.get("type") == "log" and isinstance(data, dict):
        for name in events.GIVEN_BY_STORES:  # offsets are counted again, and events that were cut say so themselves
            data.pop(name, None)
    draft = parse_draft(value)
    if (draft.type == "run.created") is not (seq == 1):
        raise InvalidInput("'run.created' is the first event of a run, and only the first")
    return draft


def _new_run(run_id: str, created: Draft) -> NewRun:
    data = codec.data_of_draft(created)
    assert isinstance(data, events.RunCreated)
    members = {name: getattr(data, name) for name in events.RunCreated.__struct_fields__}
    return NewRun(run_id=run_id, at=created.at, **members)


class _Importer:
    """Compares what is here, and appends the rest in batches."""

    def __init__(self, store: EventStore, here: Header, exported: ExportHeader, *, added: int) -> None:
        self._store = store
        self._here = here
        # One name and one numbering for all imports of a log: two at once, or one after another, store nothing twice.
        self._reporter = f"import-{exported.epoch}"
        self._stored = _records(store, here.run_id)
        self._batch: list[Draft] = []
        self._batch_bytes = 0
        self._events = 0
        self._added = added

    def take(self, line: _Line) -> None:
        """The next event, in order."""
        if line.seq <= self._here.cursor.seq:
            self._compare(line)
        else:
            self._add(line)
        self._events = line.seq

    def _compare(self, line: _Line) -> None:
        if not is_same(codec.decode_event(next(self._stored).body), line.draft):
            raise self._taken(f"its event {line.seq} differs from line {line.number}")

    def _add(self, line: _Line) -> None:
        if self._here.owner is not None:
            raise self._taken("a job is working on it")
        if len(self._batch) >= limits.BATCH_EVENTS or self._batch_bytes + line.size > BATCH_BYTES:
            self._flush()
        self._batch.append(line.draft)
        self._batch_bytes += line.size

    def _flush(self) -> None:
        before = self._events - len(self._batch)  # run.created is one of these, which the creation stored
        batch = Batch(
            run_id=self._here.run_id,
            reporter=self._reporter,
            first=before,
            events=tuple(self._batch),
            epoch=self._here.epoch,
        )
        try:
            self._added += self._store.append(batch).accepted
        except (ReporterGap, RunEnded) as error:
            raise self._taken(f"it goes on in another way after event {self._here.cursor.seq}") from error
        self._batch, self._batch_bytes = [], 0

    def _taken(self, why: str) -> RunTaken:
        return RunTaken(f"there is a run {self._here.run_id} here already, and {why}: import under another id, --as ID")

    def finish(self) -> Imported:
        """Append what is left, and let lists show what the events say."""
        if self._batch:
            self._flush()
        header = self._store.header(self._here.run_id)
        if self._added:
            self._show(open_run(self._store, header.run_id).state, header)
        return Imported(run_id=header.run_id, events=self._events, added=self._added, ended=header.ended)

    def _show(self, state: State, header: Header) -> None:
        self._store.append(
            Batch(
                run_id=header.run_id,
                reporter=self._reporter,
                first=1,
                events=(),
                attempt=header.attempt,
                digest=Digest.of(state),
            )
        )


def _records(store: EventStore, run_id: str) -> Iterator[Record]:
    after: cursor.Cursor | None = None
    while True:
        page = store.read(run_id, after)
        yield from page.records
        if page.complete:
            return
        after = page.cursor


def is_same(stored: Event, draft: Draft) -> bool:
    """Whether a stored event is the one that a line has, but for what a store adds, and text that one of them cut."""
    if (stored.at, stored.type, stored.priority, stored.stage) != (draft.at, draft.type, draft.priority, draft.stage):
        return False
    ours, theirs = codec.data_of(stored), codec.data_of_draft(draft)
    if isinstance(ours, events.RunCreated):  # made from the members that are known
        return ours == theirs
    if isinstance(ours, events.Log) and isinstance(theirs, events.Log) and (ours.elided or theirs.elided):
        return ours.stream == theirs.stream
    # The line's data as a log would hold them: those of a run's end may have been shortened, and are no JSON then.
    return _reported(stored.data) == _reported(msgspec.json.encode(draft.data))


def _reported(data: bytes | msgspec.Raw) -> dict[str, Any]:
    return {name: value for name, value in msgspec.json.decode(data).items() if name not in events.GIVEN_BY_STORES}
