"""Histories to estimate from."""

from __future__ import annotations

from headway.progress.remaining import History, PastRun, StageSpan


def run(*durations: float, names: str = "abcdefgh", size: dict[str, float] | None = None) -> PastRun:
    """A run of stages one after the other, called a, b, c…"""
    now, spans = 0.0, []
    for name, seconds in zip(names, durations, strict=False):
        spans.append(StageSpan(name, now, now + seconds))
        now += seconds
    return PastRun(duration=now, stages=tuple(spans), size=size or {})


def total(duration: float, **size: float) -> PastRun:
    """A run of which only the duration is known."""
    return PastRun(duration=duration, size=size)


def history(*runs: PastRun) -> History:
    return History(kind="video-summary", runs=runs)
