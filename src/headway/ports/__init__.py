"""The few interfaces in which the strangers meet: a store, a sink for events, a place for artifacts, a clock.

Whoever implements one proves it with the contract suite in ``headway.testing``.
"""

from headway.ports.artifacts import ArtifactStore, StoredBlob
from headway.ports.clock import Clock, SystemClock
from headway.ports.log import (
    Appended,
    Batch,
    Created,
    Digest,
    Header,
    Lease,
    LogQuery,
    LogSlice,
    NewRun,
    Notice,
    Page,
    Record,
    Snapshot,
)
from headway.ports.sink import EventSink, Stop
from headway.ports.store import EventStore, Follower, Listener
from headway.ports.upkeep import (
    PAST_RUNS_KEPT,
    Lifetime,
    PastRun,
    Pruned,
    PrunePolicy,
    RunFilter,
    RunPage,
    SweepRules,
    Swept,
)

__all__ = [
    "PAST_RUNS_KEPT",
    "Appended",
    "ArtifactStore",
    "Batch",
    "Clock",
    "Created",
    "Digest",
    "EventSink",
    "EventStore",
    "Follower",
    "Header",
    "Lease",
    "Lifetime",
    "Listener",
    "LogQuery",
    "LogSlice",
    "NewRun",
    "Notice",
    "Page",
    "PastRun",
    "PrunePolicy",
    "Pruned",
    "Record",
    "RunFilter",
    "RunPage",
    "Snapshot",
    "Stop",
    "StoredBlob",
    "SweepRules",
    "Swept",
    "SystemClock",
]
