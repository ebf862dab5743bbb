"""Runs to be drawn: what jobs of several kinds look like in the middle of their work."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from headway.cli.screen.runs import RunsNews
from headway.cli.screen.watched import Picture, Watched
from headway.cli.source import Listing
from headway.progress.fold import Fold
from headway.progress.state import Eta, ShortState, View
from headway.progress.view import view
from headway.protocol import events, times
from headway.protocol.codec import decode_event, encode_tail, numbered
from headway.protocol.events import Data, Event
from headway.protocol.frames import EventsFrame, SnapshotFrame

BEGAN = times.to_unix("2026-11-20T19:41:03.000Z")
RUN_ID = "01a1fb13-9c5e-731c-8aa7-f4a0da84d7c8"
Step = tuple[float, str | None, Data | tuple[str, dict[str, Any]]]


def made(steps: Iterable[Step]) -> list[Event]:
    """Events, each so many seconds after the beginning, from a stage or none."""
    found = []
    for seq, (after, stage, data) in enumerate(steps, 1):
        at = times.to_text(BEGAN + after)
        if isinstance(data, tuple):
            draft = events.Draft(at=at, type=data[0], priority="low", stage=stage, data=data[1])
        else:
            draft = events.draft(data, at=at, stage=stage)
        found.append(decode_event(numbered(encode_tail(draft), seq)))
    return found


def watched(steps: Iterable[Step], now: float, eta: Eta | None = None, clock: float = 0.0) -> Watched:
    """A run that was watched from its beginning, seen ``now`` seconds after it."""
    fold = Fold(RUN_ID)
    taking = Watched(lambda: clock)
    empty = View(now=times.to_text(BEGAN))
    raw = msgspec.json.Encoder().encode
    taking.take(
        SnapshotFrame(run_id=RUN_ID, cursor="0", state=msgspec.Raw(raw(fold.state())), view=msgspec.Raw(raw(empty)))
    )
    found = made(steps)
    for event in found:
        fold.apply(event)
    seen = msgspec.structs.replace(
        view(fold.state(), BEGAN + now, None), eta=eta if fold.state().ended_at is None else None
    )
    bodies = tuple(msgspec.Raw(raw(event)) for event in found)
    taking.take(
        EventsFrame(
            run_id=RUN_ID,
            from_=1,
            to=len(found),
            cursor="0",
            events=bodies,
            conflated={},
            short=msgspec.Raw(raw(fold.short())),
            view=msgspec.Raw(raw(seen)),
        )
    )
    return taking


def picture(steps: Iterable[Step], now: float, eta: Eta | None = None) -> Picture:
    """The same as a picture."""
    return watched(steps, now, eta).picture()


IDS = [f"01a1fb13-9c5{n}-731c-8aa7-f4a0da84d7c8" for n in range(9)]


def short(steps: Iterable[Step], number: int, now: float = 45.0) -> ShortState:
    """A run in a list."""
    fold = Fold(IDS[number])
    for event in made(steps):
        fold.apply(event)
    state = fold.short_state()
    return msgspec.structs.replace(state, view=view(state, BEGAN + now, None))


def listing(*runs: ShortState) -> RunsNews:
    """A list of them."""
    return RunsNews(Listing(runs=runs, next=None))


def planned(**weights: float) -> events.RunPlanned:
    """A plan."""
    return events.RunPlanned(
        stages=tuple(events.PlannedStage(path=path, weight=weight) for path, weight in weights.items())
    )


LATER = Eta(remaining=23.0, low=17.5, high=31.0, basis="history", runs=14, explanation="from 14 runs of video-summary")

VIDEO: list[Step] = [
    (0, None, events.RunCreated(kind="video-summary", title="Apollo 11: eight days in 195 hours of radio")),
    (0, None, planned(validate=5, metadata=10, transcript=20, analysis=15, summary=40, quality=10)),
    (0, None, events.RunStarted()),
    (0, "validate", events.StageStarted(title="Validate")),
    (2, "validate", events.StageCompleted(duration=2.1, summary="16 blocks")),
    (2, "metadata", events.StageStarted(title="Metadata", total=8474, unit="cues")),
    (6, "metadata", events.StageCompleted(duration=4.0, summary="8,474 cues, 12 speakers")),
    (6, "transcript", events.StageStarted(title="Transcript", total=8474, unit="cues")),
    (16, "transcript", events.StageProgress(current=8474)),
    (16, "transcript", events.StageCompleted(duration=10.2)),
    (16, None, events.Highlight(text="122,640 words by 12 speakers")),
    (16, "analysis", events.StageStarted(title="Analysis")),
    (20, "analysis", events.StageDegraded(reason="no speaker model", fallback="voice activity")),
    (21, "analysis", events.StageCompleted(duration=4.6)),
    (21, None, events.Highlight(text="43 chapters found")),
    (21, "summary", events.StageStarted(title="Summary", total=16, unit="chunk")),
    (22, "summary", events.Log(lines=("chunk 1: 61 sentences, 4 kept", "chunk 2: 58 sentences, 6 kept"))),
    (41, "summary", events.StageProgress(current=7, message="Chunk 7 of 16")),
    (41, "summary", events.Log(lines=tuple(f"chunk {n}: {50 + n} sentences, {n} kept" for n in range(3, 8)))),
]

AUDIT: list[Step] = [
    (0, None, events.RunCreated(kind="site-audit", variant="shop", title="https://shop.example/")),
    (
        0,
        None,
        events.RunPlanned(
            stages=(
                events.PlannedStage(path="scout", title="Scout", weight=20, role="agent"),
                events.PlannedStage(path="security", title="Security", weight=15, role="agent"),
                events.PlannedStage(path="osint", title="OSINT", weight=10, role="agent"),
                events.PlannedStage(path="vision", title="Vision", weight=30, role="agent"),
                *(events.PlannedStage(path=f"vision/pass-{n}", title=f"Pass {n}", weight=10) for n in range(1, 6)),
                events.PlannedStage(path="graph", title="Graph", weight=10, role="agent"),
                events.PlannedStage(path="judge", title="Judge", weight=15, role="agent"),
            )
        ),
    ),
    (0, None, events.RunStarted()),
    (0, "scout", events.StageStarted()),
    (19, "scout", events.Screenshot(artifact="shots/home.png", caption="Home", width=1280, height=800)),
    (20, "scout", events.StageCompleted(duration=20.4, summary="9 pages, 4 forms")),
    (20, "security", events.StageStarted(total=12, unit="checks")),
    (20, "osint", events.StageStarted()),
    (
        24,
        "osint",
        events.StageFailed(error=events.ErrorInfo(code="timed-out", message="no answer within 4 s"), duration=4),
    ),
    (24, "osint", events.Error(message="the registry did not answer", code="unreachable", recoverable=True)),
    (25, "vision/pass-1", events.StageStarted()),
    (31, "vision/pass-1", events.StageCompleted(duration=6.2)),
    (31, "vision/pass-2", events.StageStarted(total=9, unit="page")),
    (33, "vision", events.Finding(id="f1", severity="high", title="Countdown restarts on reload", confidence=0.8)),
    (
        34,
        "vision",
        events.Finding(id="f2", severity="medium", title="Newsletter box is ticked beforehand", confidence=0.95),
    ),
    (
        35,
        "security",
        events.Finding(id="f3", severity="critical", title="Card form is loaded over http", confidence=1.0),
    ),
    (35, "vision", events.Finding(id="f4", severity="medium", title="“Only 2 left” on every product", confidence=0.6)),
    (36, "vision", events.Finding(id="f5", severity="low", title="Close button has 6 pixels", confidence=0.5)),
    (36, None, events.Highlight(text="3 dark patterns found")),
    (37, "vision/pass-2", events.StageProgress(current=4, message="checkout")),
    (37, "security", events.StageProgress(current=9)),
    (38, "vision", events.Screenshot(artifact="shots/checkout.png", caption="Checkout")),
    (38, None, events.Artifact(name="har/shop.har", size=1_845_000)),
    (
        39,
        None,
        events.InputRequested(
            id="login", prompt="Log in as a customer?", choices=("yes", "no"), deadline=times.to_text(BEGAN + 639)
        ),
    ),
    (40, "security", events.Log(stream="stderr", lines=("\x1b[33mwarning\x1b[0m: certificate ends in 12 days",))),
    (
        41,
        "vision",
        events.Log(lines=("GET https://shop.example/checkout 200", "\x1b[32mmodel\x1b[0m 4 regions, 212 ms")),
    ),
]

FAILED: list[Step] = [
    *VIDEO,
    (50, "summary", events.Error(message="disk is nearly full", code="disk", recoverable=True)),
    (
        58,
        None,
        events.RunFailed(
            error=events.ErrorInfo(code="out-of-memory", message="the model needs 6 GB more than there are"),
            duration=58.0,
        ),
    ),
]

COMPLETED: list[Step] = [
    *VIDEO,
    (63, "summary", events.StageProgress(current=16)),
    (63, "summary", events.StageCompleted(duration=42.0, summary="288 sentences")),
    (63, "quality", events.StageStarted(title="Quality")),
    (66, "quality", events.StageCompleted(duration=3.0, summary="coverage 0.61")),
    (66, None, events.Artifact(name="summary.md", size=14_200)),
    (67, None, events.RunCompleted(result={"sentences": 288, "coverage": 0.611}, duration=67.0)),
]
