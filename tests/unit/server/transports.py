"""A transport that takes everything, or nothing, as a test says."""

from __future__ import annotations

import asyncio
from typing import Any


class FakeTransport(asyncio.Transport):
    """What was written is kept.

    Attributes:
        written: All of it.
        waiting: How many bytes it says wait in it.
        state: ``open``, ``ended`` (``write_eof``), ``closing`` or ``aborted``.
        protocol: Whom it would call.
        reading: It would call it with what comes.
    """

    def __init__(self, protocol: asyncio.BaseProtocol) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.protocol = protocol
        self.written = b""
        self.waiting = 0
        self.state = "open"
        self.reading = True

    def write(self, data: Any) -> None:
        assert self.state == "open", f"something was written although it is {self.state}"
        self.written += bytes(data)

    def write_eof(self) -> None:
        self.state = "ended"

    def can_write_eof(self) -> bool:
        return True

    def close(self) -> None:
        if self.state != "aborted":
            self.state = "closing"

    def abort(self) -> None:
        self.state = "aborted"

    def is_closing(self) -> bool:
        return self.state in ("closing", "aborted")

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """There are none."""

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self.protocol

    def taken(self) -> bytes:
        """What was written since the last call."""
        taken, self.written = self.written, b""
        return taken
