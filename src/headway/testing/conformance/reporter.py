"""A reporter that appends over HTTP, and remembers what it has appended."""

from __future__ import annotations

import secrets
from typing import Self

import httpx
import msgspec

from headway.protocol.events import Event, JsonObject
from headway.testing.conformance.requests import AT, Broken, fresh_run


class _Page(msgspec.Struct):
    events: list[Event]
    cursor: str


class Reporter:
    """One reporter of one run.

    Args:
        http: The server's API.

    Attributes:
        run_id: The run.
        seq: The newest event of the log.
    """

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.run_id = fresh_run()
        self.seq = 0
        self._http = http
        self._id = f"reporter-{secrets.token_hex(8)}"
        self._next = 1
        self._log: list[Event] = []

    @property
    def appended(self) -> list[Event]:
        """The log as it was last read."""
        return self._log

    async def begin(self) -> Self:
        """Create the run and own it."""
        await self._post("runs", {"run_id": self.run_id, "kind": "conformance"})
        await self._post(f"runs/{self.run_id}/attempts", {"reporter": self._id})
        self.seq = 2
        return self

    async def append(self, type_: str, data: JsonObject, *, stage: str | None = None, times: int = 1) -> None:
        """Append the same event so many times, in one batch."""
        events = [{"at": AT, "type": type_, "stage": stage, "data": data}] * times
        body = {"reporter": self._id, "first": self._next, "events": events}
        answer = await self._post(f"runs/{self.run_id}/events", body)
        self._next += times
        self.seq += int(answer["accepted"])

    async def notes(self, count: int) -> None:
        """Append notes."""
        await self.append("note", {"text": "conformance"}, times=count)

    async def progress(self, stage: str, times: int) -> None:
        """Append progress of a stage."""
        await self.append("stage.progress", {"progress": 0.5}, stage=stage, times=times)

    async def complete(self) -> int:
        """End the run; the number of its last event."""
        await self.append("run.completed", {})
        await self._read()
        return self.seq

    async def cursor_at(self, seq: int) -> str:
        """The cursor behind an event."""
        answer = await self._http.get(f"runs/{self.run_id}/events", params={"after": "0", "limit": seq})
        return str(answer.json()["cursor"])

    async def _read(self) -> None:
        after = "0"
        while len(self._log) < self.seq:
            answer = await self._http.get(f"runs/{self.run_id}/events", params={"after": after})
            page = msgspec.json.decode(answer.content, type=_Page)
            if not page.events:
                raise Broken(f"the log has {len(self._log)} events, and {self.seq} were accepted")
            self._log += page.events
            after = page.cursor

    async def _post(self, path: str, body: JsonObject) -> JsonObject:
        answer = await self._http.post(path, json=body)
        if not answer.is_success:
            raise Broken(f"POST {path}: {answer.status_code} {answer.text[:200]}")
        decoded: JsonObject = answer.json()
        return decoded
