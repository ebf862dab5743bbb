"""A watcher as a client is one: it takes frames, checks that they follow each other, and remembers what it got."""

from __future__ import annotations

import msgspec

from headway.hub.connection import Connection
from headway.progress.backlog import FRAME_BYTES
from headway.protocol.cursor import parse
from headway.protocol.events import JsonObject
from headway.protocol.frames import CloseCode
from headway.testing import FakeClock


class Audience:
    """A sink for frames in JSON; full when it has taken ``full_at`` bytes that nobody drained."""

    connection: Connection

    def __init__(self, clock: FakeClock, full_at: int | None = None) -> None:
        self.clock = clock
        self.full_at = full_at
        self.waiting = 0
        self.frames: list[JsonObject] = []
        self.times: list[float] = []
        self.raw: list[bytes] = []
        self.beats = 0
        self.closed: tuple[CloseCode, str] | None = None
        self.settled: dict[str, int | None] = {}
        self.cursors: dict[str, str] = {}
        self.ended: set[str] = set()
        self.broken = False

    # As a sink

    def write(self, data: bytes) -> None:
        assert self.closed is None, "something was written to a closed connection"
        if self.broken:
            raise OSError("the socket is gone")
        self.raw.append(data)
        frame = msgspec.json.decode(data)
        self.frames.append(frame)
        self.times.append(self.clock.elapsed())
        self._check(frame, len(data))
        self.waiting += len(data)
        if self.full_at is not None and self.waiting > self.full_at:
            self.connection.pause()

    def beat(self) -> None:
        self.beats += 1

    def close(self, code: CloseCode, reason: str) -> None:
        self.closed = (code, reason)

    def drain(self) -> None:
        """The other side has read everything."""
        self.waiting = 0
        self.connection.resume()

    # As a client

    def _check(self, frame: JsonObject, size: int) -> None:
        run_id = str(frame.get("run_id"))
        if frame["type"] in ("events", "snapshot", "end"):
            assert run_id not in self.ended, f"{frame['type']} after the end of {run_id}"
        if frame["type"] == "snapshot":
            self._place(run_id, frame["cursor"])
        elif frame["type"] == "events":
            assert size <= FRAME_BYTES
            settled = self.settled.get(run_id)
            assert settled is None or frame["from"] == settled + 1, (settled, frame["from"])
            assert frame["from"] <= frame["to"]
            seqs = [event["seq"] for event in frame["events"]]
            assert seqs == sorted(set(seqs))
            assert all(frame["from"] <= seq <= frame["to"] for seq in seqs)
            self._place(run_id, frame["cursor"])
            assert self.settled[run_id] == frame["to"]
        elif frame["type"] == "end":
            self.ended.add(run_id)

    def _place(self, run_id: str, cursor: str) -> None:
        parsed = parse(cursor)
        self.settled[run_id] = 0 if parsed is None else parsed.seq
        self.cursors[run_id] = cursor

    def types(self) -> list[str]:
        """The frames' types."""
        return [frame["type"] for frame in self.frames]

    def of(self, type_: str) -> list[JsonObject]:
        """The frames of a type."""
        return [frame for frame in self.frames if frame["type"] == type_]

    def events(self, run_id: str = "run") -> list[JsonObject]:
        """The events of a run that came, in order."""
        return [event for frame in self.of("events") if frame["run_id"] == run_id for event in frame["events"]]

    def seqs(self, run_id: str = "run") -> list[int]:
        """Their numbers."""
        return [event["seq"] for event in self.events(run_id)]

    def texts(self, run_id: str = "run") -> list[str]:
        """The texts of the notes among them."""
        return [event["data"]["text"] for event in self.events(run_id) if event["type"] == "note"]

    def conflated(self, run_id: str = "run") -> dict[str, int]:
        """What did not come, by type."""
        counts: dict[str, int] = {}
        for frame in self.of("events"):
            for type_, count in frame["conflated"].items() if frame["run_id"] == run_id else ():
                counts[type_] = counts.get(type_, 0) + count
        return counts

    def forget(self) -> None:
        """Look only at what comes from now on."""
        self.frames, self.times, self.raw = [], [], []
