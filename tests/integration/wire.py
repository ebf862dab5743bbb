"""A wire between a client and a server that can be cut, held still, or broken at any byte."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Wire:
    """Forwards TCP connections to a port of this machine.

    Attributes:
        port: Where it listens.
        connections: How many came through it so far.
        passing: While it is not set, no byte moves in either direction, and nobody is told.
        breaks: When it is set, each connection breaks off after a random number of bytes below this.
    """

    def __init__(self, target: int, seed: int = 0) -> None:
        self.target = target
        self.connections = 0
        self.passing = threading.Event()
        self.passing.set()
        self.breaks: int | None = None
        self._random = random.Random(seed)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._join, args=(client,), daemon=True).start()

    def _join(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            client.close()
            return
        pair = (client, server)
        with self._lock:
            self._open.update(pair)
        # As many break off after some bytes as after some thousand.
        budget = [float("inf") if self.breaks is None else self.breaks ** self._random.random()]
        for source, sink in (pair, pair[::-1]):
            threading.Thread(target=self._forward, args=(source, sink, budget), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket, budget: list[float]) -> None:
        with suppress(OSError):
            while data := source.recv(4096):
                self.passing.wait()
                allowed = int(min(len(data), budget[0]))
                sink.sendall(data[:allowed])
                budget[0] -= allowed
                if allowed < len(data):
                    break
        self._drop(source, sink)

    def _drop(self, *sockets: socket.socket) -> None:
        for each in sockets:
            with self._lock:
                self._open.discard(each)
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def cut(self) -> None:
        """Break off all connections there are."""
        with self._lock:
            now = list(self._open)
        self._drop(*now)

    def close(self) -> None:
        """Break off everything, and take nothing more."""
        self._listener.shutdown(socket.SHUT_RDWR)  # or else who accepts would wait for ever
        self._listener.close()
        self.passing.set()
        self.cut()


@contextmanager
def wire(target: int, seed: int = 0) -> Iterator[Wire]:
    """A wire to a port, closed when the block ends."""
    made = Wire(target, seed)
    try:
        yield made
    finally:
        made.close()
