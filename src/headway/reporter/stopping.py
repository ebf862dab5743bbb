"""How a job comes to a stop when somebody asks: at safe points, at the next await, after shielded parts.

Theory of operation. A request is heard in a thread of Headway's, which must not be kept waiting. It makes every safe
point (``check``, the loops of ``track``) raise Cancelled; it cancels the asyncio tasks that are in the run's block,
which then get CancelledError at their next await, as with ``asyncio.timeout``; and it starts a thread for the job's own
callbacks, which may take as long as stopping a container does. A shield belongs to the thread or task that is in it:
there nothing is raised before its end, and then it is.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from headway.errors import Cancelled

if TYPE_CHECKING:
    import asyncio

logger = logging.getLogger("headway")

Here = object  # an asyncio task, or a thread's number


class Stopping:
    """Whether a run is to stop, and who must be told. Safe in any thread.

    Args:
        run_id: The run.
        on_request: Called once, when somebody asks; it must be quick.

    Attributes:
        requested: Somebody asked.
        reason: What they said.
    """

    def __init__(self, run_id: str, on_request: Callable[[], None] = lambda: None) -> None:
        self._run_id = run_id
        self._on_request = on_request
        self._callbacks: list[Callable[[], object]] = []
        self._shields: dict[Here, int] = {}
        self.requested = False
        self.reason: str | None = None
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._tasks: dict[asyncio.Task[Any], asyncio.AbstractEventLoop] = {}
        self._interrupted: set[asyncio.Task[Any]] = set()
        self._called: threading.Event | None = None
        self._caller: int | None = None

    def join_after_fork(self) -> None:
        """In a forked child: any lock in here may be held; what was to be called, and the tasks, are the parent's."""
        self._callbacks = []
        self._begin()

    def request(self, reason: str | None) -> None:
        """Somebody asks for a stop: tell everybody, once."""
        with self._lock:
            if self.requested:
                self.reason = self.reason or reason  # who heard it first may not know why
                return
            self.requested, self.reason = True, reason
            callbacks, tasks = list(self._callbacks), dict(self._tasks)
            called = self._called = threading.Event() if callbacks else None
        self._call(self._on_request)
        for task, loop in tasks.items():
            self._interrupt_soon(task, loop)
        if called is not None:
            self._call_apart(callbacks, called)

    def call(self, callback: Callable[[], object]) -> None:
        """Call this, in a thread of its own, when a stop is asked for; here and at once if it was."""
        with self._lock:
            self._callbacks.append(callback)
            already = self.requested
        if already:
            self._call(callback)

    def _call_apart(self, callbacks: list[Callable[[], object]], called: threading.Event) -> None:
        def call() -> None:
            self._caller = threading.get_ident()
            try:
                for callback in callbacks:
                    self._call(callback)
            finally:
                called.set()

        try:
            threading.Thread(target=call, name=f"cancel of {self._run_id}", daemon=True).start()
        except RuntimeError:  # no more threads
            call()

    def _call(self, callback: Callable[[], object]) -> None:
        try:
            callback()
        except Exception:
            logger.exception("a callback for the cancel of run %s failed", self._run_id)

    def wait_called(self, timeout_s: float) -> bool:
        """Wait until the callbacks have returned, unless this is one of them; false if that takes longer."""
        if self._called is None or self._caller == threading.get_ident():
            return True
        return self._called.wait(timeout_s)

    def check(self, here: Here | None = None) -> None:
        """Raise Cancelled if a stop was asked for and this thread or task (or ``here``) is not shielded."""
        if self.requested and not self._shields.get(whereabouts() if here is None else here):
            raise self.cancelled()

    def cancelled(self) -> Cancelled:
        """What is raised: it says why, as far as that is known by now."""
        return Cancelled(f"run {self._run_id} is cancelled" + (f": {self.reason}" if self.reason else ""))

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Raise nothing in this thread or task until the block has ended."""
        here = whereabouts()
        with self._lock:
            self._shields[here] = self._shields.get(here, 0) + 1
        try:
            yield
        except BaseException:
            self._unshield(here)
            self._interrupt_late(here)
            raise
        else:
            self._unshield(here)
        self.check()

    def _unshield(self, here: Here) -> None:
        with self._lock:
            self._shields[here] -= 1
            if not self._shields[here]:
                del self._shields[here]

    def _interrupt_late(self, here: Here) -> None:
        """The job may catch what has left the shield and go on: then the next await is as good as any."""
        with self._lock:
            found = [(task, loop) for task, loop in self._tasks.items() if task is here] if self.requested else []
        for task, loop in found:
            self._interrupt_soon(task, loop)

    def enter_task(self) -> None:
        """The asyncio task that runs now is in the run's block."""
        import asyncio

        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        if task is None:
            return
        with self._lock:
            self._tasks[task] = loop
            already = self.requested
        if already:
            self._interrupt_soon(task, loop)

    def leave_task(self, error: BaseException | None) -> bool:
        """It leaves the block with this error; true if the error is the interruption that was made here."""
        import asyncio

        task = asyncio.current_task()
        if task is None:
            return False
        with self._lock:
            self._tasks.pop(task, None)
            interrupted = task in self._interrupted
            self._interrupted.discard(task)
        # Somebody else may want the task to end, too: then it is theirs.
        return interrupted and task.uncancel() == 0 and isinstance(error, asyncio.CancelledError)

    def _interrupt_soon(self, task: asyncio.Task[Any], loop: asyncio.AbstractEventLoop) -> None:
        try:
            loop.call_soon_threadsafe(self._interrupt, task)
        except RuntimeError:  # the loop is closed, and the task with it
            return

    def _interrupt(self, task: asyncio.Task[Any]) -> None:
        with self._lock:
            if task not in self._tasks or task in self._interrupted or self._shields.get(task):
                return
            self._interrupted.add(task)
        task.cancel(str(self.cancelled()))


def whereabouts() -> Here:
    """What a shield belongs to: the task that runs here, or else the thread."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None:
        try:
            task = asyncio.current_task()
        except RuntimeError:
            task = None
        if task is not None:
            return task
    return threading.get_ident()
