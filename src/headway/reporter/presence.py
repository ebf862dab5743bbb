"""What a process can do with a run that it owns as well as with one that it helps with."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from headway.protocol import times
from headway.protocol.events import InputRequested, Json, JsonObject
from headway.reporter import plain
from headway.reporter.asking import seconds
from headway.reporter.elsewhere import elsewhere
from headway.reporter.stage import Scope
from headway.reporter.stopping import whereabouts

if TYPE_CHECKING:
    from headway.progress.state import State
    from headway.reporter.bridges.output import OutputCapture

DURABLE_S = 5.0
"""How long a job waits for its reports to be stored, unless it says how long."""

ASK_S = 600.0
"""The same for an answer."""


class Presence(Scope):
    """In a run: reports go to it, and a cancel of it is heard."""

    @property
    def id(self) -> str:
        """The run's id."""
        return self._channel.run_id

    @property
    def state(self) -> State:
        """The state as last folded: everything in it is durable."""
        return self._channel.state()

    def flush(self, timeout: float | None = DURABLE_S) -> bool:
        """Wait until everything reported so far is durable.

        Args:
            timeout: Seconds to wait; None for as long as it takes.

        Returns:
            False if that was not so in time, or never will be.
        """
        return self._channel.flush(seconds(timeout, DURABLE_S))

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked for a cancel."""
        self._channel.hear()
        return self._channel.stopping.requested

    def check(self) -> None:
        """A safe point: raises Cancelled if somebody asked for a cancel, unless it is inside ``shielded``."""
        self._channel.hear()
        self._channel.stopping.check()

    def on_cancel(self, callback: Callable[[], object]) -> None:
        """Call something as soon as a cancel is asked for, to stop or clean up what no safe point reaches.

        It is called in a thread of its own, once, after those that were given before it; here and at once if the
        cancel was asked for before. It may report. The run's end waits for it, for half of ``HEADWAY_FLUSH_S``. What it
        raises is logged. In a forked child what the parent gave is not called.
        """
        self._channel.hear()
        self._channel.stopping.call(callback)

    def shielded(self) -> AbstractContextManager[None]:
        """A block that a cancel does not interrupt: in this thread or task it is raised at the block's end."""
        return self._channel.stopping.shielded()

    def ask(
        self,
        prompt: str,
        *,
        choices: Sequence[Json] | None = None,
        schema: JsonObject | None = None,
        timeout: float | None = ASK_S,
    ) -> Json:
        """Ask a person, and wait for the answer.

        The waiting does not count as work when remaining time is learned. In async code use ``ask_async``.

        Args:
            prompt: The question.
            choices: The answers to choose from.
            schema: A JSON Schema of the answer.
            timeout: Seconds to wait; None for as long as it takes.

        Raises:
            TimeoutError: Nobody has answered in time, or the run is reported nowhere.
            Cancelled: The run is cancelled meanwhile.
        """
        timeout_s = seconds(timeout, ASK_S)
        return self._ask(_request(prompt, choices, schema, timeout_s), timeout_s)

    def _ask(
        self, request: Callable[[str], InputRequested], timeout_s: float, check: Callable[[], None] | None = None
    ) -> Json:
        with self._timing.waiting():
            return self._channel.ask(request, timeout_s, check)

    async def ask_async(
        self,
        prompt: str,
        *,
        choices: Sequence[Json] | None = None,
        schema: JsonObject | None = None,
        timeout: float | None = ASK_S,  # noqa: ASYNC109 -- people wait for people: the log tells them the deadline
    ) -> Json:
        """The same, while other tasks go on."""
        answers: list[Json] = []
        asker, gone = whereabouts(), threading.Event()

        def check() -> None:
            if gone.is_set():
                raise TimeoutError("nobody waits for the answer any more")
            self._channel.stopping.check(asker)

        timeout_s = seconds(timeout, ASK_S)
        request = _request(prompt, choices, schema, timeout_s)
        try:
            await elsewhere(lambda: answers.append(self._ask(request, timeout_s, check)))
        finally:
            gone.set()
            self._channel.look_up()
        return answers[0]

    def capture_output(self, *, fd: bool = False) -> OutputCapture:
        """While it is entered, what is written to stdout and stderr goes into the log too; see ``OutputCapture``."""
        from headway.reporter.bridges.output import OutputCapture

        return OutputCapture(self, fd=fd)


def _request(
    prompt: str, choices: Sequence[Json] | None, schema: JsonObject | None, timeout_s: float
) -> Callable[[str], InputRequested]:
    """A question as it is now, without its id."""
    said = plain.text(prompt)
    offered = None if choices is None else tuple(plain.frozen(choice) for choice in choices)
    shape = None if schema is None else plain.frozen(schema)
    deadline = times.to_text(time.time() + timeout_s)
    return lambda id_: InputRequested(id=id_, prompt=said, choices=offered, schema=shape, deadline=deadline)
