"""The reason with which a server closes a WebSocket whose client is to come back: what is the matter, and when to."""

from __future__ import annotations

import re

_WHEN = re.compile(r": come back in ([0-9]{1,4}(?:\.[0-9]{1,3})?) s\Z")


def farewell(what: str, wait_s: float) -> str:
    """The reason; a Close has room for 123 bytes of it.

    >>> farewell("the server is ending", 2.71)
    'the server is ending: come back in 2.7 s'
    """
    return f"{what}: come back in {wait_s:.1f} s"


def wait_of(reason: str) -> float | None:
    """Seconds after which to come back; None if the reason does not say. Other numbers in it mean something else.

    >>> wait_of("nothing could be sent for 60 s: come back in 2.7 s")
    2.7
    """
    found = _WHEN.search(reason)
    return None if found is None else float(found[1])
