"""A server as a program without an event loop sees it: the asynchronous client, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from typing import Any, BinaryIO, Self, TypeVar

from headway.client.api import Artifact, Durability, EventsPage, Imported, LogPage, RunsPage, Shown
from headway.client.client import Client
from headway.client.ladder import TRANSPORTS, TransportName
from headway.client.watching import Connection, Watching
from headway.protocol.events import Json
from headway.protocol.frames import AnyFrame, Mode, Rate

T = TypeVar("T")

CHUNK_BYTES = 256 * 1024
"""What is read of a file at once."""


class BlockingClient:
    """A server, for programs without an event loop. Close it with ``close``, or use ``with``; any thread may use it.

    All methods do what those of ``Client`` do, and raise the same.

    Args:
        url: Where the server is.
        token: What it asks for, if anything.
        transports: Those that may be used for watching, the best first.
    """

    def __init__(self, url: str, *, token: str | None = None, transports: Sequence[TransportName] = TRANSPORTS) -> None:
        self._client = Client(url, token=token, transports=transports)
        self.url = self._client.url
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="headway-client", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections, and end the thread; a second time does nothing."""
        if self._loop.is_closed():
            return
        self._wait(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        """Let go of everything, also of watchings that nobody closed."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._client.aclose()
        await self._loop.shutdown_asyncgens()

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # who waited was interrupted
            raise

    def alive(self) -> None:
        """See ``Client``."""
        self._wait(self._client.alive())

    def ready(self) -> Durability:
        """See ``Client``."""
        return self._wait(self._client.ready())

    def runs(self, filters: Mapping[str, str | None], *, limit: int = 50, page: str | None = None) -> RunsPage:
        """See ``Client``."""
        return self._wait(self._client.runs(filters, limit=limit, page=page))

    def show(self, run_id: str) -> Shown:
        """See ``Client``."""
        return self._wait(self._client.show(run_id))

    def state_at(self, run_id: str, seq: int) -> Shown:
        """See ``Client``."""
        return self._wait(self._client.state_at(run_id, seq))

    def kinds(self) -> tuple[str, ...]:
        """See ``Client``."""
        return self._wait(self._client.kinds())

    def events(
        self, run_id: str, after: str, *, limit: int = 500, wait_s: float = 0, types: tuple[str, ...] | None = None
    ) -> EventsPage:
        """See ``Client``."""
        return self._wait(self._client.events(run_id, after, limit=limit, wait_s=wait_s, types=types))

    def log(
        self, run_id: str, *, tail: int | None = None, stage: str | None = None, stream: str | None = None
    ) -> LogPage:
        """See ``Client``."""
        return self._wait(self._client.log(run_id, tail=tail, stage=stage, stream=stream))

    def cancel(self, run_id: str, reason: str | None = None) -> bool:
        """See ``Client``."""
        return self._wait(self._client.cancel(run_id, reason))

    def answer(self, run_id: str, input_id: str, value: Json) -> None:
        """See ``Client``."""
        self._wait(self._client.answer(run_id, input_id, value))

    def delete(self, run_id: str) -> None:
        """See ``Client``."""
        self._wait(self._client.delete(run_id))

    def artifacts(self, run_id: str) -> tuple[Artifact, ...]:
        """See ``Client``."""
        return self._wait(self._client.artifacts(run_id))

    def download(self, run_id: str, name: str, file: BinaryIO) -> None:
        """Write an artifact's content to a file."""

        async def download() -> None:
            async with self._client.artifact(run_id, name) as chunks:
                async for chunk in chunks:
                    file.write(chunk)

        self._wait(download())

    def export(self, run_id: str, file: BinaryIO) -> None:
        """Write a run's log to a file, as JSON Lines."""

        async def export() -> None:
            async with self._client.export(run_id) as chunks:
                async for chunk in chunks:
                    file.write(chunk)

        self._wait(export())

    def import_run(self, file: BinaryIO, *, run_id: str | None = None) -> Imported:
        """Make a run of exported lines."""

        async def chunks() -> AsyncIterator[bytes]:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

        return self._wait(self._client.import_run(chunks(), run_id=run_id))

    def watch(
        self,
        run_id: str,
        *,
        after: str | None = None,
        mode: Mode = "paced",
        rate: Rate = 5,
        types: Sequence[str] | None = None,
    ) -> BlockingWatching:
        """See ``Client``."""
        return BlockingWatching(self._loop, self._client.watch(run_id, after=after, mode=mode, rate=rate, types=types))


class BlockingWatching:
    """The frames of one run, for a ``for`` loop. For one thread, but for ``connection`` and ``close``."""

    def __init__(self, loop: asyncio.AbstractEventLoop, watching: Watching) -> None:
        self._loop = loop
        self._watching = watching
        self._frames = aiter(watching)
        self._next: Future[AnyFrame | None] | None = None
        self._taking: asyncio.Task[object] | None = None

    @property
    def connection(self) -> Connection:
        """How it is connected now."""
        return self._watching.connection

    @property
    def trouble(self) -> str | None:
        """What ended the last connection, in words."""
        return self._watching.trouble

    def __iter__(self) -> Iterator[AnyFrame]:
        while True:
            frame = self.next(None)
            if frame is None:
                return
            yield frame

    def next(self, timeout_s: float | None) -> AnyFrame | None:
        """The next frame; None when there will be none.

        Args:
            timeout_s: How long to wait for it; None for as long as it takes.

        Raises:
            TimeoutError: There is none yet; ask again, nothing is lost.
        """
        if self._next is None:
            self._next = asyncio.run_coroutine_threadsafe(self._take(), self._loop)
        wait([self._next], timeout_s)
        if not self._next.done():
            raise TimeoutError
        taken, self._next = self._next, None
        return taken.result()

    async def _take(self) -> AnyFrame | None:
        self._taking = asyncio.current_task()
        return await anext(self._frames, None)

    def close(self) -> None:
        """End the connection."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()

    async def _end(self) -> None:
        if self._taking is not None:  # a generator that runs cannot be closed
            self._taking.cancel()
            await asyncio.wait([self._taking])
        await self._watching.aclose()
