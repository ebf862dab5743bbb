"""What is remembered of the runs of a kind: how long they and their stages took, and what failed."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from headway.ports import EventStore, Header, PastRun, RunFilter
from headway.protocol import codec, names
from headway.protocol.events import Priority
from headway.server import parameters
from headway.server.answers import answer
from headway.server.backend import Backend

FAILED_RUNS = 100
"""Failed runs that are looked at: as many as completed ones are remembered."""

PRIORITIES: tuple[Priority, ...] = ("critical",)
"""Of failures, by which a store finds them without reading the rest."""


class Durations(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of work: how many were measured, and how they lie; null where nothing was."""

    count: int
    mean: float | None = None
    p50: float | None = None
    p90: float | None = None
    failed: int = 0


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One completed run: seconds of work, whole and by stage."""

    run_id: str
    ended_at: str
    duration: float
    stages: dict[str, float]


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """One failed run, and the stages of it that failed."""

    run_id: str
    ended_at: str | None
    error: msgspec.Raw | None
    stages: tuple[str, ...]


class KindHistory(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of the runs of a kind that have this variant (null: none); the lists have the oldest first."""

    kind: str
    variant: str | None
    runs: Durations
    stages: dict[str, Durations]
    completed: Sequence[Moment]
    failed: Sequence[Broken]


async def list_kinds(backend: Backend, _request: Request) -> Response:
    """``GET /kinds``."""
    return answer({"kinds": await backend.ask(lambda store: store.kinds())})


async def read_history(backend: Backend, request: Request) -> Response:
    """``GET /kinds/{kind}/history?variant=``."""
    kind = names.kind(request.path_params["kind"])
    variant = parameters.text(request, "variant")
    return answer(await backend.ask_much(lambda store: _history(store, kind, variant)))


def _history(store: EventStore, kind: str, variant: str | None) -> KindHistory:
    completed = [_moment(run) for run in store.past_runs(kind, variant)]
    failed = _failures(store, kind, variant)
    failures = Counter(path for run in failed for path in run.stages)
    paths = sorted({*failures, *(path for run in completed for path in run.stages)})
    return KindHistory(
        kind=kind,
        variant=variant,
        runs=durations([run.duration for run in completed], len(failed)),
        stages={path: durations(_of_stage(completed, path), failures[path]) for path in paths},
        completed=completed,
        failed=failed,
    )


def _moment(run: PastRun) -> Moment:
    stages = {path: round(end - start, 3) for path, (start, end) in run.stages.items()}
    return Moment(run_id=run.run_id, ended_at=run.ended_at, duration=run.duration, stages=stages)


def _of_stage(completed: Iterable[Moment], path: str) -> list[float]:
    return [run.stages[path] for run in completed if path in run.stages]


def durations(seconds: Sequence[float], failed: int = 0) -> Durations:
    """How some durations lie: the percentiles are of the values themselves, interpolated."""
    if not seconds:
        return Durations(count=0, failed=failed)
    return Durations(
        count=len(seconds),
        mean=round(statistics.fmean(seconds), 3),
        p50=round(percentile(seconds, 0.5), 3),
        p90=round(percentile(seconds, 0.9), 3),
        failed=failed,
    )


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which such a part of them lies, linearly between neighbours."""
    ordered = sorted(values)
    place = part * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _failures(store: EventStore, kind: str, variant: str | None) -> list[Broken]:
    found = store.list_runs(RunFilter(kind=kind, status="failed"), limit=FAILED_RUNS).headers
    return [_broken(store, header) for header in reversed(found) if header.variant == variant]


def _broken(store: EventStore, header: Header) -> Broken:
    page = store.read(header.run_id, types=("stage.failed",), priorities=PRIORITIES)
    events = (codec.decode_event(record.body) for record in page.records)
    stages = tuple(sorted({event.stage for event in events if event.stage}))
    return Broken(run_id=header.run_id, ended_at=header.ended_at, error=header.error, stages=stages)
