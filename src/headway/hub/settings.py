"""What can be set of a hub; each default with its reason."""

from __future__ import annotations

import msgspec

from headway.errors import TooManyRuns
from headway.ports import PrunePolicy, SweepRules

KEPT_S = 24 * 3600.0
"""For how long ended runs are kept: those of today are looked at, and a small disk bears them."""


class HubSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How long a hub waits, and how much it keeps. Times are in seconds.

    Attributes:
        heartbeat_s: How often a sink's ``beat`` is called.
        tick_s: How long nothing may be sent to the watchers of a run that goes on.
        linger_s: How long a run that nobody watches any more is kept: somebody who reloads a page comes back soon.
        linger_runs: How many of these at most; of more the one that was left first goes first.
        waiting_s: How long a run that does not exist is waited for.
        stuck_s: How long a transport may be full before its connection is closed.
        kinds_per_run: Ways in which one run is watched (``too-many-ways``): its cohorts, each of which costs an
            encoding of every frame.
        runs_per_connection: Runs that one connection may watch (``too-many-runs``).
        runs_per_stream: The same for one joined stream of Server-Sent Events. Each of its frames carries the places of
            all its runs: of 1,000 these would be 25 KB, and milliseconds of the loop, for one event of 400 bytes; and a
            client that comes back with them would not get past a usual proxy.
        connection_rate: Frames a second to one connection, all its paced runs together; also the burst.
        full_events: So many of the newest events a paced watcher gets with care for each; from further behind it gets
            what matters, and a snapshot. To weigh all of a million events for one watcher would take seconds.
        recent_events: Events of one run that are kept in memory.
        recent_bytes: Their bytes; less when many runs are followed.
        recent_total_bytes: The same for all runs together.
        list_s: How often a list of runs is sent at most.
        list_runs: The newest runs that a list begins with.
        reader_threads: Threads that read from the store. More would fight for the interpreter's lock with the loop.
        waiting_writes: Cancels, answers and notices that wait to be written; more are refused (``overloaded``).
        sweep_s: How often leases are looked at; 0 for never.
        sweep_rules: What silence means.
        prune_s: How often old runs are removed.
        retention: What to remove then: what ended more than a day ago. ``()`` for nothing.
        estimator: Of remaining time, as ``chosen_estimator`` takes it; None for what ``HEADWAY_ESTIMATOR`` says.
    """

    heartbeat_s: float = 25.0
    tick_s: float = 2.0
    linger_s: float = 5.0
    linger_runs: int = 256
    waiting_s: float = 600.0
    stuck_s: float = 60.0
    kinds_per_run: int = 32
    runs_per_connection: int = 1_000
    runs_per_stream: int = 100
    connection_rate: float = 50.0
    full_events: int = 4_096
    recent_events: int = 4_096
    recent_bytes: int = 1024 * 1024
    recent_total_bytes: int = 64 * 1024 * 1024
    list_s: float = 0.5
    list_runs: int = 200
    reader_threads: int = 2
    waiting_writes: int = 1_000
    sweep_s: float = 5.0
    sweep_rules: SweepRules = SweepRules()
    prune_s: float = 60.0
    retention: tuple[PrunePolicy, ...] = (PrunePolicy(older_than_s=KEPT_S),)
    estimator: str | None = None

    def check_runs(self, count: int, *, joined: bool) -> None:
        """Raise TooManyRuns if no connection, or no ``joined`` stream, may watch so many runs."""
        if joined and count > self.runs_per_stream:
            most = f"{self.runs_per_stream:,}"
            raise TooManyRuns(f"{count:,} runs in one stream: it has at most {most}; open several, or a WebSocket")
        if count > self.runs_per_connection:
            raise TooManyRuns(f"{count:,} runs at once: one connection watches at most {self.runs_per_connection:,}")
