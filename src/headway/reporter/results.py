"""What came out of a run: told in the event that ends it, or kept as an artifact that this event names."""

from __future__ import annotations

from collections.abc import Collection
from itertools import count

import msgspec

from headway.protocol import events, limits
from headway.reporter.loading import loading
from headway.reporter.outbox import Report

MEDIA_TYPE = "application/json"
"""Of such an artifact."""


def fits(body: bytes) -> bool:
    """Whether a log takes a run's end with this result, at least without the stages' times."""
    if len(body) > limits.EVENT_BYTES:
        return False
    with loading():
        from headway.reporter.drafting import Drafted, make_drafts

    said = events.RunCompleted(result=msgspec.Raw(body), duration=1e-9 / 3, waited=1e-9 / 3, truncated=True)
    (drafted,) = make_drafts([Report(0.0, None, said)])
    return isinstance(drafted, Drafted) and drafted.flaw is None


def free_name(taken: Collection[str]) -> str:
    """A name for the artifact that the job has not given to another one."""
    names = (f"result-{n}.json" if n else "result.json" for n in count())
    return next(name for name in names if name not in taken)


def is_like(name: str) -> bool:
    """Whether an artifact's name is like those that results get."""
    return name.startswith("result")
