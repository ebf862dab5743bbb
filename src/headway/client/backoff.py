"""How long a watcher waits before it comes back: longer each time, and never in step with others.

A reporter has work that waits, and tries again within milliseconds; a thousand watchers of a server that starts again
must not come all at once, and who looks at a page does not mind a second.
"""

from __future__ import annotations

import random
from collections.abc import Callable

SHORTEST_S = 1.0
LONGEST_S = 4.0
"""So a watcher is level again within five seconds of its server's return."""


class Backoff:
    """A random wait between a second and a limit that doubles up to four.

    Args:
        chance: Gives numbers from 0 to 1.

    >>> backoff = Backoff(chance=lambda: 1.0)
    >>> [backoff.next_delay() for _ in range(5)]
    [2.0, 4.0, 4.0, 4.0, 4.0]
    """

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._failures = 0

    def next_delay(self) -> float:
        """Seconds to wait after one more failure."""
        self._failures += 1
        limit = min(LONGEST_S, SHORTEST_S * 2.0 ** min(self._failures, 16))
        return SHORTEST_S + (limit - SHORTEST_S) * self._chance()

    def reset(self) -> None:
        """Something worked: begin anew."""
        self._failures = 0
