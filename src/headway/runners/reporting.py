"""The run, or the part of one, that a program's execution becomes."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from headway.errors import InvalidName
from headway.jobs import runs
from headway.ports import EventSink
from headway.protocol import names
from headway.reporter import current
from headway.reporter.bridges.stage_name import stage_name
from headway.reporter.opener import Opener
from headway.reporter.presence import Presence
from headway.reporter.run import Run, RunOptions
from headway.reporter.stage import Scope, Stage
from headway.runners.options import Options, default_kind, default_title
from headway.runners.outcome import Outcome
from headway.targets import open_place, sink_opener, sqlite_path

SQLITE = "sqlite:///"

if TYPE_CHECKING:
    from headway.stores.sqlite import SqliteEventStore


class Reporting(Protocol):
    """Where a program's execution is reported.

    Attributes:
        scope: What its output belongs to.
        run: The run, to listen for a cancel and to wait for the store.
        url: Where the run is, for processes that help with it; None to leave that to the environment.
    """

    @property
    def scope(self) -> Scope:
        """See above."""

    @property
    def run(self) -> Presence:
        """See above."""

    @property
    def url(self) -> str | None:
        """See above."""

    def end(self, outcome: Outcome) -> None:
        """The program has ended."""


class OwnRun:
    """A run of the program's own."""

    def __init__(self, run: Run, url: str | None) -> None:
        self.run = run
        self.url = url

    @property
    def scope(self) -> Scope:
        """The run."""
        return self.run

    def end(self, outcome: Outcome) -> None:
        """End the run as the program has ended."""
        if outcome.cancelled:
            self.run.cancel(self.run._channel.stopping.reason or outcome.reason)
        elif outcome.reason is not None:
            self.run.fail(outcome.reason, code=outcome.error_code)
        else:
            self.run.complete({"exit_code": outcome.code})


class PartOfRun:
    """A stage of the run that the caller is in, which goes on."""

    def __init__(self, run: Presence, stage: Stage) -> None:
        self.run = run
        self.scope = stage
        self.url = _target_of(run)

    def end(self, outcome: Outcome) -> None:
        """End the stage as the program has ended; of a run that is cancelled the end of the run says how."""
        if outcome.cancelled:
            return
        if outcome.reason is not None:
            self.scope.fail(outcome.reason, code=outcome.error_code, recoverable=True)
        else:
            self.scope.complete()


def open_reporting(options: Options) -> Reporting:
    """Where to report: the run that this thread or task is in, or a new one.

    Raises:
        InvalidInput: The target, the kind or the title breaks a rule.
    """
    place = current.place()
    if place is not None and isinstance(place.run, Presence) and isinstance(place.innermost, Scope):
        title = options.title or default_title(options.command)
        name = stage_name(options.kind or default_kind(options.command), "command")
        return PartOfRun(place.run, place.innermost.stage(name, title=title).start())
    return _own_run(options)


def _own_run(options: Options) -> OwnRun:
    kind = options.kind or default_kind(options.command)
    said = RunOptions(title=options.title or default_title(options.command), parent=_parent())
    opener = sink_opener(options.target)
    if opener is None:
        from headway.reporter.silent import SilentRun

        return OwnRun(SilentRun(kind, said).start(), "none:")
    url = _url_of(opener)
    if options.log_limit_bytes is not None and url is not None and url.startswith(SQLITE):
        opener = _with_log_limit(opener, sqlite_path(url), options.log_limit_bytes)
    return OwnRun(Run(kind, said, opener, lease_s=runs._lease_s()).start(), url)


def _parent() -> str | None:
    """The run in whose command we are ourselves."""
    run_id = os.environ.get("HEADWAY_RUN_ID")
    try:
        return None if run_id is None else names.run_id(run_id)
    except InvalidName:
        return None


def _with_log_limit(opener: Opener, path: Path, limit_bytes: int) -> Opener:
    """The same store, of whose log more or less is kept: whoever writes cuts it."""

    def open_sink() -> EventSink:
        from headway.reporter.sinks import StoreSink

        return StoreSink(_store(path, limit_bytes), open_place(path).artifacts)

    return Opener(open_sink, opener.spool)


@cache
def _store(path: Path, limit_bytes: int) -> SqliteEventStore:
    from headway.stores.sqlite import SqliteEventStore

    return SqliteEventStore(path, log_limit_bytes=limit_bytes)


def _target_of(run: Presence) -> str | None:
    opener: Callable[[], EventSink] | None = run._channel._open_sink
    return _url_of(opener) if isinstance(opener, Opener) else None


def _url_of(opener: Opener) -> str | None:
    """A target that means the same in any folder; None if there is no telling."""
    if opener.spool is None:
        return None
    scheme, separator, path = opener.spool.target.partition(SQLITE)
    return f"{SQLITE}{path.replace('%', '%25')}" if separator and not scheme else opener.spool.target
