"""What a run's own progress says about the time left, and how far to trust it."""

from headway.progress.remaining.situation import RunningStage

WARM_UP_S = 5.0
"""In the first seconds of a stage its pace is trusted less than history (requirement T2)."""
PACE_NOISE = 0.1
"""How far the pace of a whole stage is off as a rule; over less of it the variance is larger in proportion."""
COARSEST = 0.05
"""The step of a bar that does not say how many steps it has."""
LEAST = 1e-6
"""The smallest progress there is: the state keeps it in millionths."""
SURE, UNSURE = 0.1, 1.0
"""History is taken for no better and no worse than this, as a logarithm, when weighed against the pace."""
OVERTIME = 1.2
"""What has outlived all that is known is expected to take a fifth longer than it did so far."""


def projected(progress: float, spent: float, since: float, steps: float | None) -> float:
    """How long the whole takes at this pace.

    The pace is that of the last step reported. Once the next one is late, its lateness counts, so waiting never
    lowers the expectation, and there is no jump at each step.

    Args:
        progress: The fraction done, above 0.
        spent: Seconds from the beginning to the last change of the fraction.
        since: Seconds from that change to now.
        steps: How many equal steps there are, if that is known.
    """
    step = min(1 / steps if steps else COARSEST, 1.0)
    return max(spent / progress, (spent + since) / min(progress + step, 1.0))


def trust(progress: float, spread: float, spent: float) -> float:
    """The weight of a stage's own pace against history, from 0 to 1.

    Both count by the inverse of their variance, that of the pace falling with the progress made.

    Args:
        progress: The fraction done.
        spread: How far history may be off, as a logarithm.
        spent: Seconds from the stage's beginning to its last report of progress.
    """
    ratio = (PACE_NOISE / min(max(spread, SURE), UNSURE)) ** 2
    return min(1.0, spent / WARM_UP_S / 2) * progress / (progress + ratio)


def begun_to_move(progress: float | None) -> bool:
    """Whether a fraction is progress at all, and so tells a pace."""
    return progress is not None and progress >= LEAST


def reported(stage: RunningStage, now: float) -> float:
    """Seconds from the stage's beginning to its last report of progress; to now if it is not known when that was."""
    changed = now if stage.progress_at is None else stage.progress_at
    return min(max(changed, stage.begun), max(now, stage.begun)) - stage.begun


def stage_left(stage: RunningStage, now: float) -> float | None:
    """Seconds until the stage ends at its own pace, or None while it has reported no progress."""
    if not begun_to_move(stage.progress):
        return None
    spent, elapsed = reported(stage, now), max(now - stage.begun, 0.0)
    return max(projected(min(stage.progress or 0.0, 1.0), spent, elapsed - spent, stage.total) - elapsed, 0.0)


def overtime(expected: float, spent: float) -> float:
    """The time left of what was expected to take so long; never zero."""
    return max(expected, OVERTIME * spent) - spent
