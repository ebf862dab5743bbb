"""What becomes of owners and helpers, as pure code that all stores share: which events a claim or a silence means."""

from __future__ import annotations

from headway.errors import Fenced
from headway.ports import Clock, Lease, SweepRules
from headway.protocol import events, times
from headway.protocol.events import Data, Draft, ErrorInfo, ReporterInfo
from headway.stores.admission import check_attempt, check_open, check_reporter
from headway.stores.rows import RunRow


def claim(row: RunRow, reporter: ReporterInfo, at: str) -> list[Draft]:
    """The events that make the reporter the run's owner; none if it is and was not lost. Raises RunEnded."""
    check_reporter(reporter.id)
    check_open(row)
    is_new = row.owner != reporter.id
    data: list[Data] = []
    if row.status == "lost":
        data.append(events.RunRecovered(reason="taken over" if is_new else "the owner came back"))
    if is_new:
        row.owner = reporter.id
        data.append(events.RunStarted(attempt=row.attempt + 1, reporter=reporter))
    return [events.draft(each, at=at) for each in data]


def renewal(row: RunRow, lease: Lease, clock: Clock) -> list[Draft]:
    """The events of a lease's renewal; an owner's of a run that has none is a claim. Raises RunEnded and Fenced."""
    if lease.owner and row.owner is None and lease.attempt in (None, row.attempt + 1):
        return claim(row, lease.reporter, times.to_text(clock.wall()))
    check_reporter(lease.reporter.id)
    check_open(row)
    check_attempt(row, lease.attempt)
    if lease.owner and row.owner != lease.reporter.id:
        raise Fenced(f"run {row.run_id!r} is not owned by reporter {lease.reporter.id!r} (any more)")
    if lease.owner and row.status == "lost":
        return [_now(events.RunRecovered(reason="the owner came back"), clock)]
    return []


def leaves(row: RunRow, reporter: str, attempt: int | None) -> bool:
    """Whether who gives its lease back is the owner of a run that goes on. Raises Fenced."""
    if row.owner != reporter:
        return False
    check_attempt(row, attempt)
    return row.status == "running"


def loss(row: RunRow, clock: Clock) -> list[Draft]:
    """The events of an owner's lease that ran out; from now on the run waits for it. None if it does already."""
    if row.status != "running":
        return []
    row.since, row.boot = clock.elapsed(), clock.boot()
    return [_now(events.RunLost(reason="the owner's lease ran out"), clock)]


def stage_failures(paths: list[str], clock: Clock) -> list[Draft]:
    """The events of a helper's lease that ran out, for the stages that it had open, innermost first."""
    error = ErrorInfo(code="reporter-lost", message="whoever ran this stage is gone", recoverable=False)
    return [_now(events.StageFailed(error=error), clock, stage=path) for path in sorted(paths, reverse=True)]


def wait_for_more(row: RunRow, clock: Clock) -> None:
    """Events were appended: a run that has started elsewhere is being imported, and need not have an owner yet."""
    if row.owner is None and row.status != "pending":
        row.since, row.boot = clock.elapsed(), clock.boot()


def has_waited(row: RunRow, rules: SweepRules, clock: Clock) -> bool:
    """Whether a run that waits has done so for too long."""
    limit_s = rules.lost_to_failed_s if row.status == "lost" else rules.unowned_to_failed_s
    return clock.elapsed() - row.since > limit_s


def end_of_patience(row: RunRow, rules: SweepRules, clock: Clock) -> list[Draft]:
    """The events of a run that has waited for too long; none while it may wait.

    After another start of the machine the waiting begins anew: how long the machine was off is not known.
    """
    if row.boot != clock.boot():
        row.since, row.boot = clock.elapsed(), clock.boot()
    code, message = "never-started", "nobody took the job on"
    if row.status == "lost":
        code, message = "lost", "the job stopped reporting and did not come back"
    elif row.status == "running":
        code, message = "lost", "it was imported before its end, and nobody took it on here"
    if not has_waited(row, rules, clock):
        return []
    return [_now(events.RunFailed(error=ErrorInfo(code=code, message=message, recoverable=False)), clock)]


def _now(data: Data, clock: Clock, stage: str | None = None) -> Draft:
    return events.draft(data, at=times.to_text(clock.wall()), stage=stage)
