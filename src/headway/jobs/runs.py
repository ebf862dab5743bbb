"""The runs that a job opens, helps with, or is in."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from headway.errors import InvalidInput
from headway.protocol import names
from headway.protocol.events import JsonObject, Size
from headway.reporter import current as _current
from headway.reporter import plain
from headway.reporter.plan import Plan
from headway.reporter.run import Run, RunOptions
from headway.reporter.stage import Scope
from headway.targets import sink_opener

if TYPE_CHECKING:
    from headway.reporter.attached import AttachedRun

T = TypeVar("T")

LEASE_S = 30.0
"""A run whose owner has been silent for so long is lost; ``HEADWAY_LEASE_S`` changes it."""


def run(  # noqa: PLR0913 -- what people type
    kind: str,
    *,
    title: str | None = None,
    plan: Plan | None = None,
    run_id: str | None = None,
    variant: str | None = None,
    size: Size | None = None,
    meta: JsonObject | None = None,
    target: str | None = None,
    retry_of: str | None = None,
    parent: str | None = None,
) -> Run:
    """A run, to be entered with ``with`` or ``async with``, or started with ``start()``.

    Args:
        kind: What sort of run it is; remaining time is learned per kind.
        title: What people read.
        plan: The stages and their weights, nested where stages nest; see ``Planned``.
        run_id: The run's id, a new one by default. An id of a run that has not ended takes that run over.
        variant: A finer class within the kind.
        size: How large the input is, in any numbers: remaining time may depend on it.
        meta: Any JSON, kept in the state.
        target: Where reports go: ``sqlite:///path``, ``http://host:port`` of a server, or ``none:``. By default
            ``HEADWAY_URL``, then a file in the user's state folder.
        retry_of: The id of the run that this one tries again.
        parent: The id of the run that this one belongs to.

    Raises:
        InvalidInput: Something of the above breaks a rule. Later on nothing is ever raised for a report.

    Example:
        >>> with run("demo", plan={"load": 1, "work": 4}, target="none:") as r:
        ...     with r.stage("work", total=2, unit="item") as stage:
        ...         done = [item for item in stage.track("ab")]
        >>> done
        ['a', 'b']
    """
    options = RunOptions(
        title=title,
        plan=plan,
        run_id=run_id,
        variant=variant,
        size=size,
        meta=meta,
        retry_of=retry_of,
        parent=parent,
    )
    return _opened(kind, options, target)


def _opened(kind: str, options: RunOptions, target: str | None) -> Run:
    open_sink, lease_s = sink_opener(target), _lease_s()
    if open_sink is not None:
        return Run(kind, options, open_sink, lease_s=lease_s)
    from headway.reporter.silent import SilentRun

    return SilentRun(kind, options)


def attach(run_id: str, *, target: str | None = None) -> AttachedRun:
    """A run that another process has opened, to be reported to from here; for ``with`` and ``async with``.

    Args:
        run_id: The run's id. It may still be on its way to the store.
        target: Where the run is, as for ``run``.

    Raises:
        InvalidInput: The id or the target breaks a rule. Later on nothing is ever raised for a report.
    """
    open_sink, lease_s = sink_opener(target), _lease_s()
    if open_sink is not None:
        from headway.reporter.attached import AttachedRun

        return AttachedRun(run_id, open_sink, lease_s=lease_s)
    from headway.reporter.silent import SilentAttachedRun

    return SilentAttachedRun(run_id)


def _lease_s() -> float:
    text = os.environ.get("HEADWAY_LEASE_S")
    try:
        seconds = LEASE_S if text is None else float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 86_400:  # below a second every hiccup of a disk would lose runs
        raise InvalidInput(f"HEADWAY_LEASE_S is {text!r}: give seconds, from 1 to 86400")
    return seconds


def current() -> Run | AttachedRun:
    """The run that this thread or task is in, or one that reports nothing."""
    here = _current.newest()
    if here is None:
        return _nowhere or _anywhere_else()
    place = here if here.run._quiet else _current.place()
    if place is None:
        return _nowhere or _anywhere_else()
    return place.run  # type: ignore[return-value]  # what is entered as a run is one of the two


_nowhere: Run | None = None


def _anywhere_else() -> Run:
    global _nowhere  # noqa: PLW0603 -- imported when it is first asked for, and looked up in no time after that
    from headway.reporter.silent import NOWHERE

    _nowhere = NOWHERE
    return NOWHERE


def track(items: Iterable[T], description: str = "Working") -> Iterator[T]:
    """The same items, counted as they are done: as a stage of the current run, or in a run of its own.

    >>> import os
    >>> os.environ["HEADWAY_URL"] = "none:"
    >>> sum(track(range(4), "Adding"))
    6
    """
    here = _current.newest()
    if here is not None and here.run._quiet:
        return iter(items)
    return _tracked(items, description)


def _tracked(items: Iterable[T], description: str) -> Iterator[T]:
    place = _current.place()
    if place is not None:
        assert isinstance(place.innermost, Scope)
        with place.innermost.stage(plain.text(description).replace("/", "-")) as stage:
            yield from stage.track(items)
        return
    with run("track", title=description, variant=_variant(description)) as own, own.stage("items") as stage:
        yield from stage.track(items)


def _variant(description: object) -> str | None:
    """The description as a variant, by which remaining time is learned; None if it makes none."""
    try:
        return names.kind(plain.text(description))
    except InvalidInput:
        return None
