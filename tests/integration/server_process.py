"""A server in a process of its own, which a test kills and starts again on the same port."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGTERM, Signals

SERVER = """
import sys
from headway.server import serve
serve(f"sqlite:///{sys.argv[1]}", port=int(sys.argv[2]))
"""


class ServerProcess:
    """A server on a file.

    Attributes:
        port: Where it listens, each time.
        url: The same, as reporters and watchers name it.
        up: Set while it answers.
    """

    def __init__(self, path: Path, program: str = SERVER) -> None:
        self._path = path
        self._program = program
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.up = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-c", self._program, str(self._path), str(self.port)]
        self._process = subprocess.Popen(command)
        while True:
            assert self._process.poll() is None, "the server did not start"
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                threading.Event().wait(0.02)
            else:
                self.up.set()
                return

    def signal(self, number: Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """``kill -9``."""
        self.end(SIGKILL)

    def end(self, number: Signals = SIGTERM) -> int:
        """End it; its exit code."""
        if self._process is None:
            return 0
        self.up.clear()
        self._process.send_signal(SIGCONT)
        self._process.send_signal(number)
        code = self._process.wait(30)
        self._process = None
        return code


@contextmanager
def server_process(path: Path, *, started: bool = True, program: str = SERVER) -> Iterator[ServerProcess]:
    """A server, killed when the block ends."""
    server = ServerProcess(path, program)
    if started:
        server.start()
    try:
        yield server
    finally:
        server.kill()
