"""The transitions of runs and stages, all of them, as tables.

Theory of operation: a row names an event, a column the status that it finds, the cell the status that follows. A
cell that is not there means that the event is not taken in that status and changes nothing, so nothing can come in
an order that would be an error. The statuses that an event leaves as they are stand in the table too: there the
event's other members are taken. Beside the two tables stand the endings, which carry the end of a run, or of a
stage, over to the stages that are still open.
"""

from __future__ import annotations

from headway.progress.state import StageStatus
from headway.protocol.events import RunStatus

RUN_ENDED: frozenset[RunStatus] = frozenset(("completed", "failed", "cancelled"))
"""A run in one of these takes nothing any more."""

STAGE_ENDED: frozenset[StageStatus] = frozenset(("completed", "failed", "skipped"))
"""A stage in one of these takes only a new start."""

RUN: dict[str, dict[RunStatus, RunStatus]] = {
    "run.started": {"pending": "running", "running": "running", "lost": "running"},
    "run.lost": {"running": "lost"},
    "run.recovered": {"lost": "running"},
    "run.completed": {"pending": "completed", "running": "completed", "lost": "completed"},
    "run.failed": {"pending": "failed", "running": "failed", "lost": "failed"},
    "run.cancelled": {"pending": "cancelled", "running": "cancelled", "lost": "cancelled"},
}
"""Event type → status before → status after, of a run."""

STAGE: dict[str, dict[StageStatus, StageStatus]] = {
    "stage.started": {
        "pending": "running",
        "running": "running",
        "degraded": "degraded",
        "completed": "running",
        "failed": "running",
        "skipped": "running",
    },
    "stage.progress": {"pending": "running", "running": "running", "degraded": "degraded"},
    "stage.degraded": {"pending": "degraded", "running": "degraded", "degraded": "degraded"},
    "stage.completed": {"pending": "completed", "running": "completed", "degraded": "completed"},
    "stage.failed": {"pending": "failed", "running": "failed", "degraded": "failed"},
    "stage.skipped": {"pending": "skipped", "running": "skipped", "degraded": "skipped"},
}
"""Event type → status before → status after, of a stage."""

BELOW_ENDED: dict[StageStatus, StageStatus] = {"pending": "skipped"}
"""Status of a stage below one that ends → how it ends with it; what runs there goes on."""

AT_RUN_END: dict[RunStatus, dict[StageStatus, StageStatus]] = {
    "completed": {"pending": "skipped", "running": "completed", "degraded": "completed"},
    "failed": {"pending": "skipped", "running": "failed", "degraded": "failed"},
    "cancelled": {"pending": "skipped", "running": "skipped", "degraded": "skipped"},
}
"""How a run ended → status of an open stage → how that stage ends with it."""
