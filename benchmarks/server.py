"""A whole server with real sockets: a thousand watchers, ten thousand idle ones, a million events to one.

``python -m benchmarks.server [--quick]``. The server is ``headway serve`` in a process of its own, on one core; the job
and those who watch have the other ones. Watchers read with plain sockets, and look at each event's number as it comes:
what is counted as complete is 1, 2, 3 … to the last, each once. Processor time and memory are the server's, as the
kernel counts them.
"""

from __future__ import annotations

import os
import re
import resource
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.hub import AT, fill
from benchmarks.watch import resident, used_s
from headway.client.transports.polling import PAUSE_S
from headway.ports import Batch, NewRun
from headway.protocol import events as ev
from headway.server.trimming import LOOK_S
from headway.stores.sqlite import SqliteEventStore

WATCHERS = 999
RATE = 200
IDLE = 10_000
HELD_S = 30.0
"""Longer than the time between two heartbeats, so that each of the idle has been asked for a sign of life."""

API = "/api/v1"
PATIENCE_S = 60.0
GULP = 1 << 18

JOB = """
import itertools, sys, time
import headway

url, rate, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
with headway.run("benchmark", run_id="run", target=url) as run:
    run.flush()
    print("there", flush=True)
    sys.stdin.readline()
    began = time.monotonic()
    for number in range(round(rate * seconds)):
        run.emit("x.step", {"number": number, "message": f"Chunk {number} of many, which somebody works on"})
        time.sleep(max(0.0, began + (number + 1) / rate - time.monotonic()))
"""


class Server:
    """``headway serve`` on a file.

    Attributes:
        address: Where it listens.
        pid: Its process.
    """

    def __init__(self, path: Path, command: Sequence[str] = ()) -> None:
        command = command or [sys.executable, "-m", "headway", "serve", "--port", "0", "--url", f"sqlite:///{path}"]
        self._process = subprocess.Popen(command, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True)
        self.pid = self._process.pid
        on_cores(self.pid, cores()[:1])
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        found = re.search(r"http://([0-9.]+):(\d+)", said)
        if found is None:
            raise SystemExit(f"the server did not start: {said}")
        self.address = (found[1], int(found[2]))

    def used_s(self) -> float:
        return used_s(self.pid)

    def resident(self) -> int:
        return resident(self.pid)

    def end(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()


@contextmanager
def server(path: Path) -> Iterator[Server]:
    started = Server(path)
    try:
        yield started
    finally:
        started.end()


def cores() -> list[int]:
    return sorted(os.sched_getaffinity(0))


def on_cores(pid: int, wanted: Sequence[int]) -> None:
    if len(cores()) > 1:
        os.sched_setaffinity(pid, wanted)


def ask(target: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {API}{target} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


UPGRADE = ask(
    "/watch",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
)


def said(opcode: int, payload: bytes) -> bytes:
    """A client's WebSocket frame, masked with zeros, which change nothing."""
    assert len(payload) < 126
    return bytes([0x80 | opcode, 0x80 | len(payload), 0, 0, 0, 0]) + payload


PING = b"\x89\x00"
PONG = said(0xA, b"")


class Peer:
    """A socket that watches the run ``run`` or another one, and the numbers of the events that came over it.

    Attributes:
        next: The number that must come next.
        wrong: Numbers that came in another order.
        ended: Whether the end was said.
    """

    EVENT = re.compile(rb'\{"seq":(\d+),"at"')

    def __init__(self, address: tuple[str, int], source: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection(address, PATIENCE_S, (source, 0))
        self.next = 1
        self.wrong = 0
        self.bytes = 0
        self.ended = False
        self._rest = b""

    def read(self) -> bool:
        """Take what has come; false when the other side is gone."""
        data = self.socket.recv(GULP)
        self.bytes += len(data)
        self.take(data)
        return bool(data)

    def take(self, data: bytes) -> None:
        # Up to a brace that closes: no number is cut in two.
        whole, brace, self._rest = (self._rest + data).rpartition(b"}")
        found = list(map(int, self.EVENT.findall(whole + brace)))
        if found != list(range(self.next, self.next + len(found))):
            self.wrong += 1
        self.next += len(found)
        self.ended = self.ended or self.END in whole

    END = b'"type":"end"'


class WebSocketPeer(Peer):
    def __init__(
        self,
        address: tuple[str, int],
        run: str = "run",
        watch: str = '"after":"0","mode":"all"',
        source: str = "127.0.0.1",
    ) -> None:
        super().__init__(address, source)
        self.socket.sendall(UPGRADE)
        while b"\r\n\r\n" not in self._rest:  # nothing may be said before
            self._rest += self.socket.recv(GULP)
        self.socket.sendall(said(1, f'{{"type":"watch","run_id":"{run}",{watch}}}'.encode()))

    def take(self, data: bytes) -> None:
        if PING in data:
            self.socket.sendall(PONG)
        super().take(data)


class StreamPeer(Peer):
    def __init__(self, address: tuple[str, int], run: str = "run", source: str = "127.0.0.1") -> None:
        super().__init__(address, source)
        self.socket.sendall(ask(f"/runs/{run}/stream?mode=all&after=0"))


class PollingPeer(Peer):
    """Asks as Headway's own client does: held for 25 s, and half a second after an answer again."""

    END = b'"ended":true'
    ANSWER = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
    CURSOR = re.compile(rb'"cursor":"([^"]*)"')

    def __init__(self, address: tuple[str, int], run: str = "run", source: str = "127.0.0.1") -> None:
        super().__init__(address, source)
        self._run = run
        self._answer = b""
        self.due: float | None = None
        self.ask("0")

    def ask(self, cursor: str) -> None:
        self._cursor = cursor
        self.due = None
        self.socket.sendall(ask(f"/runs/{self._run}/events?after={cursor}&limit=500&wait=25"))

    def again(self) -> None:
        self.ask(self._cursor)

    def take(self, data: bytes) -> None:
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        length = self.ANSWER.search(head)
        if not found or (length and len(body) < int(length[1])):
            return
        self._answer = b""
        super().take(body + b"}")
        cursor = self.CURSOR.search(body, max(0, len(body) - 200))
        assert head.startswith(b"HTTP/1.1 200"), head + body
        assert cursor, body[-300:]
        self._cursor = cursor[1].decode()
        self.due = time.monotonic() + PAUSE_S


def many(address: tuple[str, int], rate: int, seconds: float, path: Path, host: Server) -> None:
    third = WATCHERS // 3
    command = [sys.executable, "-c", JOB, f"sqlite:///{path}", str(rate), str(seconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as job:
        assert job.stdout is not None
        job.stdout.readline()  # the run is there: who polls a run that is not is told so
        kinds: dict[str, list[Peer]] = {
            "WebSocket": [WebSocketPeer(address) for _ in range(third)],
            "SSE": [StreamPeer(address) for _ in range(third)],
            "polling": [PollingPeer(address) for _ in range(third)],
        }
        assert job.stdin is not None
        before, began = host.used_s(), time.monotonic()
        job.stdin.write(b"\n")
        job.stdin.close()
        follow([peer for peers in kinds.values() for peer in peers], job)
        took, used = time.monotonic() - began, host.used_s() - before
    with_store = SqliteEventStore(path)
    last = with_store.header("run").cursor.seq
    with_store.close()
    print(f"  {last:,} events in {seconds:.0f} s; all was there {took - seconds:.2f} s after the last report was due")
    for name, peers in kinds.items():
        whole = sum(peer.next == last + 1 and not peer.wrong and peer.ended for peer in peers)
        volume = sum(peer.bytes for peer in peers) / 1e6
        print(f"  {name:10} {whole} of {len(peers)} got every event once and in order, {volume:,.0f} MB")
    print(f"  the server used {used / took:.0%} of its core, {host.resident() / 1e6:.0f} MB of memory")
    close(peer for peers in kinds.values() for peer in peers)


def follow(peers: list[Peer], job: subprocess.Popen[bytes]) -> None:
    """Read until each has been told of the end."""
    watched = {peer for peer in peers if not peer.ended}
    polling = [peer for peer in peers if isinstance(peer, PollingPeer)]
    ended_at = None
    with selectors.DefaultSelector() as selector:
        for peer in peers:
            selector.register(peer.socket, selectors.EVENT_READ, peer)
        while watched and (ended_at is None or time.monotonic() - ended_at < PATIENCE_S):
            for key, _ in selector.select(0.05):
                peer = key.data
                if not peer.read():
                    selector.unregister(peer.socket)
                    watched.discard(peer)
                if peer.ended:
                    watched.discard(peer)
            now = time.monotonic()
            for peer in polling:
                if peer.due is not None and peer.due <= now and not peer.ended:
                    peer.again()
            if ended_at is None and job.poll() is not None:
                ended_at = now


def close(peers: Iterator[Peer]) -> None:
    for peer in peers:
        peer.socket.close()


def idle(path: Path, host: Server, count: int, held_s: float) -> None:
    """Watchers of a run that goes on and says nothing: they are told every two seconds, and asked for signs of life."""
    store = SqliteEventStore(path)
    store.create(NewRun(run_id="quiet", kind="benchmark", at=AT))
    peers = [WebSocketPeer(host.address, "quiet", '"mode":"paced"') for _ in range(100)]
    pass_time(peers, 2.0)
    before, those = host.resident(), connections(host)
    peers += [WebSocketPeer(host.address, "quiet", '"mode":"paced"') for _ in range(count)]
    pass_time(peers, 1.0)
    used, began = host.used_s(), time.monotonic()
    pass_time(peers, held_s)
    took = time.monotonic() - began
    share = (host.used_s() - used) / took
    print(f"  {(host.resident() - before) / count:,.0f} bytes of the server's memory each (wanted: at most 12,288)")
    print(f"  they took {share:.0%} of a core; {sum(peer.bytes > 0 for peer in peers) - 100:,} of {count:,} are there")
    close(iter(peers))
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and connections(host) > those - 100:
        time.sleep(0.1)
    time.sleep(LOOK_S)
    left = connections(host) - those + 100
    print(f"  when they have left: {left} connections, {(host.resident() - before) / 1e6:+.1f} MB")
    store.close()


def connections(host: Server) -> int:
    """How many sockets the server's process has."""
    links = []
    for link in Path(f"/proc/{host.pid}/fd").iterdir():
        try:
            links.append(str(link.readlink()))
        except OSError:  # closed in the meantime
            continue
    return sum(link.startswith("socket:") for link in links)


def pass_time(peers: Sequence[Peer], seconds: float) -> None:
    """Read what comes, for a while."""
    until = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for peer in peers:
            selector.register(peer.socket, selectors.EVENT_READ, peer)
        while (left := until - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                if not key.data.read():
                    selector.unregister(key.data.socket)


def replay(path: Path, host: Server, count: int) -> None:
    store = SqliteEventStore(path)
    fill(store, "long", count)
    done = Batch(run_id="long", reporter="job", first=count, events=(ev.draft(ev.RunCompleted(), at=AT),))
    store.append(done)
    store.close()
    kinds: tuple[tuple[str, type[WebSocketPeer | StreamPeer]], ...]
    kinds = (("WebSocket", WebSocketPeer), ("SSE", StreamPeer))
    for name, kind in kinds:
        memory, used, began = host.resident(), host.used_s(), time.monotonic()
        peer = kind(host.address, "long")
        highest = memory
        while not peer.ended and peer.read():
            highest = max(highest, host.resident())
        took = time.monotonic() - began
        print(
            f"  {name:10} {(peer.next - 1) / took:9,.0f} events/s (wanted: 150,000), {peer.next - 1:,} events, "
            f"{peer.wrong} out of order, {(host.used_s() - used) / took:.0%} of its core, "
            f"memory at most {(highest - memory) / 1e6:+.1f} MB"
        )
        peer.socket.close()


def main() -> None:
    quick = "--quick" in sys.argv
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    seconds, idlers, held_s, events = (5.0, 1_000, 2.0, 100_000) if quick else (60.0, IDLE, HELD_S, 1_000_000)
    with tempfile.TemporaryDirectory(prefix="headway-bench-") as folder:
        path = Path(folder) / "bench.db"
        with server(path) as host:
            on_cores(0, cores()[1:])
            print(f"{WATCHERS} watchers of one run, {RATE} events a second, a third on each transport")
            many(host.address, RATE, seconds, path, host)
        with server(path) as host:
            print(f"{idlers:,} idle WebSockets")
            idle(path, host, idlers, held_s)
        with server(path) as host:
            print(f"replay of {events:,} events to one watcher")
            replay(path, host, events)


if __name__ == "__main__":
    main()
