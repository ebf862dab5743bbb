"""The server's plain requests: reading runs, cancelling, answering."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Literal, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from headway.errors import HeadwayError, RemoteProtocolError, StoreUnavailable
from headway.progress.state import ShortState
from headway.protocol.events import Json
from headway.protocol.problems import error_of
from headway.protocol.ready import ready

T = TypeVar("T")

Durability = Literal["full", "none"]

TIMEOUT_S = 10.0
"""For connecting, and for an answer that the server does not hold back on purpose."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A run as it is now: the JSON of its ``State`` and its ``View``, and the cursor."""

    state: msgspec.Raw
    view: msgspec.Raw
    cursor: str


class EventsPage(msgspec.Struct, frozen=True, kw_only=True):
    """Events past a cursor, each as it is stored.

    ``complete``: there was nothing more yet; ``ended``: there never will be.
    """

    events: tuple[msgspec.Raw, ...]
    cursor: str
    ended: bool
    complete: bool = True


class RunsPage(msgspec.Struct, frozen=True, kw_only=True):
    """Runs, newest first, and the name of the next page, or None."""

    runs: tuple[ShortState, ...]
    next: str | None = None


class LogPiece(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a log, or a piece of one; ``offset`` is in bytes of its stage's stream."""

    seq: int
    at: str
    text: str
    stage: str | None = None
    stream: str = "log"
    level: str | None = None
    offset: int = 0
    partial: bool = False


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did: the run's id there, how many events the lines have, and how many of them were new."""

    run_id: str
    events: int
    added: int
    ended: bool


class _Kinds(msgspec.Struct):
    kinds: tuple[str, ...]


class _Alive(msgspec.Struct):
    status: Literal["alive"]


class _Ready(msgspec.Struct):
    status: Literal["ready"]
    durability: Durability


class _Cancelling(msgspec.Struct):
    ended: bool = False


class LogPage(msgspec.Struct, frozen=True, kw_only=True):
    """The newest lines of a log; ``cut_bytes`` of the ``total_bytes`` that were logged are not kept any more."""

    lines: tuple[LogPiece, ...]
    total_bytes: int = 0
    cut_bytes: int = 0


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """A file that can be downloaded; ``size`` in bytes, ``sha256`` in hex."""

    name: str
    at: str
    media_type: str | None = None
    size: int | None = None
    sha256: str | None = None


class _Artifacts(msgspec.Struct):
    artifacts: tuple[Artifact, ...]


def refusal(answer: httpx.Response) -> HeadwayError:
    """The error that an answer tells of."""
    try:
        problem = msgspec.json.decode(answer.content)
    except msgspec.DecodeError:
        problem = None
    return error_of(answer.status_code, problem)


class Api:
    """Requests to one server. Errors are those of the protocol; StoreUnavailable when it is out of reach.

    Args:
        http: With the server's ``/api/v1/`` as its base.
    """

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def alive(self) -> None:
        """Raise StoreUnavailable or RemoteProtocolError unless a Headway server answers."""
        _decoded(await self._ask("GET", self._beside("healthz")), _Alive)

    async def ready(self) -> Durability:
        """How durable the server's store is. Raises StoreUnavailable, with the reason, while it cannot be used."""
        return _decoded(await self._ask("GET", self._beside("readyz")), _Ready).durability

    def _beside(self, name: str) -> str:
        """What is not under ``/api/v1``."""
        return str(self._http.base_url.join(f"../../{name}"))

    async def runs(self, filters: Mapping[str, str | None], *, limit: int = 50, page: str | None = None) -> RunsPage:
        """Runs that fit, newest first; ``filters`` are those of ``GET /runs``."""
        query = {**filters, "limit": str(limit), "page": page}
        return _decoded(await self._ask("GET", "runs", query), RunsPage)

    async def show(self, run_id: str) -> Shown:
        """A run as it is now. Raises NotFound."""
        return _decoded(await self._ask("GET", f"runs/{run_id}"), Shown)

    async def state_at(self, run_id: str, seq: int) -> Shown:
        """A run as it was after an event. Raises NotFound."""
        return _decoded(await self._ask("GET", f"runs/{run_id}/state", {"at": str(seq)}), Shown)

    async def kinds(self) -> tuple[str, ...]:
        """All kinds of runs."""
        return _decoded(await self._ask("GET", "kinds"), _Kinds).kinds

    async def events(
        self,
        run_id: str,
        after: str,
        *,
        limit: int = 500,
        wait_s: float = 0,
        types: tuple[str, ...] | None = None,
    ) -> EventsPage:
        """Events past a cursor; with ``wait_s``, once there are some. Raises NotFound and Gap."""
        query = {
            "after": after,
            "limit": str(limit),
            "wait": f"{wait_s:g}" if wait_s else None,
            "types": None if types is None else ",".join(types),
        }
        answer = await self._ask("GET", f"runs/{run_id}/events", query, wait_s=wait_s)
        return _decoded(answer, EventsPage)

    async def log(
        self, run_id: str, *, tail: int | None = None, stage: str | None = None, stream: str | None = None
    ) -> LogPage:
        """Lines of a run's log; ``tail``: so many of the newest."""
        query = {"tail": None if tail is None else str(tail), "stage": stage, "stream": stream}
        return _decoded(await self._ask("GET", f"runs/{run_id}/log", query), LogPage)

    async def cancel(self, run_id: str, reason: str | None = None) -> bool:
        """Ask for a run's cancellation; true if it ended at once, since nobody worked on it.

        Raises:
            NotFound, RunEnded
        """
        answer = await self._ask("POST", f"runs/{run_id}/cancel", body={} if reason is None else {"reason": reason})
        return _decoded(answer, _Cancelling).ended

    async def answer(self, run_id: str, input_id: str, value: Json) -> None:
        """Answer a question. Raises NotFound, RunEnded and Answered."""
        await self._ask("POST", f"runs/{run_id}/inputs/{quote(input_id, safe='')}", body={"value": value})

    async def delete(self, run_id: str) -> None:
        """Remove a run that has ended. Raises NotFound and RunActive."""
        await self._ask("DELETE", f"runs/{run_id}")

    async def import_run(self, lines: AsyncIterator[bytes], *, run_id: str | None = None) -> Imported:
        """Make a run of exported lines, in chunks of any size. Raises InvalidInput and RunTaken."""
        query = {} if run_id is None else {"run_id": run_id}
        with _reached(self._http.base_url):
            answer = await self._http.post(
                "runs/import",
                params=query,
                content=lines,
                headers={"Content-Type": "application/x-ndjson"},
                timeout=httpx.Timeout(TIMEOUT_S, read=None),  # a large log takes its time to be stored
            )
            return _decoded(await _checked(answer), Imported)

    @asynccontextmanager
    async def export(self, run_id: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """A run's log as JSON Lines, in chunks of any size. Raises NotFound."""
        with _reached(self._http.base_url):
            async with self._http.stream("GET", f"runs/{run_id}/export") as answer:
                await _checked(answer)
                yield answer.aiter_bytes()

    async def artifacts(self, run_id: str) -> tuple[Artifact, ...]:
        """The run's artifacts."""
        return _decoded(await self._ask("GET", f"runs/{run_id}/artifacts"), _Artifacts).artifacts

    @asynccontextmanager
    async def artifact(self, run_id: str, name: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """An artifact's content, in chunks. Raises NotFound."""
        with _reached(self._http.base_url):
            async with self._http.stream("GET", f"runs/{run_id}/artifacts/{quote(name)}") as answer:
                await _checked(answer)
                yield answer.aiter_bytes()

    async def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | None] | None = None,
        *,
        body: Json = None,
        wait_s: float = 0,
    ) -> httpx.Response:
        given = {name: value for name, value in (query or {}).items() if value is not None}
        content = None if method == "GET" else msgspec.json.encode(body)
        headers = {"Accept": "application/json"} | ({} if content is None else {"Content-Type": "application/json"})
        with _reached(self._http.base_url):
            answer = await self._http.request(
                method,
                path,
                params=given,
                content=content,
                headers=headers,
                timeout=httpx.Timeout(TIMEOUT_S, read=TIMEOUT_S + wait_s),
            )
            return await _checked(answer)


async def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_success:
        return answer
    await answer.aread()
    raise refusal(answer)


class _reached:  # noqa: N801 -- used like a function
    """Turns what httpx raises into our errors, which name the server as it was typed."""

    def __init__(self, base: httpx.URL) -> None:
        self._url = str(base).removesuffix("/").removesuffix("/api/v1")

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, httpx.HTTPError):
            raise StoreUnavailable(self._trouble(error)) from error

    def _trouble(self, error: httpx.HTTPError) -> str:
        said = str(error) or type(error).__name__
        if isinstance(error, (httpx.ReadTimeout, httpx.WriteTimeout)):
            return f"{self._url} is there, and does not answer ({said}): does it have too much to do, or no store?"
        return f"{self._url} is out of reach ({said}): is this its address, and does  headway serve  run there?"


def _decoded(answer: httpx.Response, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.content, type=type_)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise RemoteProtocolError(f"the answer to {answer.url} is not what the protocol says: {error}") from error


ready(
    Shown, EventsPage, RunsPage, LogPiece, Imported, _Kinds, _Alive, _Ready, _Cancelling, LogPage, Artifact, _Artifacts
)
