"""The time left when there is no history: by the author's expectations, by the run's own pace, or by the queue."""

from headway.progress.remaining.estimate import Basis, Estimate
from headway.progress.remaining.own_pace import begun_to_move, overtime, projected, reported, stage_left, trust
from headway.progress.remaining.situation import PlannedStage, RunningStage, Situation

PLAN_SPREAD = 0.5
"""Authors' expectations are off by half as a rule (as a logarithm): the best that was asked for is a guess."""
FACTOR = 2.0
"""Without history, nine in ten runs are taken to need at most this many times the estimate, or at least its inverse."""


def planned_left(situation: Situation) -> float | None:
    """What the author expects of every stage that has not ended, or None unless all say it.

    Stages that run side by side count by the longest, those that wait are taken to follow one another.
    """
    running = [_expected(stage, situation.elapsed) for stage in situation.running]
    waiting = [stage.expect for stage in situation.planned]
    known = [left for left in (*running, *waiting) if left is not None]
    if not known or len(known) < len(running) + len(waiting):
        return None
    return max(known[: len(running)], default=0.0) + sum(known[len(running) :])


def _expected(stage: RunningStage, now: float) -> float | None:
    if stage.expect is None:
        return None
    history = overtime(stage.expect, max(now - stage.begun, 0.0))
    own = stage_left(stage, now)
    if own is None:
        return history
    weight = trust(min(stage.progress or 0.0, 1.0), PLAN_SPREAD, reported(stage, now))
    return (1 - weight) * history + weight * own


def paced_left(situation: Situation) -> float | None:
    """The time left at the pace of the whole run, or None while it has made no progress."""
    if not begun_to_move(situation.progress) or situation.elapsed <= 0:
        return None
    now = situation.elapsed
    changed = now if situation.progress_at is None else min(max(situation.progress_at, 0.0), now)
    whole = projected(min(situation.progress or 0.0, 1.0), changed, now - changed, _steps(situation))
    return max(whole - now, 0.0)


def _steps(situation: Situation) -> float | None:
    """How many steps the whole has, if one running stage says so for its share of the plan."""
    stages: list[RunningStage | PlannedStage] = [*situation.running, *situation.planned]
    if len(situation.running) != 1 or situation.ended or len(stages) > 1:
        return None
    return situation.running[0].total


def without_history(situation: Situation) -> Estimate | None:
    """The best that can be said about a run of a kind that has never completed, or None."""
    planned, paced = planned_left(situation), paced_left(situation)
    if planned is not None:
        return _guess(planned, "plan", "from the plan")
    if paced is not None:
        return _guess(paced, "rate", "from this run's own pace")
    return None


def in_queue(situation: Situation, duration: float, runs: int) -> Estimate:
    """How long a queued run still waits: the runs ahead, `slots` at a time, each as long as runs of its kind."""
    assert situation.queue is not None
    rounds = -(-max(situation.queue.position, 1) // max(situation.queue.slots, 1))
    ahead = situation.queue.position
    text = f"{ahead} run{'' if ahead == 1 else 's'} ahead"
    return _guess(overtime(rounds * duration, situation.elapsed), "queue", text, runs)


def _guess(remaining: float, basis: Basis, explanation: str, runs: int = 0) -> Estimate:
    remaining = max(remaining, 1e-3)
    return Estimate(
        remaining=remaining,
        low=remaining / FACTOR,
        high=remaining * FACTOR,
        basis=basis,
        runs=runs,
        explanation=explanation,
    )
