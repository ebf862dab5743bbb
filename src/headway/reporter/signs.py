"""Signs of life: when a silent job is said to be alive, and what it is said to be doing.

Theory of operation. ``Signs`` owns no clock and no thread: the sender tells it which stages have begun and when the
log has taken something, and asks it when the next sign is due and what it says. Whatever the log takes puts the sign
off, so there are signs only in silence; a sign counts as taken too, so the next one is as long after it.

What a sign says comes from the run's state, in the words of the template for the stage that runs. Where several run
side by side they take turns. A template is used only if all that it names is known; otherwise its parent's is, and at
last words of our own, which leave out what is not known. So no sign claims anything that nobody has reported.

A state keeps the 20 newest highlights, and one every seven seconds would push a job's own out of it in two minutes.
So a sign is a ``highlight`` only if it is worth keeping, and otherwise an event ``x.sign`` with a ``text``, which
watchers get and no state keeps. Worth keeping is what the sign before it did not say of that stage, the time apart:
an author's template that comes to other words ("4 dark patterns so far"), or in our own words the first silence in a
stage, and that it takes longer than usual. However much is new, half of the places are left to the job's own
highlights, if it has any.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from headway.ports import PastRun
from headway.protocol import limits
from headway.protocol.events import Highlight
from headway.reporter.outbox import Report
from headway.reporter.subject import Subject
from headway.reporter.templates import TEMPLATES, Templates, highlights

if TYPE_CHECKING:
    from headway.progress.state import StageState, State

__all__ = ["SIGN", "SIGN_PLACES", "SILENCE_S", "Sign", "Signs", "highlights", "usual"]

SILENCE_S = 7.0
"""A watcher is promised something every 5 to 10 s. What delays a sign makes the silence longer, so this is nearer to
5: three seconds are left for a busy disk and for pacing."""

SIGN = "x.sign"
"""The type of a sign that is not worth keeping."""

SIGN_PLACES = limits.HIGHLIGHTS_KEPT // 2
"""So many of the highlights in a state may be signs, while there are others."""

_RUNNING = ("running", "degraded")


REMEMBERED = 30
"""Newest runs whose median is the usual time: as many as the estimates of remaining time go by."""

Learn = Callable[[str, str | None], Mapping[str, float]]
"""Kind, variant → stage's path → seconds that it usually takes, ``""`` for the run."""


def usual(runs: Sequence[PastRun]) -> dict[str, float]:
    """How long a run and its stages usually took: the median of the newest; ``""`` stands for the run.

    Args:
        runs: Of one kind and variant, oldest first.
    """
    newest = runs[-REMEMBERED:]
    durations: dict[str, list[float]] = {"": [run.duration for run in newest]} if newest else {}
    for run in newest:
        for path, (begin, end) in run.stages.items():
            durations.setdefault(path, []).append(end - begin)
    return {path: sorted(known)[len(known) // 2] for path, known in durations.items()}


class Sign(NamedTuple):
    """A sign of life that is due.

    Attributes:
        stage: The path of the stage that it is about; None when none runs.
        text: One line without control characters, of 200 characters at most.
        kept: Whether it is a highlight.
    """

    stage: str | None
    text: str
    kept: bool

    def report(self, at: float) -> Report:
        """What is to be sent, as of so many seconds since 1970."""
        if self.kept:
            return Report(at, self.stage, Highlight(text=self.text))
        return Report(at, self.stage, {"text": self.text}, SIGN, "low")


class Signs:
    """The signs of life of one run, for its owner's sender. Not for several threads at once.

    Args:
        now: When the run began. All times are seconds of one clock that never jumps.
        learn: Tells of a kind and a variant what ``usual`` makes of its history, which beats what the plan expects.
            Asked at the first sign, so that a job that is never silent pays nothing for it.
        templates: Those of this process by default.

    Attributes:
        due_at: When the next sign is due.
    """

    def __init__(
        self, now: float, *, learn: Learn = lambda _kind, _variant: {}, templates: Templates = TEMPLATES
    ) -> None:
        self.due_at = now + SILENCE_S
        self._learn = learn
        self._learned: tuple[str, str | None] | None = None
        self._usual: Mapping[str, float] = {}
        self._templates = templates
        self._run_began = now
        self._began: dict[str, float] = {}
        self._turn = 0
        self._turns: dict[str, int] = {}
        self._said: dict[str | None, str] = {}
        self._highlights: deque[tuple[str | None, str]] = deque(maxlen=limits.HIGHLIGHTS_KEPT)

    def began(self, path: str, at: float) -> None:
        """A stage has started, or started again; what is above it began then at the latest."""
        self._note_begin(path, at)
        above = path.rpartition("/")[0]
        while above:
            self._note_begin(above, self._began.get(above, at))
            above = above.rpartition("/")[0]

    def _note_begin(self, path: str, at: float) -> None:
        # A path beyond the limit has no place in the state either: nobody will ask for it.
        if path in self._began or len(self._began) < limits.STAGES_PER_RUN:
            self._began[path] = at

    def heard(self, now: float) -> None:
        """The log has taken one event or more: the next sign is due a whole silence later."""
        self.due_at = now + SILENCE_S

    def sign(self, state: State, now: float) -> Sign | None:
        """The sign that is due; None if none is, or the run has ended. Asking puts the next one off.

        Args:
            state: The run's state, as new as it can be had.
            now: The time.
        """
        if now < self.due_at:
            return None
        self.due_at = now + SILENCE_S
        if state.ended_at is not None:
            return None
        if self._learned != (state.kind, state.variant):  # a job may say late what variant it is
            self._learned = state.kind, state.variant
            self._usual = self._learn(*self._learned)
        stage, text, said = self._words(state, now)
        return Sign(stage, text, self._keep(state, stage, text, said))

    def _words(self, state: State, now: float) -> tuple[str | None, str, str]:
        """What it is about, the text, and what that says, the time apart."""
        running = self._whose_turn(state)
        stages = {stage.path: stage for stage in state.stages}
        for path, template in self._templates.for_stage("" if running is None else running.path):
            subject = self._subject(state, stages.get(path, running), now)
            text = subject.filled(template)
            if text:
                return subject.path, text, subject.filled_timeless(template)
        subject = self._subject(state, running, now)
        return subject.path, subject.plainly(), "longer than usual" if subject.overdue else ""

    def _whose_turn(self, state: State) -> StageState | None:
        """Of the stages that run, and in which no other does, the one that was not spoken of for the longest time."""
        running = [stage for stage in state.stages if stage.status in _RUNNING]
        above = {stage.path[: slash.start()] for stage in running for slash in re.finditer("/", stage.path)}
        innermost = [stage for stage in running if stage.path not in above]
        if not innermost:
            return None
        chosen = max(innermost, key=lambda stage: (-self._turns.get(stage.path, 0), stage.started_at or ""))
        self._turn += 1
        self._turns[chosen.path] = self._turn
        return chosen

    def _subject(self, state: State, stage: StageState | None, now: float) -> Subject:
        if stage is None:
            # A run that was taken over began in another process.
            began = self._run_began if state.attempt == 1 else None
            expected = self._usual.get("")
        else:
            began = self._began.get(stage.path)
            expected = self._usual.get(stage.path, stage.expect)
        return Subject(state, stage, None if began is None else now - began, expected)

    def _keep(self, state: State, stage: str | None, text: str, said: str) -> bool:
        """Whether it is worth a place among the highlights, which it then has."""
        signs = sum((entry.stage, entry.text) in self._highlights for entry in state.highlights)
        has_place = signs < SIGN_PLACES or signs == len(state.highlights)
        if not has_place or self._said.get(stage) == said:
            return False
        self._said[stage] = said
        self._highlights.append((stage, text))
        return True
