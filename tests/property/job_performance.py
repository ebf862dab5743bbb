"""Performs a program with a real run, as a job would."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from contextlib import nullcontext, suppress

from headway.protocol.events import Severity
from headway.reporter.reports import Finding
from headway.reporter.run import Run
from headway.reporter.stage import Scope, Stage
from tests.property.job_programs import DEEPEST, Do, InStage, Loop, Program, Shield, Step, Threads, Try

SECRET = "/srv/private/key-4711"
"""In the message of every exception: watchers must not see it."""

SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")


class JobError(Exception):
    """What goes wrong in a job."""


class Actor:
    """One thread of the job. Whatever it reports has a name of its own, by which the report is found in the log."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._count = itertools.count()
        self.found: Finding | None = None

    def key(self) -> str:
        return f"{self.name}:{next(self._count)}"


class Performance:
    """Performs programs.

    Args:
        run: The run to report to.
        cancel: Asks for the cancel of the run, and waits until the job has heard it.

    Attributes:
        surprises: What calls have answered that they should not have.
    """

    def __init__(self, run: Run, cancel: Callable[[], None]) -> None:
        self._run = run
        self._cancel_it = cancel
        self.surprises: list[str] = []

    def perform(self, program: Program) -> BaseException | None:
        """What leaves the job's outermost block, if anything does."""
        try:
            with self._run:
                self._steps(Actor("m"), self._run, program.steps)
        except BaseException as error:
            return error
        return None

    def _steps(self, actor: Actor, scope: Scope, steps: tuple[Step, ...]) -> None:
        for step in steps:
            match step:
                case Do():
                    self._do(actor, scope, step)
                case InStage():
                    self._in_stage(actor, scope, step)
                case Loop():
                    stage = scope if isinstance(scope, Stage) else scope.stage("loop")
                    for _ in stage.track(range(step.count)):
                        self._steps(actor, scope, step.body)
                case Try():
                    with suppress(Exception if step.broad else JobError):
                        self._steps(actor, scope, step.body)
                case Shield():
                    with self._run.shielded():
                        self._steps(actor, scope, step.body)
                case Threads():
                    self._threads(actor, scope, step.bodies)

    def _do(self, actor: Actor, scope: Scope, step: Do) -> None:
        of_stage = getattr(self, f"_stage_{step.verb}", None)
        if of_stage is None:
            getattr(self, f"_{step.verb}")(actor, scope, step.n)
        elif isinstance(scope, Stage):
            of_stage(actor, scope, step.n)

    def _in_stage(self, actor: Actor, scope: Scope, step: InStage) -> None:
        if isinstance(scope, Stage) and scope.path.count("/") >= DEEPEST:
            self._steps(actor, scope, step.body)
            return
        stage = scope.stage(step.name, optional=step.optional)
        with stage if step.closes else nullcontext(stage.start()):
            self._steps(actor, stage, step.body)

    def _threads(self, actor: Actor, scope: Scope, bodies: tuple[tuple[Step, ...], ...]) -> None:
        together = threading.Barrier(len(bodies))

        def work(mine: Actor, body: tuple[Step, ...]) -> None:
            together.wait()
            with suppress(Exception), scope.stage(mine.name) as stage:
                self._steps(mine, stage, body)

        group = actor.key().replace(":", "t")
        actors = [Actor(f"{group}-{number}") for number in range(len(bodies))]
        threads = [threading.Thread(target=work, args=each) for each in zip(actors, bodies, strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _stage_advance(self, actor: Actor, stage: Stage, n: int) -> None:
        stage.advance(n)

    def _stage_count(self, actor: Actor, stage: Stage, n: int) -> None:
        stage.update(current=n, total=12)

    def _stage_share(self, actor: Actor, stage: Stage, n: int) -> None:
        stage.update(progress=n / 10)

    def _stage_say(self, actor: Actor, stage: Stage, n: int) -> None:
        stage.update(message=actor.key())

    def _stage_complete(self, actor: Actor, stage: Stage, n: int) -> None:
        stage.complete(actor.key())

    def _stage_fail(self, actor: Actor, stage: Stage, n: int) -> None:
        stage.fail(JobError(SECRET) if n % 2 else actor.key())

    def _stage_skip(self, actor: Actor, stage: Stage, n: int) -> None:
        stage.skip(actor.key())

    def _stage_stop(self, actor: Actor, stage: Stage, n: int) -> None:
        stage.cancel(actor.key())

    def _stage_degrade(self, actor: Actor, stage: Stage, n: int) -> None:
        stage.degrade(actor.key(), fallback="less")

    def _finding(self, actor: Actor, scope: Scope, n: int) -> None:
        actor.found = scope.finding("Found", id=actor.key(), severity=SEVERITIES[n % 4])

    def _again(self, actor: Actor, scope: Scope, n: int) -> None:
        if actor.found is not None:
            actor.found.update(severity=SEVERITIES[n % 4], confidence=n / 10)

    def _log(self, actor: Actor, scope: Scope, n: int) -> None:
        scope.log("\n".join(actor.key() for _ in range(1 + n % 3)))

    def _note(self, actor: Actor, scope: Scope, n: int) -> None:
        scope.note(actor.key())

    def _highlight(self, actor: Actor, scope: Scope, n: int) -> None:
        scope.highlight(actor.key())

    def _warn(self, actor: Actor, scope: Scope, n: int) -> None:
        scope.error(actor.key())

    def _error(self, actor: Actor, scope: Scope, n: int) -> None:
        scope.error(actor.key(), code="bad", recoverable=False)

    def _artifact(self, actor: Actor, scope: Scope, n: int) -> None:
        name = actor.key()
        if not scope.artifact(name, b"content"):
            self.surprises.append(f"the artifact {name} was not stored")

    def _emit(self, actor: Actor, scope: Scope, n: int) -> None:
        scope.emit("x.own", {"key": actor.key()})

    def _check(self, actor: Actor, scope: Scope, n: int) -> None:
        self._run.check()

    def _ask(self, actor: Actor, scope: Scope, n: int) -> None:
        prompt = actor.key()
        with suppress(TimeoutError):  # there is nobody to ask after the end
            answer = self._run.ask(prompt, timeout=60)
            if answer != answer_to(prompt):
                self.surprises.append(f"{prompt} was answered with {answer!r}")

    def _throw(self, actor: Actor, scope: Scope, n: int) -> None:
        raise JobError(SECRET)

    def _cancel(self, actor: Actor, scope: Scope, n: int) -> None:
        self._cancel_it()

    def _interrupt(self, actor: Actor, scope: Scope, n: int) -> None:
        raise KeyboardInterrupt

    def _exit(self, actor: Actor, scope: Scope, n: int) -> None:
        raise SystemExit(n % 2)

    def _result(self, actor: Actor, scope: Scope, n: int) -> None:
        self._run.result({"key": actor.key()})

    def _rename(self, actor: Actor, scope: Scope, n: int) -> None:
        self._run.update(title=actor.key(), meta={f"m{n}": n})

    def _end_well(self, actor: Actor, scope: Scope, n: int) -> None:
        self._run.complete(actor.key())

    def _end_badly(self, actor: Actor, scope: Scope, n: int) -> None:
        self._run.fail(JobError(SECRET) if n % 2 else actor.key())

    def _end_early(self, actor: Actor, scope: Scope, n: int) -> None:
        self._run.cancel(actor.key())


def answer_to(prompt: str) -> str:
    """What the watchers of these tests answer."""
    return f"the answer to {prompt}"
