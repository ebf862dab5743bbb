"""What a watcher takes of what comes: everything once, whatever connections it took."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.client.session import Session, Wish
from headway.errors import RemoteProtocolError
from headway.protocol.frames import (
    EndFrame,
    EventsFrame,
    FrameGap,
    HeartbeatFrame,
    NoticeFrame,
    ProblemFrame,
    SnapshotFrame,
    WaitingFrame,
    WelcomeFrame,
)

RAW = msgspec.Raw(b"{}")


def cursor(seq: int) -> str:
    return f"epoch.{seq}.1"


def events(first: int, last: int) -> EventsFrame:
    return EventsFrame(
        run_id="run", from_=first, to=last, cursor=cursor(last), events=(), conflated={}, short=RAW, view=RAW
    )


def snapshot(seq: int, gap: FrameGap | None = None) -> SnapshotFrame:
    return SnapshotFrame(run_id="run", cursor=cursor(seq), state=RAW, view=RAW, gap=gap)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=8), st.data())
def test_a_frame_is_taken_once_whatever_is_sent_again(sizes: list[int], data: st.DataObject) -> None:
    session = Session(Wish(run_id="run", after="0"))
    bounds = [sum(sizes[:n]) for n in range(len(sizes) + 1)]
    frames = [events(first + 1, last) for first, last in itertools.pairwise(bounds)]
    taken = []
    for n, frame in enumerate(frames):
        sent = frames[data.draw(st.integers(0, n), label="resumes at") : n + 1]
        taken += [(again.from_, again.to) for again in sent if session.accept(again)]
        assert session.cursor == frame.cursor
    assert taken == [(frame.from_, frame.to) for frame in frames]


def test_what_is_missing_unannounced_is_an_error_and_moves_nothing() -> None:
    session = Session(Wish(run_id="run", after=cursor(4)))
    with pytest.raises(RemoteProtocolError, match="events 5 to 6"):
        session.accept(events(7, 9))
    assert session.cursor == cursor(4)
    assert session.accept(snapshot(9, FrameGap(after=cursor(4), reason="expired")))
    assert session.accept(events(10, 10))


def test_a_new_connection_asks_from_the_newest_cursor() -> None:
    session = Session(Wish(run_id="run", mode="all", types=("log",)))
    assert session.message().after is None
    session.accept(snapshot(3))
    session.accept(events(4, 8))
    message = session.message()
    assert (message.run_id, message.after, message.mode, message.types) == ("run", cursor(8), "all", ("log",))


def test_who_waits_misses_nothing_also_when_the_connection_is_lost_meanwhile() -> None:
    session = Session(Wish(run_id="run"))
    assert session.accept(WaitingFrame(run_id="run"))
    assert session.message().after == "0"
    with pytest.raises(RemoteProtocolError, match="events 1 to 2"):
        session.accept(events(3, 4))
    assert session.accept(events(1, 4))


def test_who_has_seen_something_keeps_its_cursor_while_it_waits() -> None:
    session = Session(Wish(run_id="run", after=cursor(4)))
    session.accept(WaitingFrame(run_id="run"))
    assert session.cursor == cursor(4)


def test_what_is_about_the_connection_or_another_run_is_no_news() -> None:
    session = Session(Wish(run_id="run"))
    assert not session.accept(WelcomeFrame(server="s", session="1", heartbeat=25))
    assert not session.accept(HeartbeatFrame(at="2026-11-20T19:41:03.120Z"))
    assert not session.accept(ProblemFrame(code="not-found", message="?", run_id="other"))
    assert session.accept(NoticeFrame(text="Going down at noon"))
    assert session.accept(ProblemFrame(code="invalid", message="?"))
    assert not session.done


def test_after_the_end_there_is_nothing_to_come_back_for() -> None:
    session = Session(Wish(run_id="run"))
    session.accept(snapshot(3))
    assert session.accept(EndFrame(run_id="run", status="completed", cursor=cursor(3)))
    assert session.done
    assert not session.accept(events(4, 4))


def test_a_run_that_the_server_gives_up_is_over() -> None:
    session = Session(Wish(run_id="run"))
    assert session.accept(ProblemFrame(code="not-found", message="it never came", run_id="run"))
    assert session.done
