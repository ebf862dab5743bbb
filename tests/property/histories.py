"""Random logs of runs: every type of event, in any order, sensible or not."""

from __future__ import annotations

import random
from collections.abc import Callable

from hypothesis import strategies as st

from headway.protocol import events as ev
from headway.protocol.codec import decode_event, encode_tail, numbered
from headway.protocol.events import Data, Draft, Event, draft

PATHS = ("a", "a/x", "a/x/1", "a/x/2", "a/y", "b", "b/x", "c", "d/x/1")
WEIGHTS = (None, None, 0, 0.001, 0.0025, 1, 2.5, 10, 8000, -1)
PARTS = (None, None, 0, 1, 3, 7.5, 16, -2, 1e300)
FRACTIONS = (None, 0, 0.1, 0.25, 0.3333333, 0.5, 0.99, 1, 1.5, -0.5)
NAMES = ("p", "q", "r")

Maker = Callable[[random.Random], Data]


def _planned(chance: random.Random) -> Data:
    paths = chance.sample(PATHS, chance.randint(0, 5))
    stages = [ev.PlannedStage(path=path, weight=chance.choice(WEIGHTS), role=_role(chance)) for path in paths]
    return ev.RunPlanned(stages=tuple(stages))


def _role(chance: random.Random) -> ev.Role | None:
    roles: tuple[ev.Role | None, ...] = (None, "stage", "agent")
    return chance.choice(roles)


def _started(chance: random.Random) -> Data:
    return ev.StageStarted(
        weight=chance.choice(WEIGHTS),
        total=chance.choice(PARTS),
        role=_role(chance),
        message=chance.choice((None, "m")),
    )


def _progress(chance: random.Random) -> Data:
    return ev.StageProgress(
        progress=chance.choice(FRACTIONS),
        current=chance.choice(PARTS),
        total=chance.choice(PARTS),
        data=chance.choice((None, {}, {"k": chance.random()})),
    )


def _finding(chance: random.Random) -> Data:
    severities: tuple[ev.Severity | None, ...] = (None, "critical", "high", "medium", "low")
    return ev.Finding(
        id=chance.choice(NAMES), severity=chance.choice(severities), confidence=chance.choice((None, 0.5)), evidence=[1]
    )


def _error(chance: random.Random) -> ev.ErrorInfo:
    return ev.ErrorInfo(code="c", message="m", recoverable=chance.choice((None, True, False)))


def _durations(chance: random.Random) -> dict[str, ev.Number] | None:
    return chance.choice((None, {path: chance.random() for path in PATHS[:4]}))


STAGE_EVENTS: tuple[Maker, ...] = (
    _started,
    _started,
    _progress,
    _progress,
    _progress,
    lambda chance: ev.StageCompleted(duration=chance.choice((None, 1, 2.5)), summary=chance.choice((None, "s"))),
    lambda chance: ev.StageFailed(error=_error(chance)),
    lambda chance: ev.StageSkipped(reason=chance.choice((None, "r", "cancelled"))),
    lambda _: ev.StageDegraded(reason="r", fallback="f"),
)
OTHER_EVENTS: tuple[Maker, ...] = (
    lambda _: ev.RunCreated(kind="k", meta={"a": 1}),
    _planned,
    _planned,
    lambda chance: ev.RunQueued(position=chance.randint(1, 3)),
    lambda chance: ev.RunStarted(attempt=chance.randint(1, 3)),
    lambda chance: ev.RunUpdated(meta={chance.choice(NAMES): chance.random()}),
    lambda _: ev.RunCancelRequested(),
    lambda _: ev.RunLost(),
    lambda _: ev.RunRecovered(),
    _finding,
    lambda _: ev.Highlight(text="t"),
    lambda chance: ev.Screenshot(artifact="s.png", thumbnail=chance.choice((None, "t.jpg", "data:image/jpeg,x"))),
    lambda chance: ev.Log(lines=("l", "é") * chance.randint(0, 2), elided=chance.choice((None, 5))),
    lambda chance: ev.Artifact(name=chance.choice(NAMES)),
    lambda chance: ev.Error(message="m", recoverable=chance.choice((None, True, False))),
    lambda chance: ev.InputRequested(id=chance.choice(NAMES), prompt="p", choices=("yes", 1)),
    lambda chance: ev.InputGiven(id=chance.choice(NAMES), value=chance.choice((None, "yes"))),
    lambda _: ev.Note(text="t"),
    lambda chance: ev.LogGap(reporter="r", from_=3, to=chance.randint(1, 5)),
)
ENDS: tuple[Maker, ...] = (
    lambda chance: ev.RunCompleted(result=1, durations=_durations(chance)),
    lambda chance: ev.RunFailed(error=_error(chance), durations=_durations(chance)),
    lambda _: ev.RunCancelled(),
)


def _one(chance: random.Random, ends: float) -> Draft:
    dice = chance.random()
    at = f"2026-11-20T19:41:{chance.randint(0, 59):02}.000Z"
    if dice < ends:
        return draft(chance.choice(ENDS)(chance), at=at)
    if dice < 0.03:
        return Draft(at=at, type="x.mine", priority="low", data={"k": 1})
    if dice < 0.7:
        stage = chance.choice((*PATHS, *PATHS, None))
        return draft(chance.choice(STAGE_EVENTS)(chance), at=at, stage=stage)
    return draft(chance.choice(OTHER_EVENTS)(chance), at=at, stage=chance.choice((None, "a/x")))


@st.composite
def drafts(draw: st.DrawFn, *, most: int = 150) -> list[Draft]:
    """A log that has not been numbered."""
    chance = random.Random(draw(st.integers(0, 2**32)))
    ends = draw(st.sampled_from((0.0, 0.0, 0.01)))
    return [_one(chance, ends) for _ in range(draw(st.integers(0, most)))]


def stored(reports: list[Draft]) -> list[Event]:
    """The log with its numbers, as a store gives it back."""
    return [decode_event(numbered(encode_tail(report), seq)) for seq, report in enumerate(reports, start=1)]
