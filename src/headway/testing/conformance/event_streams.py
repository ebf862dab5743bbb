"""What is particular to Server-Sent Events: ids, coming back as a browser does, the end."""

from __future__ import annotations

from functools import partial

from headway.protocol.sse import END_SUFFIX, RETRY_MS
from headway.testing.conformance.reporter import Reporter
from headway.testing.conformance.streams import Checks, Server, wanted
from headway.testing.conformance.wires import Heard, numbers, read


async def last_event_id_wins(server: Server) -> None:
    """``Last-Event-ID`` wins over ``after``, which stays in the URL that a browser asks for again."""
    run = await server.reporter().begin()
    await run.notes(3)
    last = await run.complete()
    query = {"mode": "all", "after": "0"}
    told = await read(server, f"runs/{run.run_id}/stream", await run.cursor_at(4), query=query)
    came = numbers([each.frame for each in told], run.run_id)
    wanted(came == list(range(5, last + 1)), f"after 4 came {came}")


async def when_to_come_back(server: Server) -> None:
    """A stream says with ``retry`` when to come back, before its first frame."""
    run = await server.reporter().begin()
    (first,) = await read(server, f"runs/{run.run_id}/stream", count=1)
    wanted(first.retry_ms == RETRY_MS, f"retry is {first.retry_ms}, not {RETRY_MS}")
    wanted(first.frame["type"] == "welcome", f"the first frame is {first.frame['type']!r}")


async def ids(server: Server) -> None:
    """The id of a frame is its cursor, in an ``end`` with ``.end`` behind it; who comes with that gets 204."""
    run = await server.reporter().begin()
    await run.complete()
    path = f"runs/{run.run_id}/stream"
    told = await read(server, path, query={"mode": "all", "after": "0"})
    for frame, id_, _ in told:
        suffix = END_SUFFIX if frame["type"] == "end" else ""
        wanted("cursor" not in frame or id_ == frame["cursor"] + suffix, f"the id of {frame['type']} is {id_!r}")
    wanted(told[-1].frame["type"] == "end", f"the last frame is {told[-1].frame['type']!r}")
    await _nothing_more(server, path, told[-1].id)


async def joined_ids(server: Server) -> None:
    """The id of each frame of several runs has the places of all, from the first on, and each one's end."""
    runs = [await server.reporter().begin() for _ in range(2)]
    path = _path(runs)
    begun = ",".join([await run.cursor_at(1) for run in runs])
    for run in runs:
        await run.complete()
    told = await read(server, path, begun)
    places = dict(zip((run.run_id for run in runs), begun.split(","), strict=True))
    for frame, id_, _ in told:
        if "cursor" in frame:
            places[frame["run_id"]] = frame["cursor"] + (END_SUFFIX if frame["type"] == "end" else "")
        joined = ",".join(places.values())
        wanted(id_ == joined, f"the id of {frame['type']} is {id_!r}, not {joined!r}")
    await _nothing_more(server, path, told[-1].id)


async def _nothing_more(server: Server, path: str, last_id: str) -> None:
    answer = await server.http.get(path, headers={"Last-Event-ID": last_id})
    wanted(answer.status_code == 204, f"who has got everything is answered by {answer.status_code}, not 204")


async def cut_anywhere(count: int, server: Server) -> None:
    """Cut behind any frame, a browser comes back with the id that it has: nothing is missing, and nothing twice."""
    runs = [await server.reporter().begin() for _ in range(count)]
    for run in runs:
        await run.notes(4)
    begun = ",".join([await run.cursor_at(3) for run in runs])
    last = {run.run_id: await run.complete() for run in runs}
    path = _path(runs)
    whole = await read(server, path, begun)
    for stop in range(1, len(whole)):
        before = await read(server, path, begun, count=stop)
        told = before + await read(server, path, before[-1].id)
        for run_id, end in last.items():
            came = _told_of(told, run_id)
            wanted(came == list(range(4, end + 1)), f"cut behind frame {stop}, of events 4 to {end} came {came}")


async def cut_while_it_goes_on(count: int, server: Server) -> None:
    """The same while the runs go on, again and again."""
    runs = [await server.reporter().begin() for _ in range(count)]
    path = _path(runs)
    last_id = ",".join([await run.cursor_at(run.seq) for run in runs])
    begun = {run.run_id: run.seq + 1 for run in runs}
    told: list[Heard] = []
    for stop in (1, 1, 2, 1, 1 + count, 2):
        for run in runs:
            await run.notes(2)
        came = await read(server, path, last_id, count=stop)
        told, last_id = told + came, came[-1].id
    ends = {run.run_id: await run.complete() for run in runs}
    told += await read(server, path, last_id)
    for run_id, end in ends.items():
        seqs = _told_of(told, run_id)
        wanted(seqs == list(range(begun[run_id], end + 1)), f"of events {begun[run_id]} to {end} came {seqs}")


def _path(runs: list[Reporter]) -> str:
    if len(runs) == 1:
        return f"runs/{runs[0].run_id}/stream?mode=all"
    return f"stream?mode=all&runs={','.join(run.run_id for run in runs)}"


def _told_of(told: list[Heard], run_id: str) -> list[int]:
    return numbers([each.frame for each in told], run_id)


CHECKS: Checks = (
    ("sse", "last-event-id-wins", last_event_id_wins),
    ("sse", "retry", when_to_come_back),
    ("sse", "ids", ids),
    ("sse", "joined-ids", joined_ids),
    ("sse", "cut-anywhere", partial(cut_anywhere, 1)),
    ("sse", "cut-anywhere-joined", partial(cut_anywhere, 2)),
    ("sse", "cut-while-it-goes-on", partial(cut_while_it_goes_on, 1)),
    ("sse", "cut-while-it-goes-on-joined", partial(cut_while_it_goes_on, 2)),
)
