"""What a watcher sees of a run that is replayed: the end that is promised, and the bar."""

from collections.abc import Iterator

from headway.progress.fold import Fold
from headway.progress.remaining import Countdown, Estimate
from headway.protocol.events import Data, StageCompleted, StageStarted
from headway.testing.eta.replay import Replay
from headway.testing.samples import AT

READABLE_S = 0.5
"""Seconds that a shown end must move to count as moved: half of the last digit that a watcher reads."""


class Counted(Countdown):
    """What is shown of the estimates, and how steady it is.

    Attributes:
        reversals: How often the shown end moved the other way than it had moved before.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reversals = 0

    def _set(self, end: float) -> None:
        before = self._later
        super()._set(end)
        self.reversals += before is not None and self._later != before


class Unsmoothed:
    """The end as every estimate gives it; counts what `Counted` counts of what is shown.

    Attributes:
        reversals: How often the end moved the other way than it had moved before.
    """

    def __init__(self) -> None:
        self.reversals = 0
        self._end: float | None = None
        self._later: bool | None = None

    def update(self, estimate: Estimate | None, now: float) -> None:
        """Take a new estimate."""
        if estimate is None:
            return
        end = now + estimate.remaining
        if self._end is not None and abs(end - self._end) > READABLE_S:
            later = end > self._end
            self.reversals += self._later is not None and later != self._later
            self._later = later
        self._end = end


class Watcher:
    """Looks at one run.

    Attributes:
        shown: What it is shown of the estimates.
        raw: The estimates themselves.
    """

    def __init__(self) -> None:
        self.shown, self.raw = Counted(), Unsmoothed()

    def update(self, estimate: Estimate | None, now: float) -> None:
        """Take a new estimate."""
        self.shown.update(estimate, now)
        self.raw.update(estimate, now)


def steps_back(run: Replay) -> int:
    """How often the run's bar falls: the progress that its events fold into, no plan being known."""
    fold, before, fell = Fold("replayed"), 0.0, 0
    for number, (path, type_, data) in enumerate(_events(run), 1):
        fold.apply_parts(number, AT, type_, path, data)
        progress = fold.short().progress
        fell, before = fell + (progress < before), progress
    return fell


def _events(run: Replay) -> Iterator[tuple[str, str, Data]]:
    moments: list[tuple[float, str, str, Data]] = []
    for stage in run.stages:
        moments.append((stage.begun, stage.path, "stage.started", StageStarted()))
        moments.append((stage.ended, stage.path, "stage.completed", StageCompleted()))
    for _, path, type_, data in sorted(moments, key=lambda moment: moment[0]):
        yield path, type_, data
