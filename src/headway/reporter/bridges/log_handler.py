"""From ``logging`` to a run's log."""

from __future__ import annotations

import copy
import logging
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from headway.reporter.bridges.whereabouts import here
from headway.reporter.naming import named
from headway.reporter.reports import Reports

logger = logging.getLogger("headway")


class LogHandler(logging.Handler):
    """Reports log records as lines of the run's log, in the stream ``log``, with their level.

    A record belongs to the stage, or else the run, that its thread or task is in. Records of the logger ``headway``
    itself and of Headway's own threads are left out. An exception in a record, with its trace or among the arguments,
    is shown by its type alone: the rest is for the operator, whose handlers get the record as it is. Nothing is ever
    raised into the job: a record that cannot be formatted is counted, and the first one is warned of.

    Args:
        run: Whose log it is. By default the current one, and records of threads that are in no run are left out;
            with a run, records from all threads go there.
        level: Records below it are left out.
        traces: Whether watchers see the traces and messages too.

    Attributes:
        failed: How many records could not be reported.

    Example:
        >>> import headway
        >>> with headway.run("demo", target="none:"):
        ...     logging.getLogger("shop").addHandler(LogHandler(level=logging.INFO))
        ...     logging.getLogger("shop").warning("%d left", 3)
    """

    def __init__(self, run: Reports | None = None, level: int | str = logging.NOTSET, *, traces: bool = False) -> None:
        super().__init__(level)
        self.failed = 0
        self._run = run
        self._traces = traces
        self._thread = threading.local()
        # Filters are asked before the handler's lock is taken, which a thread of the job may hold while it waits for
        # room: what Headway's own threads say must not wait for that, since it is they who make room.
        self.addFilter(_is_foreign)

    def emit(self, record: logging.LogRecord) -> None:
        """Report a record."""
        scope = here(self._run)
        if scope is None or _is_own(record) or getattr(self._thread, "busy", False):
            return
        self._thread.busy = True
        try:
            shown = record if self._traces else _without_trace(record)
            scope.log(self.format(shown), stream="log", level=record.levelname.lower())
        except Exception:
            self.handleError(record)
        finally:
            self._thread.busy = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 -- its name in logging
        """Count a record that could not be reported; only the first one is worth a line."""
        self.failed += 1
        if self.failed == 1:
            logger.warning("a record of the logger %r could not be reported; more are only counted", record.name)


def _is_own(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] == "headway" or (record.threadName or "").startswith("headway-")


def _is_foreign(record: logging.LogRecord) -> bool:
    return not _is_own(record)


def _without_trace(record: logging.LogRecord) -> logging.LogRecord:
    """The record with no more of its exceptions than their types; the other handlers keep theirs."""
    if _is_plain(record):
        return record
    shown = copy.copy(record)
    shown.msg, shown.args = _named(record.msg), _named_args(record.args)
    shown.exc_info = shown.exc_text = shown.stack_info = None
    if record.exc_info and record.exc_info[0]:
        shown.msg, shown.args = f"{shown.getMessage()} ({record.exc_info[0].__name__})", None
    return shown


_PLAIN = frozenset((str, int, float, bool))


def _is_plain(record: logging.LogRecord) -> bool:
    """Whether there can be no exception in it, as is so of nearly all."""
    args = record.args or ()
    texts = type(record.msg) is str and type(args) is tuple and _PLAIN.issuperset(map(type, args))
    return texts and not (record.exc_info or record.exc_text or record.stack_info)


def _named_args(args: Any) -> Any:
    if type(args) is tuple:
        return tuple(map(_named, args))
    shown = _named(args)
    if shown is args and type(args) is dict:
        return args  # as formatters may expect it
    return _NamedValues(args) if isinstance(args, Mapping) else shown


class _NamedValues(Mapping[Any, Any]):
    """A mapping as it prints, whole or one by one: what is asked for is named, however the others may look."""

    def __init__(self, args: Mapping[Any, Any]) -> None:
        self._args = args

    def __getitem__(self, key: object) -> Any:
        return _named(self._args[key])

    def __iter__(self) -> Iterator[Any]:
        return iter(self._args)

    def __len__(self) -> int:
        return len(self._args)

    def __repr__(self) -> str:
        return repr(_named(self._args))

    def __str__(self) -> str:
        return str(_named(self._args))


def _named(value: Any) -> Any:
    return named(value, lambda error: type(error).__name__)
