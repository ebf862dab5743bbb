"""What the sending thread imports and opens, so that the job need not wait for it.

A child that is forked while another thread imports a module would wait for ever for that module, since the thread does
not exist there; a store that is half open would stay so. So a fork waits until nothing is being loaded here: some
milliseconds, at the beginning of a run.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE_S = 5.0
"""A disk that takes longer to read from must not keep a job from starting its processes."""


class _Gate:
    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._held = False

    def before_fork(self) -> None:
        self._held = self.lock.acquire(timeout=PATIENCE_S)

    def in_parent(self) -> None:
        if self._held:
            self.lock.release()

    def in_child(self) -> None:
        self.lock = threading.RLock()


_gate = _Gate()


@contextmanager
def loading() -> Iterator[None]:
    """To be held around imports, and the opening of stores, in another thread than the job's."""
    with _gate.lock:
        yield


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_gate.before_fork, after_in_parent=_gate.in_parent, after_in_child=_gate.in_child)
