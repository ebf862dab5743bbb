"""Durable, real-time progress for long-running jobs.

>>> import headway
>>> with headway.run("greeting", target="none:") as run:
...     for name in headway.track(["Ada", "Grace"], "Greeting"):
...         run.log(f"Hello, {name}")
"""

from __future__ import annotations

TYPE_CHECKING = False  # as typing's, whose import alone would take half of the time that ours may

if TYPE_CHECKING:
    from headway.errors import Cancelled as Cancelled
    from headway.errors import HeadwayError as HeadwayError
    from headway.jobs import current as current
    from headway.jobs import run as run
    from headway.jobs import track as track
    from headway.reporter.plan import Planned as Planned
    from headway.reporter.run import Run as Run
    from headway.reporter.stage import Stage as Stage

__version__ = "0.1.0"

# Where each public name lives. It is imported when it is first asked for (PEP 562): a program that imports Headway
# pays for no more than it uses.
_HOMES = {
    "Cancelled": "headway.errors",
    "HeadwayError": "headway.errors",
    "Planned": "headway.reporter.plan",
    "Run": "headway.reporter.run",
    "Stage": "headway.reporter.stage",
    "current": "headway.jobs",
    "run": "headway.jobs",
    "track": "headway.jobs",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'headway' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
