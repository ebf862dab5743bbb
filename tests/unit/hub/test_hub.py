"""The hub as a server has it: in a real event loop, with its threads, over a real store."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import msgspec
import pytest

from headway.errors import Answered, Gap, InvalidInput, NotFound, Overloaded, RunEnded
from headway.hub.framing import JSON
from headway.hub.hub import WRITER_THREADS, Hub
from headway.hub.sink import Peer, RunScope
from headway.ports import EventStore, Notice, Page
from headway.protocol import events as ev
from headway.protocol.cursor import Cursor
from headway.protocol.frames import CloseCode, Watch
from headway.stores.memory import MemoryEventStore
from headway.testing.samples import AT, OWNER, completed, new_run
from tests.unit.hub.readers import LONG_S, Reader, run, started, watch, write
from tests.unit.hub.reports import append


def test_events_go_from_the_store_to_the_watchers(store: EventStore) -> None:
    async def test(hub: Hub) -> None:
        reader = watch(hub)
        await reader.until(lambda: "waiting" in reader.types())
        store.create(new_run())
        await asyncio.to_thread(write, store, 1_500)
        await reader.until(lambda: len(reader.seqs()) == 1_501)
        append(store, "run", [completed()])
        await reader.until(lambda: "end" in reader.types())
        assert reader.seqs() == list(range(1, 1_503))

    run(store, test)


def test_subscribing_while_events_pour_in(store: EventStore) -> None:
    store.create(new_run())
    enough = threading.Event()

    def pour() -> None:
        # At a measured pace: thirty readers who decode all that an unpaced memory store takes are a test of decoding.
        while not enough.wait(0.001):
            write(store, 3)
        append(store, "run", [completed()])

    async def test(hub: Hub) -> None:
        pouring = asyncio.create_task(asyncio.to_thread(pour))
        readers = []
        for _ in range(30):
            readers.append(watch(hub))
            await readers[-1].until(readers[-1].seqs)
        enough.set()
        await pouring
        for reader in readers:
            await reader.until_end()
            assert reader.seqs() == list(range(1, store.header("run").cursor.seq + 1))

    run(store, test)


def test_several_hubs_on_one_store(store: EventStore) -> None:
    store.create(new_run())

    async def test(hub: Hub) -> None:
        async with started(store) as other:
            readers = [watch(hub), watch(other)]
            assert await other.notice("to all", "warning") == 1
            for reader in readers:
                await reader.until_type("notice")
            await asyncio.to_thread(write, store, 100)
            for reader in readers:
                await reader.until_seen(101)
            cancelled = await other.cancel("run", reason="enough", by="me")
            assert cancelled.ended
            for reader in readers:
                await reader.until_end()

    run(store, test)


def test_a_run_is_polled_and_waited_for(store: EventStore) -> None:
    store.create(new_run())

    async def test(hub: Hub) -> None:
        now = await hub.run("run")
        body = msgspec.json.decode(now.body)
        assert set(body) == {"state", "view", "cursor"}
        assert (now.kind, body["state"]["seq"], now.etag) == ("sample", 1, f'"{body["cursor"]}"')
        assert (await hub.run("run", known=now.etag, wait_s=0.05)).etag == now.etag
        waiting = asyncio.create_task(hub.run("run", known=now.etag, wait_s=LONG_S))
        await asyncio.sleep(0)
        write(store)
        later = await waiting
        assert msgspec.json.decode(later.state)["seq"] == 2
        write(store)
        assert msgspec.json.decode((await hub.run("run")).state)["seq"] == 3  # who has written finds it at once
        append(store, "run", [completed()])
        ended = await hub.run("run")
        assert (await hub.run("run", known=ended.etag, wait_s=LONG_S)).etag == ended.etag

    run(store, test)


def test_events_are_polled_and_waited_for(store: EventStore) -> None:
    store.create(new_run())
    write(store, 20)

    async def test(hub: Hub) -> None:
        first = await hub.events("run", None, limit=5)
        body = msgspec.json.decode(first.body)
        assert [event["seq"] for event in body["events"]] == [1, 2, 3, 4, 5]
        assert (body["cursor"], body["ended"], first.found) == (str(store.cursor_at("run", 5)), False, 5)
        rest = await hub.events("run", store.cursor_at("run", 5))
        assert rest.found == 16
        head = store.cursor_at("run", 21)
        assert (await hub.events("run", head, wait_s=0.05)).found == 0
        waiting = [asyncio.create_task(hub.events("run", head, wait_s=LONG_S)) for _ in range(20)]
        filtered = asyncio.create_task(hub.events("run", head, types=["finding"], wait_s=LONG_S))
        await asyncio.sleep(0)
        write(store)
        answers = await asyncio.gather(*waiting)
        assert len({id(answer.body) for answer in answers}) == 1
        assert answers[0].found == 1
        append(store, "run", [ev.draft(ev.Finding(id="f"), at=AT)])
        assert [event["type"] for event in msgspec.json.decode((await filtered).body)["events"]] == ["finding"]
        append(store, "run", [completed()])
        newest = await hub.events("run", store.cursor_at("run", 23))
        assert (newest.found, newest.ended) == (1, True)
        nothing = await hub.events("run", store.cursor_at("run", 24), wait_s=LONG_S)
        assert (nothing.found, nothing.ended) == (0, True)

    run(store, test)


def test_what_comes_while_a_poll_asks_the_store_is_not_waited_for() -> None:
    class Held(MemoryEventStore):
        """Its answers to a filter lie there until they are let go."""

        def __init__(self) -> None:
            super().__init__()
            self.asked, self.go = threading.Event(), threading.Event()

        def read(self, *arguments: Any, **options: Any) -> Page:
            page = super().read(*arguments, **options)
            if options.get("types"):
                self.asked.set()
                self.go.wait(LONG_S)
            return page

    store = Held()
    store.create(new_run())
    write(store, 10)

    async def test(hub: Hub) -> None:
        reader = watch(hub, after=None)
        await reader.until(lambda: reader.frames)
        polling = asyncio.create_task(hub.events("run", None, types=["finding"], wait_s=2.0))
        await asyncio.to_thread(store.asked.wait, LONG_S)
        append(store, "run", [ev.draft(ev.Finding(id="f"), at=AT)])
        await reader.until_seen(1)
        store.go.set()
        assert (await polling).found == 1

    run(store, test, recent_events=1, recent_bytes=1, recent_total_bytes=1)


def test_what_memory_does_not_have_is_read_from_the_store(store: EventStore) -> None:
    store.create(new_run())
    write(store, 300)

    async def test(hub: Hub) -> None:
        after: Cursor | None = None
        seqs: list[int] = []
        while True:
            answer = await hub.events("run", after, limit=70)
            body = msgspec.json.decode(answer.body)
            if not body["events"]:
                break
            seqs += [event["seq"] for event in body["events"]]
            after = store.cursor_at("run", seqs[-1])
            assert str(after) == answer.cursor
        assert seqs == list(range(1, 302))

    run(store, test, recent_events=50, recent_bytes=5_000, recent_total_bytes=5_000)


def test_answers_have_about_a_megabyte_at_most(store: EventStore) -> None:
    store.create(new_run())
    append(store, "run", [ev.draft(ev.Artifact(name="n", media_type="x" * 60_000), at=AT) for _ in range(40)])

    async def test(hub: Hub) -> None:
        answer = await hub.events("run", None)
        assert len(answer.body) < 1_100_000
        assert answer.cursor == str(store.cursor_at("run", answer.found))
        rest = await hub.events("run", store.cursor_at("run", answer.found))
        assert rest.found > 0

    run(store, test)


def test_polls_of_what_is_not_there(store: EventStore) -> None:
    store.create(new_run())
    old = store.header("run").cursor

    async def test(hub: Hub) -> None:
        with pytest.raises(NotFound):
            await hub.run("other")
        with pytest.raises(NotFound):
            await hub.events("other", None)
        with pytest.raises(NotFound):
            await hub.run("run", may_watch=lambda _, kind: kind != "sample")
        with pytest.raises(Gap, match="not") as gap:
            await hub.events("run", Cursor(old.epoch, 1, old.nonce ^ 1))
        assert gap.value.reason == "diverged"
        append(store, "run", [completed()])
        store.delete("run")
        with pytest.raises(Gap, match="deleted") as gap:
            await hub.events("run", old)
        assert gap.value.reason == "deleted"
        with pytest.raises(NotFound):
            await hub.events("run", None)
        with pytest.raises(NotFound):
            await hub.events("run", old, may_watch=lambda _run, _kind: True)
        store.create(new_run("other"))
        assert (await hub.run("other")).kind == "sample"

    run(store, test)


def test_a_poll_that_is_given_up_leaves_nothing_behind(store: EventStore) -> None:
    store.create(new_run())

    async def test(hub: Hub) -> None:
        now = await hub.run("run")
        waiting = asyncio.create_task(hub.run("run", known=now.etag, wait_s=LONG_S))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        feed = hub._switchboard.feeds["run"]
        assert feed._hearers == {}
        assert feed._holds == 0

    run(store, test)


def test_cancelling(store: EventStore) -> None:
    store.create(new_run())
    store.take_over("run", OWNER, AT, 600.0)

    async def test(hub: Hub) -> None:
        assert not (await hub.cancel("run", reason="enough", by="me")).again
        assert (await hub.cancel("run")).again
        events = msgspec.json.decode((await hub.events("run", None, types=["run.cancel_requested"])).body)["events"]
        assert [event["data"] for event in events] == [{"by": "me", "reason": "enough"}]
        with pytest.raises(NotFound):
            await hub.cancel("other")
        append(store, "run", [completed()])
        with pytest.raises(RunEnded):
            await hub.cancel("run")

    run(store, test)


def ask(store: EventStore, id_: str, choices: tuple[str, ...] | None = None) -> None:
    append(store, "run", [ev.draft(ev.InputRequested(id=id_, prompt="?", choices=choices), at=AT, stage="s")])


def test_answering(store: EventStore) -> None:
    store.create(new_run())
    ask(store, "q")
    ask(store, "choice", ("yes", "no"))

    async def test(hub: Hub) -> None:
        await hub.answer("run", "q", {"any": 1}, by="me")
        await hub.answer("run", "q", {"any": 1}, by="me")  # to be sure
        with pytest.raises(Answered):
            await hub.answer("run", "q", {"any": 2}, by="me")
        with pytest.raises(Answered):
            await hub.answer("run", "q", {"any": 1}, by="you")
        with pytest.raises(InvalidInput, match="choices"):
            await hub.answer("run", "choice", "maybe")
        await hub.answer("run", "choice", "no")
        with pytest.raises(NotFound):
            await hub.answer("run", "unknown", 1)
        with pytest.raises(NotFound):
            await hub.answer("other", "q", 1)
        ask(store, "q")
        await hub.answer("run", "q", "again")
        given = msgspec.json.decode((await hub.events("run", None, types=["input.given"])).body)["events"]
        assert [(event["data"]["id"], event["data"]["value"], event["stage"]) for event in given] == [
            ("q", {"any": 1}, "s"),
            ("choice", "no", "s"),
            ("q", "again", "s"),
        ]
        ask(store, "late")
        append(store, "run", [completed()])
        with pytest.raises(RunEnded):
            await hub.answer("run", "late", 1)
        await hub.answer("run", "choice", "no")

    run(store, test)


def test_of_many_answers_at_once_one_counts(store: EventStore) -> None:
    store.create(new_run())
    ask(store, "q")

    async def test(hub: Hub) -> None:
        outcomes = await asyncio.gather(*[hub.answer("run", "q", n) for n in range(8)], return_exceptions=True)
        assert (
            sorted(type(outcome) for outcome in outcomes if outcome is not None).count(Answered) == 7 if False else True
        )
        assert [outcome for outcome in outcomes if outcome is None] == [None]
        assert sum(isinstance(outcome, Answered) for outcome in outcomes) == 7

    run(store, test)


def test_lists_and_who_watches(store: EventStore) -> None:
    async def test(hub: Hub) -> None:
        reader = Reader()
        connection = hub.connect(reader, JSON, Peer(address="192.0.2.1", user_agent="test"))
        connection.watch_runs(RunScope())
        await reader.until(lambda: reader.frames)
        store.create(new_run())
        await reader.until(lambda: any(frame["changed"] for frame in reader.frames))
        connection.watch(Watch(run_id="run"))
        await reader.until(lambda: "snapshot" in reader.types())
        (watching,) = hub.watching()
        assert (watching.run_id, watching.peer.user_agent, watching.transport) == ("run", "test", "json")
        assert (watching.mode, watching.rate, watching.stuck, watching.behind) == ("paced", 5.0, False, 0)
        assert await hub.notice("hello") == 1
        await reader.until_type("notice")

    run(store, test)


def test_closing_tells_when_to_come_back(store: EventStore) -> None:
    readers: list[Reader] = []

    async def test(hub: Hub) -> None:
        readers.append(watch(hub))
        await readers[0].until(lambda: readers[0].frames)

    run(store, test)
    assert readers[0].closed is not None
    assert readers[0].closed[0] is CloseCode.GOING_AWAY


def test_more_than_may_wait_to_be_written_is_refused() -> None:
    class Held(MemoryEventStore):
        """It announces nothing before it is let go."""

        go = threading.Event()

        def announce(self, notice: Notice) -> None:
            assert self.go.wait(LONG_S)
            super().announce(notice)

    store = Held()
    store.create(new_run())

    async def test(hub: Hub) -> None:
        writing = [asyncio.create_task(hub.notice(str(number))) for number in range(WRITER_THREADS + 2)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await hub.cancel("run")
        store.go.set()
        await asyncio.gather(*writing)
        assert (await hub.cancel("run")).ended

    run(store, test, waiting_writes=2)
