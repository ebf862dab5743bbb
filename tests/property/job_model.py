"""What a job's program should come to: a model that knows the protocol's words, and none of the reporter's ways.

It performs the same programs, step by step and one thread after the other, and only remembers.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from headway.errors import Cancelled
from tests.property.job_performance import SEVERITIES, JobError
from tests.property.job_programs import DEEPEST, PLANS, Do, InStage, Loop, Plan, Program, Shield, Step, Threads, Try

OPEN = ("running", "degraded")
Told = tuple[str, str | None, str]
"""An event as it is to be found in the log: its type, its stage, and what names it."""


class StageModel:
    """One stage: what a job has said of it, and what watchers should see."""

    def __init__(self, path: str) -> None:
        self.path = path
        # As its author sees it.
        self.begun = self.open = self.optional = False
        self.count = 0
        self.counts = False
        self.total: int | None = None
        self.total_given = False
        self.share: float | None = None
        # As watchers see it.
        self.known = False
        self.status = "pending"
        self.implied = False
        self.recoverable = False
        self.reason: str | None = None
        self.fallback: str | None = None
        self.error: str | None = None
        self.message: str | None = None
        self.messages: set[str] = set()
        self.shown: tuple[int | None, int | None] = (None, None)
        self.done = False
        self.last = 0
        self.values = {0}

    def value(self) -> int:
        """How far it says that it is, in millionths."""
        if self.share is not None:
            return int(self.share * 1_000_000 + 0.5)
        if not self.total or not (self.counts or self.count):
            return 0
        return min(1_000_000, self.count * 1_000_000 // self.total)


class Person:
    """A thread of the job."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._count = itertools.count()
        self.found: tuple[str, str | None] | None = None
        self.shields = 0

    def key(self) -> str:
        return f"{self.name}:{next(self._count)}"


class Model:
    """What should be in the log and in the state.

    Attributes:
        told: Each thread's events in their order.
        groups: Threads that ran side by side: who started them, after how many of that one's events, and their names.
    """

    def __init__(self) -> None:
        self.told: dict[str, list[Told]] = {}
        self.groups: list[tuple[str, int, list[str]]] = []
        self.stages: dict[str, StageModel] = {}
        self.findings: dict[str, str] = {}
        self.answered: set[str] = set()
        self.meta: dict[str, int] = {}
        self.title: str | None = None
        self.status = "running"
        self.error: str | None = None
        self.result: object = None
        self.cancelled = False
        self._said: object = None

    # The run

    def perform(self, program: Program) -> BaseException | None:
        """What should leave the job's outermost block."""
        main = Person("m")
        self._plan(PLANS[program.plan], "")
        try:
            self._steps(main, None, program.steps)
        except BaseException as error:
            self._leave(main, error)
            return error
        self._leave(main, None)
        return None

    def _plan(self, plan: Plan, above: str) -> None:
        for name, inside in plan.items():
            self._known(above + name)
            if isinstance(inside, dict):
                self._plan(inside, f"{above}{name}/")

    def _leave(self, main: Person, error: BaseException | None) -> None:
        if error is None or (isinstance(error, SystemExit) and not error.code):
            self._end(main, "completed", "")
        elif isinstance(error, KeyboardInterrupt):
            self._end(main, "cancelled", "interrupted")
        elif isinstance(error, Cancelled):
            self._end(main, "cancelled", "enough")
        else:
            self._end(main, "failed", "exception")

    def _end(self, person: Person, status: str, word: str) -> None:
        if self.ended:
            return
        for stage in self.stages.values():
            if stage.open:
                self._show(stage)
        self._tell(person, f"run.{status}", None, "" if status == "completed" else word)
        self.status = status
        self.result = self._said if status == "completed" else None
        self.error = {"completed": None, "cancelled": self.error, "failed": word}[status]
        for stage in self.stages.values():
            if stage.known and stage.status in ("pending", *OPEN):
                self._end_with_run(stage, status)

    @property
    def ended(self) -> bool:
        return self.status != "running"

    @staticmethod
    def _end_with_run(stage: StageModel, status: str) -> None:
        stage.done = stage.done or status == "completed"
        if status == "cancelled":
            stage.reason = "cancelled"
        is_pending = stage.status == "pending"
        stage.status = {"completed": "completed", "failed": "failed", "cancelled": "skipped"}[status]
        if is_pending:
            stage.status = "skipped"

    def _tell(self, person: Person, type_: str, stage: str | None, key: str) -> None:
        if not self.ended:
            self.told.setdefault(person.name, []).append((type_, stage, key))

    # Stages as watchers see them

    def _known(self, path: str) -> StageModel:
        stage = self.stages.setdefault(path, StageModel(path))
        if not stage.known:
            stage.known = True
            if "/" in path:
                self._known(path.rpartition("/")[0])
        return stage

    def _above(self, stage: StageModel) -> list[StageModel]:
        """The innermost first."""
        parts = stage.path.split("/")
        return [self._known("/".join(parts[:depth])) for depth in range(len(parts) - 1, 0, -1)]

    def _begin_above(self, stage: StageModel) -> None:
        for above in self._above(stage):
            if above.status == "pending":
                above.status, above.implied = "running", True
            elif above.implied and above.status not in OPEN:
                above.status, above.reason = "running", None
                above.done = False  # it may not have ended, when threads come in another order

    def _end_above(self, stage: StageModel) -> None:
        for above in self._above(stage):
            inside = self._inside(above)
            if (
                not above.implied
                or above.status not in OPEN
                or any(each.status in ("pending", *OPEN) for each in inside)
            ):
                continue
            if any(each.status == "failed" and not each.recoverable for each in inside):
                above.recoverable = False
                self._see_end(above, "failed", None, done=False)
            elif any(each.status == "skipped" and each.reason == "cancelled" for each in inside):
                self._see_end(above, "skipped", "cancelled", done=False)
            else:
                self._see_end(above, "completed", None, done=True)

    def _see_end(self, stage: StageModel, status: str, reason: str | None, *, done: bool) -> None:
        """The stage ends, and what was only planned inside it will not come to be."""
        stage.status, stage.done = status, stage.done or done
        stage.reason = reason if status == "skipped" else stage.reason
        self._skip_inside(stage, reason, done=done)

    def _skip_inside(self, stage: StageModel, reason: str | None, *, done: bool) -> None:
        for below in self._inside(stage):
            if below.status == "pending":
                below.status, below.reason, below.done = "skipped", reason, done
            if below.status not in OPEN:
                self._skip_inside(below, reason, done=done)

    def _inside(self, stage: StageModel) -> list[StageModel]:
        return [other for other in self.stages.values() if other.known and other.path.rpartition("/")[0] == stage.path]

    def _show(self, stage: StageModel) -> None:
        """The newest of its numbers are told, at the latest now."""
        if self.ended:
            return
        stage.values.add(stage.value())
        stage.last = stage.value()
        if stage.counts or stage.count:
            stage.shown = (stage.count, stage.total)

    # Stages as their author sees them

    def _stage(self, path: str) -> StageModel:
        return self.stages.setdefault(path, StageModel(path))

    def _start(self, person: Person, stage: StageModel) -> None:
        if stage.open:
            return
        stage.begun = stage.open = True
        if self.ended:
            return
        self._tell(person, "stage.started", stage.path, "")
        if self._known(stage.path).status not in OPEN:
            stage.reason = stage.fallback = stage.error = None
            stage.status = "running"
        stage.implied = False
        self._begin_above(stage)

    def _reporting(self, person: Person, stage: StageModel) -> bool:
        if not stage.begun:
            self._start(person, stage)
        return stage.open

    def _finish(self, person: Person, stage: StageModel, status: str, key: str = "", reason: str | None = None) -> None:
        if stage.begun and not stage.open:
            return
        if stage.open:
            self._show(stage)
        stage.begun, stage.open = True, False
        if self.ended:
            return
        self._tell(person, f"stage.{status}", stage.path, key)
        if self._known(stage.path).status in ("pending", *OPEN):
            if status != "skipped":
                self._begin_above(stage)
            stage.implied = False
            self._see_end(stage, status, reason, done=status != "failed" and reason != "cancelled")
            self._end_above(stage)

    # Steps

    def _steps(self, person: Person, here: StageModel | None, steps: tuple[Step, ...]) -> None:
        for step in steps:
            match step:
                case Do():
                    self._do(person, here, step)
                case InStage():
                    self._in_stage(person, here, step)
                case Loop():
                    self._loop(person, here, step)
                case Try():
                    with suppress(Exception if step.broad else JobError):
                        self._steps(person, here, step.body)
                case Shield():
                    with self._shielded(person):
                        self._steps(person, here, step.body)
                case Threads():
                    self._threads(person, here, step.bodies)

    def _do(self, person: Person, here: StageModel | None, step: Do) -> None:
        of_stage = getattr(self, f"_stage_{step.verb}", None)
        if of_stage is None:
            getattr(self, f"_{step.verb}")(person, None if here is None else here.path, step.n)
        elif here is not None:
            of_stage(person, here, step.n)

    def _in_stage(self, person: Person, here: StageModel | None, step: InStage) -> None:
        if here is not None and here.path.count("/") >= DEEPEST:
            self._steps(person, here, step.body)
            return
        stage = self._stage(step.name if here is None else f"{here.path}/{step.name}")
        stage.optional = step.optional
        if not step.closes:
            self._start(person, stage)
            self._steps(person, stage, step.body)
            return
        with self._block(person, stage):
            self._steps(person, stage, step.body)

    @contextmanager
    def _block(self, person: Person, stage: StageModel) -> Iterator[None]:
        self._start(person, stage)
        try:
            yield
        except BaseException as error:
            if isinstance(error, Cancelled | KeyboardInterrupt):
                raise
            if isinstance(error, SystemExit) and not error.code:
                if stage.open:
                    self._finish(person, stage, "completed")
                raise
            if stage.open:
                self._fail_stage(person, stage, "exception", recoverable=stage.optional)
            if not (stage.optional and isinstance(error, Exception)):
                raise
        else:
            if stage.open:
                self._finish(person, stage, "completed")

    def _fail_stage(
        self, person: Person, stage: StageModel, code: str, key: str = "", *, recoverable: bool = False
    ) -> None:
        if not self.ended:
            self._known(stage.path).error = code
            stage.recoverable = recoverable
            if stage.optional and stage.status != "degraded":
                self._tell(person, "stage.degraded", stage.path, key)
                stage.reason, stage.fallback = key, None
        self._finish(person, stage, "failed", key)

    def _loop(self, person: Person, here: StageModel | None, step: Loop) -> None:
        stage = self._stage("loop") if here is None else here
        self._start(person, stage)
        stage.counts = True
        if not stage.total_given:
            stage.total = stage.count + step.count
        self._notice(stage)
        self._safe_point(person)
        for _ in range(step.count):
            self._steps(person, here, step.body)
            stage.count += 1
            self._notice(stage)
            self._safe_point(person)

    def _notice(self, stage: StageModel) -> None:
        if stage.open and not self.ended:
            stage.values.add(stage.value())

    def _safe_point(self, person: Person) -> None:
        if self.cancelled and not person.shields:
            raise Cancelled

    @contextmanager
    def _shielded(self, person: Person) -> Iterator[None]:
        person.shields += 1
        try:
            yield
        finally:
            person.shields -= 1
        self._safe_point(person)

    def _threads(self, person: Person, here: StageModel | None, bodies: tuple[tuple[Step, ...], ...]) -> None:
        group = person.key().replace(":", "t")
        names = [f"{group}-{number}" for number in range(len(bodies))]
        self.groups.append((person.name, len(self.told.get(person.name, [])), names))
        for name, body in zip(names, bodies, strict=True):
            stage = self._stage(name if here is None else f"{here.path}/{name}")
            mine = Person(name)
            with suppress(Exception), self._block(mine, stage):
                self._steps(mine, stage, body)

    # What is said of stages

    def _stage_advance(self, person: Person, stage: StageModel, n: int) -> None:
        if self._reporting(person, stage):
            stage.count += n
            self._notice(stage)

    def _stage_count(self, person: Person, stage: StageModel, n: int) -> None:
        if self._reporting(person, stage):
            stage.count, stage.counts = n, True
            self._notice(stage)  # the two may be told apart
            stage.total, stage.total_given = 12, True
            self._notice(stage)

    def _stage_share(self, person: Person, stage: StageModel, n: int) -> None:
        if self._reporting(person, stage):
            stage.share = n / 10
            self._notice(stage)

    def _stage_say(self, person: Person, stage: StageModel, n: int) -> None:
        key = person.key()
        if self._reporting(person, stage) and not self.ended:
            stage.messages.add(key)
            stage.message = key

    def _stage_complete(self, person: Person, stage: StageModel, n: int) -> None:
        key = person.key()
        if self._reporting(person, stage):
            self._finish(person, stage, "completed", key)
            if not self.ended:
                stage.message = key

    def _stage_fail(self, person: Person, stage: StageModel, n: int) -> None:
        key = "" if n % 2 else person.key()
        if self._reporting(person, stage):
            self._fail_stage(person, stage, "exception" if n % 2 else "failed", key)

    def _stage_skip(self, person: Person, stage: StageModel, n: int) -> None:
        key = person.key()
        self._finish(person, stage, "skipped", key, key)

    def _stage_stop(self, person: Person, stage: StageModel, n: int) -> None:
        self._stage_say(person, stage, n)
        self._finish(person, stage, "skipped", "cancelled", "cancelled")

    def _stage_degrade(self, person: Person, stage: StageModel, n: int) -> None:
        key = person.key()
        if self._reporting(person, stage) and not self.ended:
            self._tell(person, "stage.degraded", stage.path, key)
            stage.status, stage.reason, stage.fallback = "degraded", key, "less"

    # What anybody says

    def _finding(self, person: Person, path: str | None, n: int) -> None:
        person.found = (person.key(), path)
        self._again(person, None, n)

    def _again(self, person: Person, path: str | None, n: int) -> None:
        if person.found is not None and not self.ended:
            key, where = person.found  # an update speaks of where it was found
            self._tell(person, "finding", where, f"{key} {SEVERITIES[n % 4]}")
            self.findings[key] = SEVERITIES[n % 4]

    def _log(self, person: Person, path: str | None, n: int) -> None:
        for _ in range(1 + n % 3):
            self._tell(person, "line", path, person.key())

    def _note(self, person: Person, path: str | None, n: int) -> None:
        self._tell(person, "note", path, person.key())

    def _highlight(self, person: Person, path: str | None, n: int) -> None:
        self._tell(person, "highlight", path, person.key())

    def _warn(self, person: Person, path: str | None, n: int) -> None:
        self._tell(person, "error", path, person.key())

    def _artifact(self, person: Person, path: str | None, n: int) -> None:
        self._tell(person, "artifact", path, person.key())

    def _emit(self, person: Person, path: str | None, n: int) -> None:
        self._tell(person, "x.own", path, person.key())

    def _check(self, person: Person, path: str | None, n: int) -> None:
        self._safe_point(person)

    def _ask(self, person: Person, path: str | None, n: int) -> None:
        key = person.key()
        if not self.ended:
            self._tell(person, "input.requested", None, key)
            self._safe_point(person)
            self.answered.add(key)

    def _throw(self, person: Person, path: str | None, n: int) -> None:
        raise JobError

    # What only the main thread says

    def _error(self, person: Person, path: str | None, n: int) -> None:
        self._tell(person, "error", path, person.key())
        if not self.ended:
            self.error = "bad"

    def _cancel(self, person: Person, path: str | None, n: int) -> None:
        self.cancelled = self.cancelled or not self.ended

    def _interrupt(self, person: Person, path: str | None, n: int) -> None:
        raise KeyboardInterrupt

    def _exit(self, person: Person, path: str | None, n: int) -> None:
        raise SystemExit(n % 2)

    def _result(self, person: Person, path: str | None, n: int) -> None:
        self._said = {"key": person.key()}

    def _rename(self, person: Person, path: str | None, n: int) -> None:
        key = person.key()
        if not self.ended:
            self._tell(person, "run.updated", None, key)
            self.title = key
            self.meta[f"m{n}"] = n

    def _end_well(self, person: Person, path: str | None, n: int) -> None:
        self._said = person.key()
        self._end(person, "completed", "")

    def _end_badly(self, person: Person, path: str | None, n: int) -> None:
        self._end(person, "failed", "exception" if n % 2 else person.key() and "failed")

    def _end_early(self, person: Person, path: str | None, n: int) -> None:
        self._end(person, "cancelled", person.key())
