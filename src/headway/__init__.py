"""Durable, real-time progress for long-running jobs.

>>> import headway
>>> with headway.run("greeting", target="none:") as run:
...     for name in headway.track(["Ada", "Grace"], "Greeting"):
...         run.log(f"Hello, {name}")
"""

from __future__ import annotations

TYPE_CHECKING = False  # as typing's, whose import alone would take half of the time that ours may

if TYPE_CHECKING:
    from headway import client as client
    from headway import runners as runners
    from headway import server as server
    from headway import testing as testing
    from headway.errors import Cancelled as Cancelled
    from headway.errors import HeadwayError as HeadwayError
    from headway.jobs.binding import bind as bind
    from headway.jobs.job import Job as Job
    from headway.jobs.job import job as job
    from headway.jobs.runs import attach as attach
    from headway.jobs.runs import current as current
    from headway.jobs.runs import run as run
    from headway.jobs.runs import track as track
    from headway.reporter.bridges.log_handler import LogHandler as LogHandler
    from headway.reporter.bridges.rich_bars import capture_rich as capture_rich
    from headway.reporter.bridges.tqdm_bars import capture_tqdm as capture_tqdm
    from headway.reporter.plan import Planned as Planned
    from headway.reporter.run import Run as Run
    from headway.reporter.stage import Stage as Stage
    from headway.reporter.templates import highlights as highlights

__version__ = "0.1.0"

# Where each public name lives. It is imported when it is first asked for (PEP 562): a program that imports Headway
# pays for no more than it uses.
_HOMES = {
    "Cancelled": "headway.errors",
    "HeadwayError": "headway.errors",
    "Job": "headway.jobs.job",
    "LogHandler": "headway.reporter.bridges.log_handler",
    "Planned": "headway.reporter.plan",
    "Run": "headway.reporter.run",
    "Stage": "headway.reporter.stage",
    "attach": "headway.jobs.runs",
    "bind": "headway.jobs.binding",
    "capture_rich": "headway.reporter.bridges.rich_bars",
    "capture_tqdm": "headway.reporter.bridges.tqdm_bars",
    "current": "headway.jobs.runs",
    "highlights": "headway.reporter.templates",
    "job": "headway.jobs.job",
    "run": "headway.jobs.runs",
    "track": "headway.jobs.runs",
}

# Packages with public names of their own, imported in the same way. They are not in __all__: who imports everything
# may not have what they need.
_PACKAGES = ("client", "runners", "server", "testing")

__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    if name in _PACKAGES:
        return _package(name)
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'headway' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def _package(name: str) -> object:
    from importlib import import_module

    from headway.errors import MissingExtra

    try:
        return import_module(f"headway.{name}")
    except MissingExtra as error:

        class MissingPackage(MissingExtra, AttributeError):
            """What hasattr and help() take for an attribute that is not there."""

        raise MissingPackage(str(error)) from error


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_PACKAGES})
