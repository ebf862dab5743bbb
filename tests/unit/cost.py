"""What it costs to do something, to be compared with what something else costs on the same machine."""

from __future__ import annotations

import time
from collections.abc import Callable


def cost(do: Callable[[], object]) -> float:
    """In seconds of this thread, which others that are busy do not lengthen; the least of some."""
    took = []
    for _ in range(3):
        began = time.thread_time()
        do()
        took.append(time.thread_time() - began)
    return min(took)
