"""Questions to people: asked in the log, answered by whoever watches."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from headway.protocol.events import Json
from headway.reporter import plain

NO_ANSWER = object()

LONGEST_S = 366 * 86_400.0
"""For how long anybody waits: clocks and locks do not go on for ever, and "for ever" is what is asked for."""


def seconds(timeout: object, usual_s: float) -> float:
    """For how long a job wants to wait: None is the longest, what is no number as long as usual. Never raises."""
    if timeout is None:
        return LONGEST_S
    given = float.__float__(timeout) if isinstance(timeout, float) else plain.number(timeout)
    return usual_s if given is None else min(max(0.0, given), LONGEST_S)


class Question:
    """One question that waits for its answer."""

    def __init__(self, id_: str) -> None:
        self.id = id_
        self.answered = threading.Event()
        self.value: Json = NO_ANSWER

    def answer(self, value: Json) -> None:
        """The first answer counts."""
        if self.value is NO_ANSWER:
            self.value = value
        self.answered.set()


class Questions:
    """The questions of a run. Safe in any thread."""

    def __init__(self) -> None:
        self._open: dict[str, Question] = {}

    def ask(self) -> Question:
        """A new question."""
        question = Question(f"q-{os.urandom(6).hex()}")
        self._open[question.id] = question
        return question

    def answer(self, id_: str, value: object) -> None:
        """Somebody has answered; an answer to nothing is nobody's."""
        question = self._open.pop(id_, None)
        if question is not None:
            question.answer(value)

    def forget(self, question: Question) -> None:
        """Nobody waits for it any more."""
        self._open.pop(question.id, None)

    def wake(self) -> None:
        """Let everybody who waits look whether they should go on waiting."""
        for question in list(self._open.values()):
            question.answered.set()


def wait(question: Question, timeout_s: float, check: Callable[[], None]) -> Json:
    """The answer.

    Raises:
        TimeoutError: There was none in time.
        Cancelled: The run is cancelled meanwhile.
    """
    until = time.monotonic() + timeout_s
    while question.value is NO_ANSWER:
        if not question.answered.wait(max(0.0, until - time.monotonic())):
            raise TimeoutError(f"nobody has answered within {timeout_s:g} s")
        if question.value is NO_ANSWER:
            question.answered.clear()
            check()
    return question.value
