"""Whatever floods a pacer: what must arrive does, in time and once, and the rest is counted exactly."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from headway.progress import backlog, pacing
from headway.progress.backlog import TRANSITIONS, PacedFrame
from headway.progress.pacing import Pacer, TokenBucket
from headway.protocol.codec import encode_tail, numbered
from headway.protocol.events import TYPES, Draft, Event, JsonObject, Priority, priority_of

AT = "2026-11-20T19:41:03.120Z"
PROMISED_S = 1.0
SMALL = "few"
LARGE = "many"  # stands for 60,000 characters, so that a failing flood can be printed


@dataclass
class Fed:
    event: Event
    data: JsonObject
    when: float

    @property
    def urgent(self) -> bool:
        return self.event.priority == "critical" or self.event.type in TRANSITIONS


@dataclass
class Taken:
    """A frame, when it was taken, and how many events had been fed by then."""

    frame: PacedFrame
    when: float
    fed: int


@dataclass
class Watched:
    """A pacer with a fake clock, and all that went in and came out."""

    rate: float
    burst: float
    pacer: Pacer = field(init=False)
    now: float = 100.0
    fed: list[Fed] = field(default_factory=list)
    passed: set[int] = field(default_factory=set)
    frames: list[Taken] = field(default_factory=list)
    metered: list[float] = field(default_factory=list)
    seq: int = 0
    settled: int = 0
    sent: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.pacer = Pacer(0, rate=self.rate, burst=self.burst)

    def feed(self, type_: str, stage: str | None, data: JsonObject, given: Priority | None = None) -> None:
        self.seq += 1
        priority = priority_of(type_, data, given)
        draft = Draft(at=AT, type=type_, priority=priority, stage=stage, data=data)
        body = numbered(encode_tail(draft).replace(b'"many"', b'"%b"' % (b"x" * 60_000)), self.seq)
        event = msgspec.json.decode(body, type=Event)
        self.fed.append(Fed(event, data, self.now))
        self.pacer.feed(event, body, self.now)

    def pass_over(self) -> None:
        self.seq += 1
        self.passed.add(self.seq)
        self.pacer.pass_over(self.seq, self.now)

    def take_all(self) -> None:
        while (due := self.pacer.due(self.now)) is not None and due <= self.now:
            excused = self._is_excused()
            frame = self.pacer.take(self.now)
            assert frame is not None
            self.settled = frame.to
            self.sent |= {msgspec.json.decode(body, type=Event).seq for body in frame.events}
            self.frames.append(Taken(frame, self.now, len(self.fed)))
            if not excused:
                self.metered.append(self.now)

    def _is_excused(self) -> bool:
        """Whether something waits that may pass the bucket."""
        waiting = [one for one in self.fed if one.event.seq > self.settled]
        overdue = self.now - pacing.HIGH_WAIT_S + 1e-6
        return any(
            one.urgent or self.stands_for_urgent(one) or (one.event.priority == "high" and one.when <= overdue)
            for one in waiting
        )

    def stands_for_urgent(self, one: Fed) -> bool:
        """Whether this finding may have replaced one that was urgent, which makes it urgent too."""
        return one.event.type == "finding" and any(
            other.urgent and other.event.type == "finding" and other.data["id"] == one.data["id"]
            for other in self.fed[: self.fed.index(one)]
            if other.event.seq not in self.sent
        )

    def wait(self, seconds: float) -> None:
        """Let time pass, and take each frame when it is due."""
        end = self.now + seconds
        while (due := self.pacer.due(self.now)) is not None and due <= end:
            self.now = due
            self.take_all()
        self.now = end
        self.take_all()


KINDS = {
    "mixed": "stage.progress stage.progress log finding highlight screenshot x.a x.b artifact run.updated error note "
    "stage.started stage.completed stage.degraded run.queued y.later",
    "high": "artifact finding stage.progress run.updated log",
    "findings": "finding",
    "logs": "log log log note",
    "low": "stage.progress highlight x.a",
}


@st.composite
def floods(draw: st.DrawFn) -> list[object]:
    """Steps of a flood of some kind: reports, seconds to wait, and events that are not for the watcher."""
    chance = random.Random(draw(st.integers(0, 2**32)))
    types = KINDS[draw(st.sampled_from(sorted(KINDS)))].split()
    large = draw(st.sampled_from([0.0, 0.1, 0.5]))
    calm = draw(st.sampled_from([0.02, 0.2, 0.5]))
    steps: list[object] = []
    for _ in range(draw(st.integers(0, 150))):
        dice = chance.random()
        if dice < calm:
            steps.append(chance.choice([0.01, 0.1, 0.3, 1.2]))
        elif dice > 0.98:
            steps.append("pass")
        else:
            steps.append(report(chance, chance.choice(types), LARGE if chance.random() < large else SMALL))
    return steps


def report(chance: random.Random, type_: str, size: str) -> tuple[str, str | None, JsonObject, Priority | None]:
    given: Priority | None = None
    data: JsonObject = {"message": size}
    if type_ == "log":
        data = {"lines": [size] * (chance.choice([0, 1, 7, 60]) if size == SMALL else 1)}
    elif type_ == "finding":
        data = {"id": chance.choice("pq"), "title": chance.choice([None, size])}
        if chance.random() < 0.2:
            data["severity"] = chance.choice(["low", "critical"])
        if chance.random() < 0.3:
            data["confidence"] = chance.random()
    elif type_[0] in "xy":
        given = chance.choice([None, "low", "high", "critical"])
    stage = chance.choice([None, "a", "a/b", "c"])
    return type_, stage or ("s" if type_.startswith("stage.") else None), data, given


RATES = st.sampled_from([1.0, 2.0, 5.0, 10.0])
BURSTS = st.sampled_from([1.0, 2.0, 10.0])


def run(steps: list[object], rate: float, burst: float, *, eager: bool = True) -> Watched:
    watched = Watched(rate, burst)
    for step in steps:
        if isinstance(step, float):
            watched.wait(step)
        elif isinstance(step, tuple):
            watched.feed(*step)
        else:
            watched.pass_over()
        if eager:
            watched.take_all()
    watched.wait(10.0)
    return watched


def sent(watched: Watched) -> dict[int, float]:
    """When each event was sent; none is sent twice."""
    times: dict[int, float] = {}
    for one in watched.frames:
        for body in one.frame.events:
            seq = msgspec.json.decode(body, type=Event).seq
            assert seq not in times
            times[seq] = one.when
    return times


@given(floods(), RATES, BURSTS)
def test_frames_account_for_every_event_in_order(steps: list[object], rate: float, burst: float) -> None:
    watched = run(steps, rate, burst)
    next_seq = 1
    for frame in [one.frame for one in watched.frames]:
        seqs = [msgspec.json.decode(body, type=Event).seq for body in frame.events]
        stretch = [one for one in watched.fed if frame.from_ <= one.event.seq <= frame.to]
        counts: dict[str, int] = {}
        for one in stretch:
            if one.event.seq not in seqs:
                counts[one.event.type] = counts.get(one.event.type, 0) + 1
        assert frame.from_ == next_seq
        assert seqs == sorted(set(seqs) & {one.event.seq for one in stretch})
        assert frame.conflated == counts
        next_seq = frame.to + 1
    assert next_seq == watched.seq + 1
    assert watched.pacer.due(watched.now) is None
    assert watched.pacer.settled == watched.seq


@given(floods(), RATES, BURSTS)
def test_critical_goes_at_once_and_high_within_a_second(steps: list[object], rate: float, burst: float) -> None:
    watched = run(steps, rate, burst)
    times = sent(watched)
    for one in watched.fed:
        if one.event.type == "finding" and one.event.seq not in times:
            assert is_replaced(one, watched)
        elif one.urgent:
            assert times[one.event.seq] == one.when
        elif one.event.priority == "high":
            assert times[one.event.seq] <= one.when + PROMISED_S


def members(one: Fed) -> set[str]:
    named = {name for name, value in one.data.items() if value is not None}
    return named | ({"stage"} if one.event.stage else set())


def is_replaced(one: Fed, watched: Watched) -> bool:
    """Whether a later report says all that this one said."""
    later = [other for other in watched.fed if other.event.type == "finding" and other.event.seq > one.event.seq]
    return any(other.data["id"] == one.data["id"] and members(one) <= members(other) for other in later)


@given(floods())
def test_the_newest_of_everything_arrives(steps: list[object]) -> None:
    watched = run(steps, 5.0, 1.0)
    times = sent(watched)
    newest: dict[tuple[str, str | None], int] = {}
    for one in watched.fed:
        per_stage = TYPES[one.event.type].delivery == "newest-per-stage" if one.event.type in TYPES else True
        newest[one.event.type, one.event.stage if per_stage else None] = one.event.seq
    assert set(newest.values()) <= set(times)
    for name in ("id", "title", "severity", "confidence"):
        assert folded(watched, name, set(times)) == folded(watched, name, None)


def folded(watched: Watched, name: str, only: set[int] | None) -> dict[str, object]:
    """The newest value given of a finding's member, by the finding's id."""
    values = {}
    for one in watched.fed:
        if one.event.type == "finding" and one.data.get(name) is not None and (only is None or one.event.seq in only):
            values[one.data["id"]] = one.data[name]
    return values


@given(floods())
def test_just_the_newest_hundred_lines_arrive(steps: list[object]) -> None:
    watched = run(steps, 1.0, 1.0)
    times = sent(watched)
    for one in watched.frames:
        newer = 0
        for log in reversed([fed for fed in watched.fed[: one.fed] if fed.event.type == "log"]):
            if one.frame.from_ <= log.event.seq <= one.frame.to:
                assert (log.event.seq in times) == (newer < backlog.LINES_KEPT)
            newer += max(1, len(log.data["lines"]))


@given(floods(), RATES, BURSTS, st.booleans())
def test_the_rate_is_kept_and_frames_fit(steps: list[object], rate: float, burst: float, eager: bool) -> None:
    watched = run(steps, rate, burst, eager=eager)
    for first, start in enumerate(watched.metered):
        for index, end in enumerate(watched.metered[first:], start=1):
            assert index <= burst + (end - start) * rate + 1e-3
    for frame in [one.frame for one in watched.frames]:
        assert len(msgspec.json.encode(msgspec.to_builtins(frame.conflated))) + sum(
            len(body) + 1 for body in frame.events
        ) <= (backlog.FRAME_BYTES - backlog.ENVELOPE_BYTES)


@given(
    st.lists(st.tuples(st.floats(0, 3), st.booleans()), max_size=80),
    st.sampled_from([1.0, 5.0, 7.3]),
    st.sampled_from([1.0, 10.0]),
)
def test_a_bucket_never_gives_more_than_it_may(steps: list[tuple[float, bool]], rate: float, burst: float) -> None:
    bucket = TokenBucket(rate, burst)
    now, taken = 0.0, []
    for seconds, exactly in steps:
        now = bucket.ready_at(now) if exactly else now + seconds
        if bucket.take(now):
            taken.append(now)
        else:
            assert not exactly
    for first, start in enumerate(taken):
        for count, end in enumerate(taken[first:], start=1):
            assert count <= burst + (end - start) * rate + 1e-3


@given(st.lists(st.floats(-50, 50), max_size=60))
def test_a_clock_that_jumps_neither_blocks_nor_floods(jumps: list[float]) -> None:
    bucket = TokenBucket(5.0, 10.0)
    now = 0.0
    for jump in jumps:
        now += jump
        at_once = 0
        while bucket.take(now):
            at_once += 1
        assert at_once <= 10
        assert now <= bucket.ready_at(now) <= now + 0.2 + 1e-4
