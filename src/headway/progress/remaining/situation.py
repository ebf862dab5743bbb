"""What a live run shows at one moment, and nothing else."""

import msgspec


class EndedStage(msgspec.Struct, frozen=True):
    """A stage that has ended; `occurrence` counts earlier stages of the same path in this run."""

    path: str
    begun: float
    ended: float
    occurrence: int = 0


class RunningStage(msgspec.Struct, frozen=True):
    """A stage that runs.

    Attributes:
        path: Its name in the run.
        begun: Seconds from the run's start to its beginning.
        occurrence: How many stages of this path began earlier in this run.
        progress: The fraction done, 0 to 1, if it reports one.
        progress_at: When that fraction was last changed, in seconds from the run's start.
        total: How many equal steps it has, if it says so.
        expect: How long the author expects it to take.
        weight: Its share of the plan.
    """

    path: str
    begun: float
    occurrence: int = 0
    progress: float | None = None
    progress_at: float | None = None
    total: float | None = None
    expect: float | None = None
    weight: float = 1.0


class PlannedStage(msgspec.Struct, frozen=True):
    """A stage of the plan that has not begun."""

    path: str
    expect: float | None = None
    weight: float = 1.0


class QueuePlace(msgspec.Struct, frozen=True):
    """Where a run stands that has not started: `position` runs go first, `slots` run side by side."""

    position: int
    slots: int = 1


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """A live run at one moment. Times are seconds of work from its start.

    Attributes:
        elapsed: Now.
        running: The stages that run, in the order in which they began.
        ended: The stages that have ended, in the order in which they ended.
        planned: The stages of the plan that have not begun.
        progress: The fraction done of the whole run, if anything reports it.
        progress_at: When that fraction was last changed.
        size: The author's numbers for this run.
        queue: Set while the run waits for its turn.
    """

    elapsed: float
    running: tuple[RunningStage, ...] = ()
    ended: tuple[EndedStage, ...] = ()
    planned: tuple[PlannedStage, ...] = ()
    progress: float | None = None
    progress_at: float | None = None
    size: dict[str, float] = {}
    queue: QueuePlace | None = None
