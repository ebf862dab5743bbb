"""What is kept and for how long, as pure code that all stores share."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from headway.ports import Clock, Pruned, PrunePolicy
from headway.protocol import codec, events, times
from headway.stores.rows import RunRow, line_ends, text_bytes

ELISION_SLACK = 0.05
"""Log text is cut a twentieth of the limit at a time, so that not every append has to."""


class EndedRun(msgspec.Struct, frozen=True):
    """What a prune looks at: ``key`` is the store's own name for the run, ``since`` when it ended, or came later."""

    key: int
    run_id: str
    kind: str
    status: str
    since: str
    size_bytes: int


def choose(ended: Iterable[EndedRun], all_bytes: int, policy: PrunePolicy, clock: Clock) -> list[EndedRun]:
    """Which of the ended runs, given newest first, the policy removes."""
    ages = _Ages(policy, clock.wall())
    fitting = [run for run in ended if policy.kind in (None, run.kind) and policy.status in (None, run.status)]
    kept = len(fitting) if policy.max_runs is None else policy.max_runs
    chosen = [run for index, run in enumerate(fitting) if index >= kept or ages.is_too_old(run)]
    if policy.max_bytes is None:
        return chosen
    excess = all_bytes - policy.max_bytes - sum(run.size_bytes for run in chosen)
    keys = {run.key for run in chosen}
    for run in reversed(fitting):
        if excess > 0 and run.key not in keys:
            chosen.append(run)
            excess -= run.size_bytes
    return chosen


class _Ages:
    """For how long each run is kept."""

    def __init__(self, policy: PrunePolicy, now_s: float) -> None:
        self._usual = _moment(now_s, policy.older_than_s)
        self._lifetimes = [(each.kind, each.status, _moment(now_s, each.kept_s)) for each in policy.lifetimes]

    def is_too_old(self, run: EndedRun) -> bool:
        moments = [
            moment
            for kind, status, moment in self._lifetimes
            if kind in (None, run.kind) and status in (None, run.status)
        ]
        return run.since < min(moments, default=self._usual)


def _moment(now_s: float, age_s: float | None) -> str:
    """A time of the past; one before all others for None, or if there is none that long ago."""
    try:
        return "" if age_s is None else times.to_text(now_s - age_s)
    except OverflowError:
        return ""


def pruned(runs: list[EndedRun]) -> Pruned:
    """What to say of the runs that were removed."""
    return Pruned(runs=tuple(run.run_id for run in runs), size_bytes=sum(run.size_bytes for run in runs))


def too_much_log(row: RunRow, limit_bytes: int) -> bool:
    """Whether the run's log text has noticeably outgrown what is kept."""
    return row.log_bytes - row.log_cut > limit_bytes * (1 + ELISION_SLACK)


def elided(row: RunRow, seq: int, body: bytes, limit_bytes: int) -> bytes | None:
    """The oldest log event without its text: number, offset and the number of bytes that were cut stay.

    None if the newest ``limit_bytes`` of text begin in it: they are to be kept, however small the limit is.
    """
    event = codec.decode_event(body)
    data = codec.data_of(event)
    assert isinstance(data, events.Log)
    size = 0 if data.elided is not None else text_bytes(data)
    if row.log_bytes - row.log_cut - size < limit_bytes:
        return None
    row.log_elided = seq
    if data.elided is not None:
        return body  # it came so, with an import
    cut = events.Log(
        stream=data.stream,
        level=data.level,
        partial=data.partial,
        elided=size,
        elided_lines=line_ends(data),
        offset=data.offset,
    )
    shorter = msgspec.json.encode(msgspec.structs.replace(event, data=msgspec.Raw(msgspec.json.encode(cut))))
    row.log_cut += size
    row.size_bytes += len(shorter) - len(body)
    return shorter


def eliding(row: RunRow, body: bytes) -> bytes:
    """The newest log event, when older ones were elided: it says so to those who have read them already."""
    longer = codec.with_eliding(body)
    row.size_bytes += len(longer) - len(body)
    return longer
