"""The estimator that learns from past runs: the default, and the simple rules in the same frame.

Each thing that happened lately is asked what past runs still took after it (`Anchor`); a row of like stages is
asked for its pace (`Series`); their answers, each given that the run has lasted this long since, are joined by a
weighted mean. What the running stage itself reports then draws the result towards its own pace.
"""

from math import exp, log, sqrt

from headway.progress.remaining.anchor import Rule
from headway.progress.remaining.estimate import Estimate
from headway.progress.remaining.history import History
from headway.progress.remaining.outlook import Outlook, agreed, doubted, surviving
from headway.progress.remaining.own_pace import PACE_NOISE, reported, stage_left, trust
from headway.progress.remaining.plan import in_queue, planned_left, without_history
from headway.progress.remaining.profile import START, Event, Profile
from headway.progress.remaining.situation import RunningStage, Situation
from headway.progress.remaining.size import Sized

VOICES = 4
"""How many of the running stages are heard, the newest first; the others began long ago."""
SHRUNK = 3
"""Up to this many past runs, the author's expectations count as one more."""
OVERDUE = 0.9
"""A run is overdue when this share of past runs was over by now."""
KEPT = 32
"""Histories whose profiles are kept: more kinds than are watched at a time by one process."""
SHORTEST_S = 1e-3
"""As long as a run has not ended, something remains."""
TAILS = 2.56
"""Standard deviations between the 10th and the 90th percentile of a normal distribution."""


class Learned:
    """Estimates from history; without any, from the plan or the run's own pace.

    Profiles of the last `KEPT` histories are kept, by identity: pass the same object again as long as the history
    is the same. Not to be shared between threads.
    """

    def __init__(self, rule: Rule | None = None) -> None:
        """Make one.

        Args:
            rule: Condense past durations by this rule instead of by all that can be learned from them.
        """
        self._rule = rule
        self._profiles: dict[tuple[int, frozenset[str]], tuple[History, Profile]] = {}

    def profile(self, history: History, size: dict[str, float]) -> Profile:
        """The history, prepared for runs that say these numbers; made at the first call for this very object."""
        names = frozenset() if self._rule else frozenset(size)
        known = self._profiles.get((id(history), names))
        if known is None:
            while len(self._profiles) >= KEPT:
                del self._profiles[next(iter(self._profiles))]
            known = self._profiles[id(history), names] = history, Profile(history, self._rule, names)
        return known[1]

    def estimate(self, situation: Situation, history: History) -> Estimate | None:
        """The time left, or None when nothing is known about it."""
        if not history.runs:
            return _unlearned(situation)
        profile = self.profile(history, situation.size)
        sized = profile.sized(situation.size)
        if situation.queue is not None:
            return in_queue(situation, _usual(profile, START, sized, 0.0), profile.runs)
        voices, alone = _paces(profile, situation) if self._rule is None else ([], False)
        for event, at in () if alone else _lately(situation, 0 if self._rule else VOICES):
            voices += _voice(profile, event, sized, at, situation.elapsed)
        if not voices:
            voices = _voice(profile, START, sized, 0.0, situation.elapsed)
        outlook = _with_plan(agreed(voices), situation, profile.runs)
        return _said(_with_pace(outlook, situation, profile, sized), profile)


def _unlearned(situation: Situation) -> Estimate | None:
    if situation.queue is None:
        return without_history(situation)
    planned = planned_left(situation)
    return None if planned is None else in_queue(situation, planned, 0)


def _lately(situation: Situation, voices: int) -> list[tuple[Event, float]]:
    """The beginnings of the stages that run, and the end of the one that ended last."""
    running = situation.running[-voices:] if voices else ()
    events: list[tuple[Event, float]] = [(("begun", stage.path, stage.occurrence), stage.begun) for stage in running]
    if situation.ended:
        last = situation.ended[-1]
        events.append((("ended", last.path, last.occurrence), last.ended))
    return events


def _voice(profile: Profile, event: Event, sized: Sized, at: float, now: float) -> list[Outlook]:
    """What past runs tell about the time after an event; empty if none had it."""
    anchor = profile.anchor(event)
    if anchor is None:
        return []
    shift = anchor.shift(profile.features(sized, at))
    return [doubted(surviving(anchor.distribution, shift, max(now - at, 0.0), profile.floor), sized.doubt)]


def _paces(profile: Profile, situation: Situation) -> tuple[list[Outlook], bool]:
    """What this run's pace tells if the stage that ended last belongs to a series, and whether only that counts."""
    series = profile.series(profile.family(situation.ended[-1].path)) if situation.ended else None
    if series is None:
        return [], False
    name = profile.family(situation.ended[-1].path)
    ends = [stage.ended for stage in situation.ended if profile.family(stage.path) == name]
    begun = len(ends) + sum(profile.family(stage.path) == name for stage in situation.running)
    # Who has begun more members than were expected was misjudged: nothing but history can tell how many there will be.
    if len(ends) < 2 or begun > series.members(situation.size):
        return [], False
    shift = log(series.expected(situation.size, ends) + profile.floor)
    silence = max(situation.elapsed - ends[-1], 0.0)
    outlook = surviving(series.distribution, shift, silence, profile.floor)
    return [outlook], series.incomparable(situation.size)


def _usual(profile: Profile, event: Event, sized: Sized, at: float) -> float:
    """The time usually left at an event, 0 if it is not known."""
    anchor = profile.anchor(event)
    if anchor is None:
        return 0.0
    shift = anchor.shift(profile.features(sized, at))
    return max(exp(anchor.distribution.location + shift) - profile.floor, 0.0)


def _with_plan(outlook: Outlook, situation: Situation, runs: int) -> Outlook:
    """Shrunk towards the author's expectations while there are few runs: the geometric mean of the totals."""
    planned = planned_left(situation) if runs <= SHRUNK else None
    if not planned:
        return outlook
    now = situation.elapsed
    share, whole = runs / (runs + 1), (now + planned) ** (1 / (runs + 1))
    remaining, low, high = ((now + left) ** share * whole - now for left in outlook[:3])
    return outlook._replace(remaining=remaining, low=low, high=high)


def _with_pace(outlook: Outlook, situation: Situation, profile: Profile, sized: Sized) -> Outlook:
    """Drawn towards what the running stages themselves report; of several side by side the longest decides."""
    longest, decisive = 0.0, None
    for stage in situation.running:
        left = stage_left(stage, situation.elapsed)
        if left is None:
            continue
        end = stage.begun + reported(stage, situation.elapsed) / min(stage.progress or 1.0, 1.0)
        after = _usual(profile, ("ended", stage.path, stage.occurrence), sized, end)
        if left + after >= longest:
            longest, decisive = left + after, stage
    return outlook if decisive is None else _drawn(outlook, longest, decisive, situation.elapsed)


def _drawn(outlook: Outlook, paced: float, stage: RunningStage, now: float) -> Outlook:
    progress = min(stage.progress or 0.0, 1.0)
    weight = trust(progress, outlook.width / TAILS, reported(stage, now))
    band = exp(TAILS / 2 * PACE_NOISE / sqrt(max(progress, PACE_NOISE)))
    return outlook._replace(
        remaining=(1 - weight) * outlook.remaining + weight * paced,
        low=(1 - weight) * outlook.low + weight * paced / band,
        high=(1 - weight) * outlook.high + weight * paced * band,
    )


def _said(outlook: Outlook, profile: Profile) -> Estimate:
    overdue = outlook.past >= OVERDUE
    source = f"from {profile.runs} run{'' if profile.runs == 1 else 's'} of {profile.kind}"
    remaining = max(outlook.remaining, SHORTEST_S)
    return Estimate(
        remaining=remaining,
        low=min(max(outlook.low, 0.0), remaining),
        high=max(outlook.high, remaining),
        basis="history",
        runs=profile.runs,
        overdue=overdue,
        explanation=f"longer than usual, {source}" if overdue else source,
    )
