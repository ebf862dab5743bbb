"""What a process can do with a run that it owns as well as with one that it helps with."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from headway.protocol import times
from headway.protocol.events import InputRequested, Json, JsonObject
from headway.reporter import plain
from headway.reporter.elsewhere import elsewhere
from headway.reporter.stage import Scope

if TYPE_CHECKING:
    from headway.progress.state import State
    from headway.reporter.bridges.output import OutputCapture


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

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until everything reported so far is durable.

        Returns:
            False if that was not so within ``timeout`` seconds, or never will be.
        """
        return self._channel.flush(timeout)

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked for a cancel."""
        return self._channel.stopping.requested

    def check(self) -> None:
        """A safe point: raises Cancelled if somebody asked for a cancel, unless it is inside ``shielded``."""
        self._channel.stopping.check()

    def on_cancel(self, callback: Callable[[], object]) -> None:
        """Call something as soon as a cancel is asked for, to stop or clean up what no safe point reaches.

        It is called in another thread, once; at once if the cancel was asked for before. What it raises is logged.
        """
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
        timeout: float = 600.0,
    ) -> Json:
        """Ask a person, and wait for the answer.

        The waiting does not count as work when remaining time is learned. In async code use ``ask_async``.

        Args:
            prompt: The question.
            choices: The answers to choose from.
            schema: A JSON Schema of the answer.
            timeout: Seconds to wait.

        Raises:
            TimeoutError: Nobody has answered in time, or the run is reported nowhere.
            Cancelled: The run is cancelled meanwhile.
        """

        def request(id_: str) -> InputRequested:
            return InputRequested(
                id=id_,
                prompt=plain.text(prompt),
                choices=None if choices is None else tuple(choices),
                schema=schema,
                deadline=times.to_text(time.time() + timeout),
            )

        with self._timing.waiting():
            return self._channel.ask(request, timeout)

    async def ask_async(
        self,
        prompt: str,
        *,
        choices: Sequence[Json] | None = None,
        schema: JsonObject | None = None,
        timeout: float = 600.0,  # noqa: ASYNC109 -- people wait for people: the log tells them the deadline
    ) -> Json:
        """The same, while other tasks go on."""
        answers: list[Json] = []
        await elsewhere(lambda: answers.append(self.ask(prompt, choices=choices, schema=schema, timeout=timeout)))
        return answers[0]

    def capture_output(self, *, fd: bool = False) -> OutputCapture:
        """While it is entered, what is written to stdout and stderr goes into the log too; see ``OutputCapture``."""
        from headway.reporter.bridges.output import OutputCapture

        return OutputCapture(self, fd=fd)
