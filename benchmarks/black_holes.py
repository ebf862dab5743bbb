"""A thousand watchers whose machine is gone: no packet reaches them any more, and none comes from them.

``python -m benchmarks.black_holes [PEERS [HEARTBEAT_S PONG_S SILENT_S]]``, as root. The server and the peers have a
network of their own, made with ``unshare``; the peers' address in it becomes a black hole, while a job goes on. Printed
is when the server has let go of the last of them, and what of its memory is back.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.server import PollingPeer, Server, StreamPeer, WebSocketPeer, connections
from headway.ports import Batch, NewRun
from headway.protocol import events as ev
from headway.protocol import times
from headway.server import trimming
from headway.server.serving import SILENT_PEER_S
from headway.stores.sqlite import SqliteEventStore

PEERS = 1_000
TIMES_S = (25, 10, SILENT_PEER_S)
"""The server's own settings: between heartbeats, for a Pong, and for the system to say that nothing is confirmed."""

Peers = list[WebSocketPeer | StreamPeer | PollingPeer]

ADDRESS = "127.0.0.2"
PATIENCE_S = 120.0
INSIDE = "HEADWAY_BENCHMARK_NETWORK"

SERVE = """
import sys
from headway.hub.settings import HubSettings
from headway.server import Settings, serve, serving

path, heartbeat_s, pong_s, silent_s = sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
serving.SILENT_PEER_S = silent_s
settings = Settings(pong_s=pong_s, hub=HubSettings(heartbeat_s=heartbeat_s))
serve(f"sqlite:///{path}", port=0, settings=settings, ready=lambda url: print(url, flush=True))
"""


def main() -> None:
    if os.environ.get(INSIDE) is None:
        command = ["unshare", "--net", sys.executable, "-m", "benchmarks.black_holes", *sys.argv[1:]]
        raise SystemExit(subprocess.run(command, env=os.environ | {INSIDE: "1"}, check=False).returncode)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    count = int(sys.argv[1]) if len(sys.argv) > 1 else PEERS
    given = tuple(sys.argv[2:5]) or tuple(map(str, TIMES_S))
    with tempfile.TemporaryDirectory(prefix="headway-bench-") as folder:
        path = Path(folder) / "bench.db"
        host = Server(path, [sys.executable, "-c", SERVE, str(path), *given])
        try:
            measure(path, host, count)
        finally:
            host.end()


def measure(path: Path, host: Server, count: int) -> None:
    store = SqliteEventStore(path)
    store.create(NewRun(run_id="run", kind="benchmark", at=times.to_text(time.time())))
    witness = Witness(host.address)
    before = connections(host)
    leave(watching(host, count))  # what their number alone makes the server take, it may keep
    until_gone(host, before)
    memory = host.resident()
    with reporting(store):
        peers = watching(host, count)
        print(f"{connections(host) - before:,} peers, {(host.resident() - memory) / count:,.0f} bytes each")
        subprocess.run(["ip", "route", "add", "blackhole", f"{ADDRESS}/32", "table", "local"], check=True)
        began = time.monotonic()
        until_gone(host, before)
        took = time.monotonic() - began
    print(f"{connections(host) - before} of them left {took:.1f} s after their machine was gone (wanted: 0 within 60)")
    at_once = host.resident() - memory
    time.sleep(trimming.LOOK_S)
    later = host.resident() - memory
    print(f"memory {at_once / 1e6:+.1f} MB, and {later / 1e6:+.1f} MB after {trimming.LOOK_S:.0f} s")
    store.append(Batch(run_id="run", reporter="end", first=1, events=(ev.draft(ev.RunCompleted(), at=now()),)))
    print(f"somebody who was there all the time got every event once and in order: {witness.saw_everything(store)}")
    leave(peers)
    store.close()


def now() -> str:
    return times.to_text(time.time())


def watching(host: Server, count: int) -> Peers:
    """Peers at the address that will be gone, by all transports, each of which has been told something."""
    kinds: tuple[type[WebSocketPeer | StreamPeer | PollingPeer], ...]
    kinds = (WebSocketPeer, StreamPeer, PollingPeer)
    peers: Peers = [kinds[number % 3](host.address, source=ADDRESS) for number in range(count)]
    for peer in peers:
        while peer.next == 1:
            peer.read()
    for poller in peers[5::6]:
        assert isinstance(poller, PollingPeer)
        poller.again()  # half of them hold a question, the others pause between two
    return peers


def leave(peers: Peers) -> None:
    for peer in peers:
        peer.socket.close()


def until_gone(host: Server, before: int) -> None:
    until = time.monotonic() + PATIENCE_S
    while connections(host) > before and time.monotonic() < until:
        time.sleep(0.1)


@contextmanager
def reporting(store: SqliteEventStore) -> Iterator[None]:
    """Twenty events a second, so that there is something that nobody confirms."""
    over = threading.Event()

    def report() -> None:
        for number in itertools.count(1):
            draft = ev.draft(ev.Note(text=f"{number} " + "x" * 200), at=now())
            store.append(Batch(run_id="run", reporter="job", first=number, events=(draft,)))
            if over.wait(0.05):
                return

    thread = threading.Thread(target=report)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class Witness:
    """A watcher whose machine stays."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._peer = WebSocketPeer(address)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        while not self._peer.ended and self._peer.read():
            pass

    def saw_everything(self, store: SqliteEventStore) -> bool:
        self._thread.join()
        return not self._peer.wrong and self._peer.next == store.header("run").cursor.seq + 1


if __name__ == "__main__":
    main()
