"""A server as a sink: what a reporter far from the store writes to."""

from __future__ import annotations

import hashlib
import io
import time
from pathlib import Path
from threading import Event
from typing import BinaryIO, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from headway.errors import HeadwayError, NotFound, RunEnded, StoreUnavailable
from headway.ports import Appended, Batch, Created, Lease, NewRun, Page, Record, Snapshot, StoredBlob
from headway.protocol import cursor
from headway.protocol.codec import encode_tail
from headway.protocol.cursor import Cursor
from headway.protocol.events import Priority, ReporterInfo
from headway.protocol.ready import ready
from headway.reporter.backoff import Backoff
from headway.reporter.http.connection import Answer, Asked, Connection, Stopped
from headway.reporter.http.endpoint import Endpoint

T = TypeVar("T")

HELD_S = 25.0
"""How long the server holds a request for what the job must hear: proxies cut those that are silent for a minute."""

READ_LIMIT = 500
"""Events in one answer."""

ARTIFACT_S = 10.0
"""For how long storing an artifact is tried again while the server is out of reach: the job waits for it."""

ENDED = ("completed", "failed", "cancelled")


class _Brief(msgspec.Struct):
    """What a reporter needs of a state."""

    fold: int
    status: str
    attempt: int
    started_at: str | None


class _RunAnswer(msgspec.Struct):
    state: msgspec.Raw
    cursor: str


class _Attempt(msgspec.Struct):
    attempt: int
    cursor: str


class _Head(msgspec.Struct):
    seq: int
    type: str
    priority: Priority = "medium"


class _Events(msgspec.Struct):
    events: list[msgspec.Raw]
    cursor: str
    ended: bool
    complete: bool = True


class _Appended(msgspec.Struct):
    cursor: str
    accepted: int
    next: int
    cancel_requested: bool
    first_seq: int | None = None


class _Heard(msgspec.Struct):
    cancel_requested: bool


class _Helpers(msgspec.Struct):
    helpers: tuple[str, ...]


class _Stored(msgspec.Struct):
    sha256: str
    size: int


class HttpSink:
    """See ``EventSink``. It has one connection of its own."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._connection = Connection(endpoint)

    def _get(self, path: str, type_: type[T], asked: Asked | None = None) -> T:
        question = (asked or Asked("GET", path))._replace(path=path)
        return _decoded(self._connection.ask(question), type_)

    def _post(self, path: str, body: object, type_: type[T]) -> T:
        encoded = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return _decoded(self._posted(path, encoded), type_)

    def _posted(self, path: str, body: bytes) -> Answer:
        return self._connection.ask(Asked("POST", path, body, {"Content-Type": "application/json"}))

    def create(self, run: NewRun) -> Created:
        """See ``EventSink.create``."""
        answer = self._posted("/runs", msgspec.json.encode(run))
        return _created(_decoded(answer, _RunAnswer), existed=answer.status == 200)

    def take_over(self, run_id: str, reporter: ReporterInfo, at: str, ttl_s: float) -> Created:
        """See ``EventSink.take_over``."""
        body = {"reporter": reporter, "ttl": ttl_s, "at": at}
        taken = self._post(f"{_run(run_id)}/attempts", body, _Attempt)
        where = _cursor(taken.cursor)
        return Created(epoch=where.epoch, cursor=where, attempt=taken.attempt, existed=True)

    def attach(self, run_id: str) -> Created:
        """See ``EventSink.attach``."""
        answer = self._get(_run(run_id), _RunAnswer)
        brief = _brief(answer)
        if brief.status in ENDED:
            raise RunEnded(f"run {run_id!r} has ended ({brief.status})")
        created = _created(answer, existed=True)
        if not created.attempt:  # its owner, who is about to come, would begin the first attempt and fence this one off
            raise NotFound(f"run {run_id!r} has no owner yet")
        return created

    def listen(self, run_id: str, after: Cursor | None, stop: Event) -> Page:
        """See ``EventSink.listen``: the server holds the request until there is something."""
        asked = Asked("GET", "", held_s=HELD_S, stop=stop)
        query = {"wait": f"{HELD_S:g}", **_after(after)}
        try:
            found = self._get(f"{_run(run_id)}/inbox?{urlencode(query)}", _Events, asked)
        except Stopped:
            return Page(records=(), cursor=after or Cursor("", 0, 0), complete=True, ended=False)
        return _page(run_id, found)

    def append(self, batch: Batch) -> Appended:
        """See ``EventSink.append``."""
        answer = self._post(f"{_run(batch.run_id)}/events", _encoded(batch), _Appended)
        return Appended(
            cursor=_cursor(answer.cursor),
            first_seq=answer.first_seq,
            accepted=answer.accepted,
            next=answer.next,
            cancel_requested=answer.cancel_requested,
        )

    def read(self, run_id: str, after: Cursor | None) -> Page:
        """See ``EventSink.read``."""
        query = {"limit": READ_LIMIT, **_after(after)}
        return _page(run_id, self._get(f"{_run(run_id)}/events?{urlencode(query)}", _Events))

    def snapshot(self, run_id: str, *, fold: int) -> Snapshot | None:
        """See ``EventSink.snapshot``: the state as the server has it now."""
        answer = self._get(_run(run_id), _RunAnswer)
        brief = _brief(answer)
        if brief.fold != fold:
            return None
        return Snapshot(fold=fold, cursor=_cursor(answer.cursor), body=bytes(answer.state))

    def put_snapshot(self, run_id: str, snapshot: Snapshot) -> bool:  # noqa: ARG002
        """See ``EventSink.put_snapshot``: the server does that."""
        return False

    def renew(self, lease: Lease) -> bool:
        """See ``EventSink.renew``."""
        body = {"reporter": lease.reporter, "owner": lease.owner, "ttl": lease.ttl_s, "attempt": lease.attempt}
        return self._post(f"{_run(lease.run_id)}/lease", body, _Heard).cancel_requested

    def helpers(self, run_id: str) -> tuple[str, ...]:
        """See ``EventSink.helpers``."""
        return self._get(f"{_run(run_id)}/helpers", _Helpers).helpers

    def release(self, run_id: str, reporter: str, *, attempt: int | None = None) -> None:
        """See ``EventSink.release``."""
        body = {"reporter": reporter, "release": True, "attempt": attempt}
        self._post(f"{_run(run_id)}/lease", body, _Heard)

    def put_artifact(self, run_id: str, name: str, content: BinaryIO | Path) -> StoredBlob:
        """See ``EventSink.put_artifact``; tried again for a while if the server is out of reach."""
        path = f"{_run(run_id)}/artifacts/{quote(name)}?event=false"
        if not isinstance(content, Path):
            return self._put_again(path, content)
        with content.open("rb") as file:
            return self._put_again(path, file)

    def _put_again(self, path: str, file: BinaryIO) -> StoredBlob:
        begin = file.tell() if file.seekable() else None
        until, backoff = time.monotonic() + ARTIFACT_S, Backoff()
        while True:
            try:
                return self._put(path, _Measured(file))
            except HeadwayError as error:
                wait_s = backoff.next_delay()
                if begin is None or not error.retryable or time.monotonic() + wait_s > until:
                    raise
            time.sleep(wait_s)
            file.seek(begin)

    def _put(self, path: str, content: _Measured) -> StoredBlob:
        # Its length is found out while it is sent, so it goes in chunks; what arrived is compared afterwards.
        asked = Asked("PUT", path, content, {"Content-Type": "application/octet-stream"}, held_s=ARTIFACT_S)
        stored = _decoded(self._connection.ask(asked), _Stored)
        if (stored.sha256, stored.size) != (content.digest.hexdigest(), content.size):
            raise StoreUnavailable("the server stored something else than what was sent to it")
        return StoredBlob(stored.sha256, stored.size)

    def close(self) -> None:
        """See ``EventSink.close``."""
        self._connection.close()


class _Measured(io.RawIOBase):
    """A file that is measured while it is read."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self.digest = hashlib.sha256()
        self.size = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self.digest.update(chunk)
        self.size += len(chunk)
        return chunk


def _run(run_id: str) -> str:
    return f"/runs/{quote(run_id, safe=':')}"


def _after(after: Cursor | None) -> dict[str, object]:
    return {} if after is None else {"after": str(after)}


def _decoded(answer: Answer, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.body, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # A page to log in at, or a server of another version: reports wait, and are not thrown away.
        raise StoreUnavailable(f"the answer is not from a Headway server that this one understands: {error}") from error


def _cursor(text: str) -> Cursor:
    found = cursor.parse(text)
    if found is None:
        raise StoreUnavailable("the answer has no cursor, as those of Headway servers do")
    return found


def _brief(answer: _RunAnswer) -> _Brief:
    return _decoded(Answer(200, bytes(answer.state)), _Brief)


def _created(answer: _RunAnswer, *, existed: bool) -> Created:
    brief, where = _brief(answer), _cursor(answer.cursor)
    attempt = brief.attempt if brief.started_at is not None else 0
    return Created(epoch=where.epoch, cursor=where, attempt=attempt, existed=existed)


def _page(run_id: str, found: _Events) -> Page:
    records = tuple(_record(run_id, body) for body in found.events)
    return Page(records=records, cursor=_cursor(found.cursor), complete=found.complete, ended=found.ended)


def _record(run_id: str, body: msgspec.Raw) -> Record:
    """An event; which append wrote it is not said, but for the cursor behind all of them."""
    head = _decoded(Answer(200, bytes(body)), _Head)
    return Record(run_id, head.seq, 0, head.type, head.priority, bytes(body))


def _encoded(batch: Batch) -> bytes:
    """The batch as JSON. Raises EventTooLarge and InvalidEvent."""
    about = {
        "reporter": batch.reporter,
        "first": batch.first,
        "attempt": batch.attempt,
        "epoch": batch.epoch,
        "lost": batch.lost,
        "digest": batch.digest,
    }
    events = b",".join([encode_tail(draft) for draft in batch.events])
    return b'%b,"events":[%b]}' % (msgspec.json.encode(about)[:-1], events)


ready(_Brief, _RunAnswer, _Attempt, _Head, _Events, _Appended, _Heard, _Helpers, _Stored)
