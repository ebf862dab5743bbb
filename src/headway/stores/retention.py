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
    """What a prune looks at; ``key`` is the store's own name for the run."""

    key: int
    run_id: str
    kind: str
    status: str
    ended_at: str
    size_bytes: int


def choose(ended: Iterable[EndedRun], all_bytes: int, policy: PrunePolicy, clock: Clock) -> list[EndedRun]:
    """Which of the ended runs, given newest first, the policy removes."""
    before = "" if policy.older_than_s is None else times.to_text(clock.wall() - policy.older_than_s)
    fitting = [run for run in ended if policy.kind in (None, run.kind) and policy.status in (None, run.status)]
    kept = len(fitting) if policy.max_runs is None else policy.max_runs
    chosen = [run for index, run in enumerate(fitting) if index >= kept or run.ended_at < before]
    if policy.max_bytes is None:
        return chosen
    excess = all_bytes - policy.max_bytes - sum(run.size_bytes for run in chosen)
    keys = {run.key for run in chosen}
    for run in reversed(fitting):
        if excess > 0 and run.key not in keys:
            chosen.append(run)
            excess -= run.size_bytes
    return chosen


def pruned(runs: list[EndedRun]) -> Pruned:
    """What to say of the runs that were removed."""
    return Pruned(runs=tuple(run.run_id for run in runs), size_bytes=sum(run.size_bytes for run in runs))


def too_much_log(row: RunRow, limit_bytes: int) -> bool:
    """Whether the run's log text has noticeably outgrown what is kept."""
    return row.log_bytes - row.log_cut > limit_bytes * (1 + ELISION_SLACK)


def elided(row: RunRow, seq: int, body: bytes) -> bytes:
    """A log event without its text: number, offset and the number of bytes that were cut stay."""
    event = codec.decode_event(body)
    data = codec.data_of(event)
    assert isinstance(data, events.Log)
    row.log_elided = seq
    if data.elided is not None:
        return body  # it came so, with an import
    size = text_bytes(data)
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
