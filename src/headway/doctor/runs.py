"""Runs that need somebody: those that have lost their job."""

from __future__ import annotations

from collections.abc import Iterator

from headway.doctor.check import Check, fine, warning
from headway.ports import EventStore, RunFilter

COUNTED = 1_000
SHOWN = 3


def check_runs(store: EventStore) -> Iterator[Check]:
    """Which runs have lost their job, or never had one here. Finding that out may be what says it in their logs."""
    store.sweep()
    lost = [header.run_id for header in store.list_runs(RunFilter(status="lost"), limit=COUNTED).headers]
    running = store.list_runs(RunFilter(status="running"), limit=COUNTED).headers
    unowned = [header.run_id for header in running if header.owner is None]
    if lost:
        yield warning(
            "runs",
            f"{len(lost):,} run(s) have lost their job: {_some(lost)}",
            f"start the job again, or end the run:  headway cancel {lost[0]}; after five minutes it fails by itself",
        )
    if unowned:
        yield warning(
            "runs",
            f"{len(unowned):,} run(s) were imported before their end, and nobody works on them: {_some(unowned)}",
            f"end them:  headway cancel {unowned[0]}; ten minutes after their import they fail by themselves",
        )
    if not lost and not unowned:
        yield fine("runs", f"{len(running):,} are running, and none has lost its job")


def _some(run_ids: list[str]) -> str:
    return ", ".join(run_ids[:SHOWN]) + (" and others" if len(run_ids) > SHOWN else "")
