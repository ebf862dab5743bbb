from __future__ import annotations

import msgspec
import pytest

from headway.errors import InvalidEvent
from headway.progress.backlog import FRAME_BYTES
from headway.progress.pacing import (
    CURSOR_WAIT_S,
    FINDINGS_WAIT_S,
    HIGH_WAIT_S,
    WAITING_BYTES,
    WAITING_EVENTS,
    PacedFrame,
    Pacer,
)
from headway.protocol import events as ev
from headway.protocol.codec import decode_event, encode_tail, numbered
from headway.protocol.events import Data, Draft, Event, Priority, draft

AT = "2026-11-20T19:41:03.120Z"


class Feeder:
    """Numbers reports and feeds them to a pacer."""

    def __init__(self, rate: float = 5.0, burst: float = 10.0) -> None:
        self.pacer = Pacer(0, rate=rate, burst=burst)
        self.seq = 0

    def feed(self, *reports: Data, stage: str | None = None, now: float = 0.0) -> None:
        for report in reports:
            self.put(draft(report, at=AT, stage=stage), now)

    def put(self, report: Draft, now: float = 0.0) -> None:
        self.seq += 1
        body = numbered(encode_tail(report), self.seq)
        self.pacer.feed(decode_event(body), body, now)

    def take(self, now: float) -> PacedFrame:
        frame = self.pacer.take(now)
        assert frame is not None
        return frame

    def spend(self, now: float = 0.0) -> None:
        """Use all tokens up."""
        while self.pacer._bucket.take(now):
            pass


def seqs(frame: PacedFrame) -> list[int]:
    return [msgspec.json.decode(body, type=Event).seq for body in frame.events]


def progress(text: str = "m") -> Data:
    return ev.StageProgress(message=text)


def test_only_the_newest_progress_of_a_stage_goes() -> None:
    feeder = Feeder()
    feeder.feed(progress(), progress(), stage="a")
    feeder.feed(progress(), stage="b")
    frame = feeder.take(0.0)
    assert seqs(frame) == [2, 3]
    assert (frame.from_, frame.to, frame.conflated) == (1, 3, {"stage.progress": 1})
    assert feeder.pacer.due(0.0) is None
    assert feeder.pacer.take(0.0) is None


def test_the_next_frame_begins_where_the_last_one_ended() -> None:
    feeder = Feeder()
    feeder.feed(progress(), stage="a")
    feeder.take(0.0)
    feeder.feed(progress(), progress(), stage="a")
    frame = feeder.take(0.0)
    assert (frame.from_, frame.to) == (2, 3)
    assert feeder.pacer.settled == 3


def test_without_a_token_progress_waits_for_one() -> None:
    feeder = Feeder()
    feeder.spend()
    feeder.feed(progress(), stage="a")
    assert feeder.pacer.due(0.0) == pytest.approx(0.2)
    assert feeder.pacer.take(0.1) is None
    feeder.feed(progress(), stage="a", now=0.15)
    assert seqs(feeder.take(0.2)) == [2]


@pytest.mark.parametrize(
    "report",
    [
        ev.StageStarted(),
        ev.StageCompleted(),
        ev.StageFailed(error=ev.ErrorInfo(code="c", message="m")),
        ev.StageSkipped(),
        ev.StageDegraded(reason="r"),
        ev.RunCancelRequested(),
        ev.RunCompleted(),
        ev.Error(message="m"),
        ev.Finding(id="f", severity="critical"),
    ],
)
def test_what_is_urgent_goes_without_a_token_and_takes_all_that_waits_along(report: Data) -> None:
    feeder = Feeder()
    feeder.spend()
    feeder.feed(progress(), progress(), ev.Highlight(text="h"), stage="a")
    feeder.feed(report, stage="a")
    assert feeder.pacer.due(0.0) == 0.0
    frame = feeder.take(0.0)
    assert seqs(frame) == [2, 3, 4]
    assert frame.conflated == {"stage.progress": 1}


def test_a_critical_event_of_ones_own_goes_at_once() -> None:
    feeder = Feeder()
    feeder.spend()
    feeder.put(Draft(at=AT, type="x.tripped", priority="critical", data={}))
    assert seqs(feeder.take(0.0)) == [1]


def test_urgent_frames_use_tokens_up() -> None:
    feeder = Feeder(burst=2.0)
    for _ in range(2):
        feeder.feed(ev.StageStarted(), stage="a")
        feeder.take(0.0)
    feeder.feed(progress(), stage="a")
    assert feeder.pacer.due(0.0) == pytest.approx(0.2)


def test_high_waits_for_a_token_but_not_longer_than_it_may() -> None:
    feeder = Feeder(rate=0.1)
    feeder.feed(ev.Artifact(name="a"), now=5.0)
    assert feeder.pacer.due(5.0) == 5.0
    feeder.take(5.0)
    feeder.spend(5.0)
    feeder.feed(ev.Artifact(name="b"), now=5.0)
    feeder.feed(ev.Artifact(name="c"), now=5.5)
    assert feeder.pacer.due(5.5) == pytest.approx(5.0 + HIGH_WAIT_S)
    assert seqs(feeder.take(5.0 + HIGH_WAIT_S)) == [2, 3]


def test_findings_wait_for_each_other() -> None:
    feeder = Feeder()
    for place in range(4):
        feeder.feed(ev.Finding(id=str(place)))
    assert feeder.pacer.due(0.0) == FINDINGS_WAIT_S
    feeder.feed(ev.Finding(id="4"), now=0.1)
    assert feeder.pacer.due(0.1) == 0.1
    assert seqs(feeder.take(0.1)) == [1, 2, 3, 4, 5]


def test_findings_go_with_what_goes() -> None:
    feeder = Feeder()
    feeder.feed(ev.Finding(id="f"))
    feeder.feed(progress(), stage="a")
    assert seqs(feeder.take(0.0)) == [1, 2]


def test_a_finding_is_replaced_by_a_report_that_says_as_much() -> None:
    feeder = Feeder()
    feeder.feed(ev.Finding(id="f", title="T"))
    feeder.feed(ev.Finding(id="f", confidence=0.5))
    feeder.feed(ev.Finding(id="g", title="T", confidence=0.5))
    feeder.feed(ev.Finding(id="f", confidence=0.6, evidence=[1]))
    feeder.feed(ev.Finding(id="f", confidence=0.7))
    frame = feeder.take(1.0)
    assert seqs(frame) == [1, 3, 4, 5]
    assert frame.conflated == {"finding": 1}


def test_a_finding_without_its_stage_does_not_replace_one_with_it() -> None:
    feeder = Feeder()
    feeder.feed(ev.Finding(id="f", title="T"), stage="a")
    feeder.feed(ev.Finding(id="f", title="U"))
    assert seqs(feeder.take(1.0)) == [1, 2]


def test_what_replaces_an_urgent_finding_is_urgent() -> None:
    feeder = Feeder()
    feeder.spend()
    feeder.feed(ev.Finding(id="f", severity="critical"), ev.Finding(id="f", severity="low"))
    assert feeder.pacer.due(0.0) == 0.0
    assert seqs(feeder.take(0.0)) == [2]


def test_the_newest_of_a_type_whatever_its_stage() -> None:
    feeder = Feeder()
    feeder.feed(ev.Highlight(text="1"), ev.Note(text="1"), stage="a")
    feeder.feed(ev.Highlight(text="2"), stage="b")
    frame = feeder.take(0.0)
    assert seqs(frame) == [2, 3]
    assert frame.conflated == {"highlight": 1}


@pytest.mark.parametrize(("priority", "sent"), [("low", [2, 3, 4]), ("medium", [2, 3, 4]), ("high", [1, 2, 3, 4])])
def test_custom_events_by_name_and_stage(priority: Priority, sent: list[int]) -> None:
    feeder = Feeder()
    for type_, stage in (("x.a", "s"), ("x.a", "s"), ("x.a", "t"), ("x.b", "s")):
        feeder.put(Draft(at=AT, type=type_, priority=priority, stage=stage, data={}))
    assert seqs(feeder.take(0.0)) == sent


def test_the_newest_hundred_lines() -> None:
    feeder = Feeder()
    for lines in (1, 60, 39, 61):
        feeder.feed(ev.Log(lines=("line",) * lines))
    frame = feeder.take(0.0)
    assert seqs(frame) == [3, 4]
    assert frame.conflated == {"log": 2}


def test_elided_lines_do_not_pile_up() -> None:
    feeder = Feeder()
    for _ in range(300):
        feeder.feed(ev.Log(elided=100))
    frame = feeder.take(0.0)
    assert len(frame.events) == 100
    assert frame.conflated == {"log": 200}


def test_frames_are_cut_at_an_event_and_settle_no_more_than_they_hold() -> None:
    feeder = Feeder()
    for place in range(8):
        feeder.feed(ev.Error(message="x" * 60_000), ev.StageProgress(message=str(place)), stage="a")
    frames = []
    while feeder.pacer.due(0.0) is not None:
        frames.append(feeder.take(0.0))
    assert len(frames) > 2
    assert [frame.from_ for frame in frames] == [1, *[frame.to + 1 for frame in frames[:-1]]]
    assert all(sum(map(len, frame.events)) <= FRAME_BYTES for frame in frames)
    assert [seq for frame in frames for seq in seqs(frame)] == [1, 3, 5, 7, 9, 11, 13, 15, 16]
    for frame in frames:
        assert frame.to - frame.from_ + 1 == len(frame.events) + sum(frame.conflated.values())


def test_a_stretch_that_became_pointless_costs_nothing() -> None:
    feeder = Feeder()
    for _ in range(2_000):
        feeder.feed(progress("x" * 60_000), stage="a")
    assert len(feeder.pacer._backlog._segments) <= 3
    assert not feeder.pacer.behind
    frame = feeder.take(0.0)
    assert seqs(frame) == [2_000]
    assert frame.conflated == {"stage.progress": 1_999}


def test_a_high_event_keeps_its_time_when_segments_are_joined() -> None:
    feeder = Feeder(rate=0.01)
    feeder.spend()
    for place in range(3):
        feeder.feed(progress("x" * 60_000), stage=str(place))
    feeder.feed(ev.Artifact(name="in the next segment"), progress("x" * 60_000), stage="3", now=1.0)
    for place in (0, 1, 2, 3):
        feeder.feed(progress("y" * 60_000), stage=str(place), now=2.0)
    feeder.feed(progress("z" * 60_000), stage="4", now=2.0)
    assert feeder.pacer.due(2.0) == 2.0


def test_too_many_waiting_fall_behind_and_let_go() -> None:
    feeder = Feeder()
    feeder.feed(progress(), stage="a")
    feeder.take(0.0)
    for place in range(WAITING_EVENTS):
        feeder.feed(ev.Artifact(name=str(place)))
    before = feeder.pacer.behind
    feeder.feed(ev.Artifact(name="one more"))
    assert (before, feeder.pacer.behind) == (False, True)
    assert feeder.pacer.settled == 1
    assert feeder.pacer.due(100.0) is None
    feeder.feed(ev.Artifact(name="after"))
    feeder.pacer.pass_over(feeder.seq + 1, 0.0)
    assert feeder.pacer.take(100.0, flush=True) is None


def test_too_many_bytes_fall_behind() -> None:
    feeder = Feeder()
    fits = WAITING_BYTES // 60_200
    feeder.feed(*[ev.Error(message="x" * 60_000)] * fits)
    before = feeder.pacer.behind
    feeder.feed(ev.Error(message="x" * 60_000))
    assert (before, feeder.pacer.behind) == (False, True)


def test_what_is_not_wanted_moves_the_cursor_on() -> None:
    feeder = Feeder()
    feeder.pacer.pass_over(1, 0.0)
    feeder.pacer.pass_over(2, 0.5)
    assert feeder.pacer.due(0.5) == CURSOR_WAIT_S
    frame = feeder.take(CURSOR_WAIT_S)
    assert (frame.from_, frame.to, frame.events, frame.conflated) == (1, 2, (), {})


def test_a_last_frame_can_be_flushed() -> None:
    feeder = Feeder()
    feeder.spend()
    feeder.feed(progress(), stage="a")
    assert feeder.pacer.take(0.0) is None
    frame = feeder.pacer.take(0.0, flush=True)
    assert frame is not None
    assert seqs(frame) == [1]
    assert feeder.pacer.take(0.0, flush=True) is None


def test_only_the_next_event_may_be_fed() -> None:
    feeder = Feeder()
    feeder.feed(progress(), stage="a")
    again = Event(seq=1, at=AT, type="note", data=msgspec.Raw(b'{"text": "t"}'))
    with pytest.raises(InvalidEvent, match="cannot follow"):
        feeder.pacer.feed(again, b"{}", 0.0)
    with pytest.raises(InvalidEvent, match="cannot follow"):
        feeder.pacer.pass_over(3, 0.0)


def test_data_that_do_not_fit_change_nothing() -> None:
    feeder = Feeder()
    wrong = Event(seq=1, at=AT, type="log", data=msgspec.Raw(b'{"lines": 1}'))
    with pytest.raises(InvalidEvent):
        feeder.pacer.feed(wrong, b"{}", 0.0)
    assert feeder.pacer.due(0.0) is None
    feeder.feed(progress(), stage="a")
    assert seqs(feeder.take(0.0)) == [1]
