"""What an event store should do, as plainly as it can be said: the truth that stores are compared with.

It keeps what a watcher can see and nothing else: of each event its text (of a note) or its type. A store and the model
are given the same calls; whatever the model refuses, the store must refuse with the same error.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

from headway.errors import Fenced, NotFound, ReporterGap, RunActive, RunEnded
from headway.ports import Clock, SweepRules, Swept

ENDED = ("completed", "failed", "cancelled")


@dataclass
class ModelRun:
    """One run: its log, and who works on it.

    ``name`` tells this log from every other one that had the same id.
    """

    name: int
    log: list[str]
    boot: str
    since: float
    remote: bool = False
    status: str = "pending"
    attempt: int = 0
    owner: str | None = None
    next: dict[str, int] = field(default_factory=dict)
    leases: dict[str, tuple[str, float, float | None]] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether the last event is there."""
        return self.status in ENDED


class Model:
    """The runs of a store; ``copy`` and ``restore`` stand for a backup of its file."""

    def __init__(self, clock: Clock, rules: SweepRules) -> None:
        self.clock = clock
        self.rules = rules
        self.runs: dict[str, ModelRun] = {}
        self.removed: set[tuple[str, int]] = set()
        self.remembered: list[str] = []
        self._names = 0

    def copy(self) -> Model:
        """The store as it is now, for later."""
        kept = Model(self.clock, self.rules)
        kept.runs = copy.deepcopy(self.runs)
        kept.removed = set(self.removed)
        kept.remembered = list(self.remembered)
        return kept

    def restore(self, kept: Model) -> None:
        """The store as it was then. Names go on, since no log that is made later is one that was made before."""
        again = kept.copy()
        self.runs, self.removed, self.remembered = again.runs, again.removed, again.remembered

    def find(self, run_id: str) -> ModelRun:
        """The run. Raises NotFound."""
        if run_id not in self.runs:
            raise NotFound(run_id)
        return self.runs[run_id]

    def create(self, run_id: str, *, remote: bool = False) -> bool:
        """Make a run; whether it existed."""
        if run_id in self.runs:
            return True
        self._names += 1
        self.runs[run_id] = ModelRun(self._names, ["run.created"], self.clock.boot(), self.clock.elapsed(), remote)
        return False

    def append(
        self,
        run_id: str,
        reporter: str,
        first: int,
        texts: list[str],
        *,
        attempt: int | None = None,
        lost: tuple[int, int] | None = None,
    ) -> tuple[int, int]:
        """How many were stored, and the reporter's next number."""
        run = self.find(run_id)
        expected = run.next.get(reporter, 1)
        new = texts[max(0, expected - first) :]
        gap = first > expected and (bool(texts) or lost is not None)
        if not new and not gap:
            return 0, expected
        self._check_open(run)
        if attempt not in (None, run.attempt, run.attempt or 1):
            raise Fenced(run_id)
        stored = list(new)
        if gap:
            if lost is None or not lost[0] <= expected <= first - 1 <= lost[1]:
                raise ReporterGap(run_id, expected=expected)
            stored.insert(0, "log.gap")
        run.next[reporter] = max(expected, first + len(texts))
        self._log(run_id, run, stored)
        return len(stored), run.next[reporter]

    def _check_open(self, run: ModelRun) -> None:
        if run.ended:
            raise RunEnded(run.status)

    def _log(self, run_id: str, run: ModelRun, stored: list[str]) -> None:
        run.log += stored
        if stored[-1].removeprefix("run.") in ENDED:
            run.status = stored[-1].removeprefix("run.")
            run.owner = None
            run.leases.clear()
            self.remembered += [run_id] if run.status == "completed" else []

    def take_over(self, run_id: str, reporter: str, ttl_s: float, *, remote: bool = False) -> int:
        """The attempt."""
        run = self.find(run_id)
        self._check_open(run)
        run.log += ["run.recovered"] if run.status == "lost" else []
        if run.owner != reporter:
            run.leases.pop(run.owner or "", None)
            run.owner, run.attempt = reporter, run.attempt + 1
            run.log.append("run.started")
        run.status, run.remote = "running", remote
        self._lease(run, reporter, ttl_s, ttl_s if remote else None)
        return run.attempt

    def _lease(self, run: ModelRun, reporter: str, ttl_s: float, grace_s: float | None) -> None:
        run.leases[reporter] = (self.clock.boot(), self.clock.elapsed() + ttl_s, grace_s)

    def renew(self, run_id: str, reporter: str, ttl_s: float, *, owner: bool, remote: bool = False) -> bool:
        """A sign of life; whether a cancel was asked for, which it never is here."""
        run = self.find(run_id)
        self._check_open(run)
        if owner and run.owner is None:
            self.take_over(run_id, reporter, ttl_s, remote=remote)
            return False
        if owner and run.owner != reporter:
            raise Fenced(run_id)
        if owner and run.status == "lost":
            run.status = "running"
            run.log.append("run.recovered")
        run.remote = remote if owner else run.remote
        self._lease(run, reporter, ttl_s, ttl_s if remote else None)
        return False

    def release(self, run_id: str, reporter: str, attempt: int | None = None) -> None:
        """No more signs of life."""
        run = self.find(run_id)
        if run.owner == reporter and attempt not in (None, run.attempt):
            raise Fenced(run_id)
        run.leases.pop(reporter, None)
        if run.owner == reporter and run.status == "running":
            self._lease(run, reporter, 0, None)

    def grant_grace(self) -> None:
        """A server has begun."""
        now, boot = self.clock.elapsed(), self.clock.boot()
        for run in self.runs.values():
            if run.remote and run.status in ("pending", "lost"):
                run.boot, run.since = boot, now
            for name, (on, until, grace_s) in run.leases.items():
                if grace_s is not None:
                    run.leases[name] = (boot, max(now + grace_s, until if on == boot else 0.0), grace_s)

    def sweep(self, *, remote: bool = False) -> Swept:
        """What silence means."""
        lost = [run_id for run_id, run in self.runs.items() if self._expire(run, remote)]
        failed = [run_id for run_id, run in self.runs.items() if self._lose_patience(run_id, run, remote)]
        return Swept(lost=tuple(lost), failed=tuple(failed))

    def _expire(self, run: ModelRun, remote: bool) -> bool:
        now, boot = self.clock.elapsed(), self.clock.boot()
        looked_at = {name: lease for name, lease in run.leases.items() if remote or lease[2] is None}
        over = [name for name, (on, until, _) in looked_at.items() if on != boot or until <= now]
        for name in over:
            del run.leases[name]
        if run.owner not in over or run.status != "running":
            return False
        run.status, run.boot, run.since = "lost", boot, now
        run.log.append("run.lost")
        return True

    def _lose_patience(self, run_id: str, run: ModelRun, remote: bool) -> bool:
        if run.status not in ("pending", "lost") or (run.remote and not remote):
            return False
        if run.boot != self.clock.boot():
            run.boot, run.since = self.clock.boot(), self.clock.elapsed()
        limit_s = self.rules.lost_to_failed_s if run.status == "lost" else self.rules.unowned_to_failed_s
        if self.clock.elapsed() - run.since <= limit_s:
            return False
        self._log(run_id, run, ["run.failed"])
        return True

    def delete(self, run_id: str) -> None:
        """Remove an ended run."""
        run = self.find(run_id)
        if not run.ended:
            raise RunActive(run.status)
        del self.runs[run_id]
        self.removed.add((run_id, run.name))

    def prune(self, max_runs: int) -> set[str]:
        """Remove all ended runs but the newest ones."""
        ended = [run_id for run_id, run in self.runs.items() if run.ended]
        chosen = ended[: max(0, len(ended) - max_runs)]
        for run_id in chosen:
            self.delete(run_id)
        return set(chosen)
