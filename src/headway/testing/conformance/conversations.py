"""What is said on a WebSocket, and how it ends."""

from __future__ import annotations

from contextlib import AsyncExitStack, suppress

from websockets.exceptions import ConnectionClosed

from headway.protocol import limits
from headway.protocol.events import Json, JsonObject
from headway.protocol.frames import MESSAGE_BYTES, PROTOCOL_VERSION, CloseCode
from headway.testing.conformance.requests import fresh_run
from headway.testing.conformance.streams import Checks, Server, wanted
from headway.testing.conformance.wires import Socket, numbers, opened, welcomed

MESSAGES = 1_000
"""Said at once, these are too many for a server that was not told to take five times as much."""

RUNS = 1_000
STREAM_RUNS = 100
WAYS = 32

_DEEP = "[" * (limits.JSON_DEPTH + 1) + "]" * (limits.JSON_DEPTH + 1)

BAD: tuple[tuple[str | bytes, str], ...] = (
    ("rubbish", "invalid-json"),
    (b"\xff\x00", "invalid-json"),
    ("[]", "invalid"),
    ('{"type": "nonsense"}', "invalid"),
    ('{"type": "watch"}', "invalid"),
    ('{"type": "watch", "run_id": "-"}', "invalid-name"),
    ('{"type": "watch", "run_id": "x", "after": "y"}', "invalid-cursor"),
    ('{"type": "watch", "run_id": "x", "rate": 3}', "invalid"),
    ('{"type": "watch", "run_id": "x", "mode": "fast"}', "invalid"),
    ('{"type": "watch_runs", "status": "bogus"}', "invalid"),
    (f'{{"type": "ping", "echo": {_DEEP}}}', "too-deep"),
)


async def welcome(server: Server) -> None:
    """The first frame says who is there, in the subprotocol that was asked for."""
    async with opened(server) as socket:
        wanted(socket.connection.subprotocol == "headway.v1", f"the subprotocol is {socket.connection.subprotocol!r}")
        frame = await socket.hear()
    wanted(frame["type"] == "welcome", f"the first frame is {frame['type']!r}")
    wanted(frame.get("protocol") == PROTOCOL_VERSION, f"the protocol is {frame.get('protocol')!r}")
    wanted(isinstance(frame.get("session"), str) and frame.get("heartbeat", 0) > 0, f"it says {frame}")


async def bad_messages(server: Server) -> None:
    """What cannot be understood gets a problem, and the connection stays open."""
    async with welcomed(server) as socket:
        for message, code in BAD:
            await socket.connection.send(message)
            problem = await socket.hear("problem")
            wanted(problem.get("code") == code, f"{message!r:.60} gives {problem.get('code')!r}, not {code!r}")
            await socket.answered()


async def cancel_and_answer(server: Server) -> None:
    """A watcher cancels and answers, and hears of it as an event; what cannot be is a problem of that run."""
    run = await server.reporter().begin()
    await run.append("input.requested", {"id": "question", "prompt": "Publish?"})
    async with welcomed(server) as socket:
        await socket.say("watch", run_id=run.run_id, after="0", mode="all")
        await socket.say("answer", run_id=run.run_id, id="question", value={"yes": True})
        given = await _event(socket, "input.given")
        wanted(given["data"].get("value") == {"yes": True}, f"what was given is {given['data']}")
        await socket.say("answer", run_id=run.run_id, id="question", value="no")
        await _problem(socket, "answered", run.run_id)
        await socket.say("cancel", run_id=run.run_id, reason="enough")
        asked = await _event(socket, "run.cancel_requested")
        wanted(asked["data"].get("reason") == "enough", f"what was asked is {asked['data']}")
        nowhere = fresh_run()
        await socket.say("cancel", run_id=nowhere)
        await _problem(socket, "not-found", nowhere)


async def _event(socket: Socket, type_: str) -> JsonObject:
    frames = await socket.until(
        lambda frame: frame["type"] == "events" and any(event["type"] == type_ for event in frame["events"]), type_
    )
    found: JsonObject = next(event for event in frames[-1]["events"] if event["type"] == type_)
    return found


async def _problem(socket: Socket, code: str, run_id: str | None = None) -> None:
    problem = await socket.hear("problem")
    found = (problem.get("code"), problem.get("run_id"))
    wanted(found == (code, run_id), f"the problem is {found}, not {(code, run_id)}")


async def snapshot(server: Server) -> None:
    """Whoever watches a run gets its state when it asks, and what follows goes on behind it."""
    run = await server.reporter().begin()
    await run.notes(3)
    async with welcomed(server) as socket:
        await socket.say("watch", run_id=run.run_id, after="0", mode="all")
        before = await socket.until(lambda frame: frame.get("to") == run.seq, "the first events")
        await socket.say("snapshot", run_id=run.run_id)
        frame = await socket.hear("snapshot")
        wanted(frame["state"]["seq"] == run.seq, f"its state is at {frame['state']['seq']}, not at {run.seq}")
        await run.notes(2)
        after = await socket.until(lambda frame: frame.get("to") == run.seq, "the next events")
        came = numbers(before + after, run.run_id)
        wanted(came == list(range(1, run.seq + 1)), f"around the snapshot came {came}")
        unwatched = fresh_run()
        await socket.say("snapshot", run_id=unwatched)
        await _problem(socket, "not-found", unwatched)


async def unwatch(server: Server) -> None:
    """What is not watched any more is not told; the rest is."""
    gone, kept = [await server.reporter().begin() for _ in range(2)]
    async with welcomed(server) as socket:
        await socket.say("watch", runs=[{"run_id": run.run_id, "after": "0"} for run in (gone, kept)], mode="all")
        settled: dict[str, int] = {}
        for run in (gone, kept):
            while settled.get(run.run_id) != run.seq:
                frame = await socket.hear("events")
                settled[frame["run_id"]] = frame["to"]
        await socket.say("unwatch", run_id=gone.run_id)
        await socket.answered()
        await gone.notes(3)
        await kept.notes(3)
        frames = await socket.until(
            lambda frame: frame.get("run_id") == kept.run_id and frame.get("to") == kept.seq, "what is still watched"
        )
        frames += await socket.answered()
    came = numbers(frames, gone.run_id)
    wanted(not came, f"of a run that is not watched any more came {came}")


async def list_of_runs(server: Server) -> None:
    """A list begins with the runs that are there, tells what changes, and ends when that is said."""
    first, second = await server.reporter().begin(), server.reporter()
    async with welcomed(server) as socket, welcomed(server) as other:
        for each in (socket, other):
            await each.say("watch_runs", kind="conformance", status="running")
            begun = await each.until(lambda frame: _in_list(frame, first.run_id), "a list with the run that is there")
            lists = [frame for frame in begun if frame["type"] == "runs"]
            wanted(lists[0].get("reset") is True, "a list that begins does not say so with 'reset'")
        await second.begin()
        for each in (socket, other):
            await each.until(lambda frame: _in_list(frame, second.run_id), "the run that is new")
        await first.complete()
        await socket.until(lambda frame: first.run_id in frame.get("removed", ()), "that a run has left the list")
        await socket.say("unwatch_runs")
        await socket.answered()
        await second.complete()
        await other.until(lambda frame: second.run_id in frame.get("removed", ()), "what is still watched")
        told = await socket.answered()
    wanted(all(frame["type"] != "runs" for frame in told), "a list is told to who does not watch it any more")


def _in_list(frame: JsonObject, run_id: str) -> bool:
    return frame["type"] == "runs" and any(run["run_id"] == run_id for run in frame["changed"])


async def had(server: Server) -> None:
    """Of a run whose end was had nothing is sent: a cursor with ``.end`` behind it says so, as on a stream."""
    run, other = [await server.reporter().begin() for _ in range(2)]
    after = await run.cursor_at(await run.complete())
    await other.complete()
    async with welcomed(server) as socket:
        runs: Json = [{"run_id": run.run_id, "after": f"{after}.end"}, {"run_id": other.run_id, "after": "0"}]
        await socket.say("watch", runs=runs, close_on_end=True)
        told = {frame["run_id"] for frame in await socket.rest() if "run_id" in frame}
        wanted(told == {other.run_id}, f"what was sent is of {told}")


async def all_ended(server: Server) -> None:
    """When all runs have ended the connection is closed with 1000, if that was asked, and stays open if not."""
    runs = [await server.reporter().begin() for _ in range(2)]
    for run in runs:
        await run.complete()
    watched: Json = [{"run_id": run.run_id, "after": "0"} for run in runs]
    async with welcomed(server) as socket:
        await socket.say("watch", runs=watched)
        for _ in runs:
            await socket.hear("end")
        await socket.answered()
        await socket.say("watch", runs=watched, close_on_end=True)
        ended = [frame["run_id"] for frame in await socket.rest() if frame["type"] == "end"]
        wanted(sorted(ended) == sorted(run.run_id for run in runs), f"before the Close came the ends of {ended}")
        socket.closed_with(CloseCode.ALL_ENDED)


async def too_many_messages(server: Server) -> None:
    """Who says too much is closed with 4429."""
    async with welcomed(server) as socket:
        with suppress(ConnectionClosed):
            for number in range(MESSAGES):
                await socket.say("ping", echo=number)
        await socket.rest()
        socket.closed_with(CloseCode.TOO_MANY_MESSAGES)


async def message_too_large(server: Server) -> None:
    """A message over 64 KiB is a problem of its own, and closes the connection with 1009."""
    for text in ("x" * MESSAGE_BYTES, "ä" * (MESSAGE_BYTES // 2)):
        async with welcomed(server) as socket:
            await socket.say("ping", echo=text)
            codes = [frame.get("code") for frame in await socket.rest() if frame["type"] == "problem"]
            wanted(codes == ["message-too-large"], f"the problems are {codes}")
            socket.closed_with(CloseCode.TOO_BIG)


async def too_many_runs(server: Server) -> None:
    """1,000 runs may be watched on a connection: not 1,001 in one message, and no other one beside them.

    In a stream of several 100 may be.
    """
    runs: list[Json] = [{"run_id": f"r{number}"} for number in range(RUNS + 1)]
    async with welcomed(server) as socket:
        await socket.say("watch", runs=runs)
        await _problem(socket, "too-many-runs")
        await socket.say("watch", runs=runs[1:])
        await socket.answered()
        await socket.say("watch", run_id="r0")
        await _problem(socket, "too-many-runs", "r0")
    answer = await server.http.get(
        "stream", params={"runs": ",".join(f"r{number}" for number in range(STREAM_RUNS + 1))}
    )
    found = (answer.status_code, answer.json().get("code"))
    wanted(found == (413, "too-many-runs"), f"a stream of {STREAM_RUNS + 1} runs is answered by {found}")


async def too_many_ways(server: Server) -> None:
    """A run is watched in 32 ways at once: who wants to in another one gets a problem."""
    run = await server.reporter().begin()
    async with AsyncExitStack() as stack:
        for number in range(WAYS + 1):
            socket = await stack.enter_async_context(welcomed(server))
            await socket.say("watch", run_id=run.run_id, types=[f"x.{number}"])
            if number < WAYS:
                await socket.hear("snapshot")
            else:
                await _problem(socket, "too-many-ways", run.run_id)


CHECKS: Checks = (
    ("websocket", "welcome", welcome),
    ("websocket", "bad-messages", bad_messages),
    ("websocket", "cancel-and-answer", cancel_and_answer),
    ("websocket", "snapshot", snapshot),
    ("websocket", "unwatch", unwatch),
    ("websocket", "list-of-runs", list_of_runs),
    ("websocket", "had-to-its-end", had),
    ("websocket", "all-ended", all_ended),
    ("websocket", "too-many-messages", too_many_messages),
    ("limits", "a-message-is-too-large", message_too_large),
    ("limits", "too-many-runs", too_many_runs),
    ("limits", "too-many-ways", too_many_ways),
)
