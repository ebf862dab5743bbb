"""What wakes the thread that sends."""

from __future__ import annotations

import threading


class Bell:
    """Wakes one waiting thread, once for any number of rings.

    A bare lock, since releasing one is a single step: unlike a ``threading.Event`` it can be rung from a signal
    handler that interrupts another ring in the same thread.
    """

    def __init__(self) -> None:
        self._silent = threading.Lock()
        self._silent.acquire()

    def ring(self) -> None:
        """Wake who waits, or let the next wait return at once."""
        if self._silent.locked():  # or it has rung already, and asking costs less than an error
            try:
                self._silent.release()
            except RuntimeError:
                return  # another ring came between

    def wait(self, timeout_s: float) -> bool:
        """Wait for a ring; false if none came within ``timeout_s`` seconds."""
        return self._silent.acquire(timeout=min(timeout_s, threading.TIMEOUT_MAX))

    def hush(self) -> None:
        """Forget a ring."""
        self._silent.acquire(blocking=False)
