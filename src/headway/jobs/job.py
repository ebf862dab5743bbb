"""Functions whose calls are runs."""

from __future__ import annotations

import functools
import inspect
import logging
import threading
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, cast, overload

import msgspec

from headway.jobs.binding import is_async
from headway.jobs.runs import run
from headway.protocol.events import Json, JsonObject, Size
from headway.reporter.plan import Plan
from headway.reporter.run import Run
from headway.targets import sink_opener

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
S = TypeVar("S")
T = TypeVar("T")

Text = str | Callable[..., str]
Sized = Size | Callable[..., Size]

logger = logging.getLogger("headway")


class JobOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of a job's runs; a callable makes it from a call's arguments."""

    kind: str
    title: Text | None = None
    plan: Plan | None = None
    variant: Text | None = None
    size: Sized | None = None
    meta: JsonObject | None = None
    target: str | None = None
    run_id: str | None = None
    retry_of: str | None = None
    parent: str | None = None

    def open(self, args: tuple[object, ...] | None, kwargs: Mapping[str, object]) -> Run:
        """A run for a call with these arguments; with None for them, what would be made from them is left out.

        Raises:
            InvalidInput: As ``headway.run``; and whatever a callable raises.
        """
        return run(
            self.kind,
            title=cast("str | None", _made(self.title, args, kwargs)),
            plan=self.plan,
            run_id=self.run_id,
            variant=cast("str | None", _made(self.variant, args, kwargs)),
            size=cast("Size | None", _made(self.size, args, kwargs)),
            meta=self.meta,
            target=self.target,
            retry_of=self.retry_of,
            parent=self.parent,
        )

    def check(self) -> None:
        """Raises InvalidInput if something of it breaks a rule, whatever the arguments."""
        msgspec.structs.replace(self, target="none:").open(None, {})
        if self.target is not None:
            sink_opener(self.target)


def _made(value: object, args: tuple[object, ...] | None, kwargs: Mapping[str, object]) -> object:
    if not callable(value):
        return value
    return None if args is None else value(*args, **kwargs)


class Job(Generic[P, R]):
    """A function whose calls are runs; made by ``headway.job``. Safe in any thread.

    Calling it opens a run, calls the function inside it, and ends the run: what is returned is the result too, what
    is raised fails the run and is raised on. ``Cancelled`` cancels it.

    Attributes:
        kind: What sort of runs they are.
    """

    __name__: str
    __qualname__: str

    def __init__(self, function: Callable[P, R], options: JobOptions, bound_to: tuple[object, ...] = ()) -> None:
        functools.update_wrapper(self, function)
        self.kind = options.kind
        self._function = function
        self._options = options
        self._bound_to = bound_to

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call it here."""
        return self._perform(self._open(args, kwargs), *args, **kwargs)

    def start(self, /, *args: P.args, **kwargs: P.kwargs) -> str:
        """Call it elsewhere: in a thread of its own, an async function in an event loop of that thread.

        What comes out of it is in the run, and what goes wrong in the log ``headway`` too. The interpreter does not end
        before the thread has.

        Returns:
            The run's id, at once.

        Raises:
            TypeError: The function does not take these arguments.
            RuntimeError: There can be no more threads; the run has failed.
        """
        inspect.signature(self._function).bind(*args, **kwargs)
        opened = self._open(args, kwargs).start()
        thread = threading.Thread(
            target=self._work, args=(opened, *args), kwargs=kwargs, name=f"job-{self.kind}", daemon=False
        )
        try:
            thread.start()
        except RuntimeError as error:
            opened.fail(error)
            raise
        return opened.id

    def options(
        self,
        *,
        run_id: str | None = None,
        target: str | None = None,
        retry_of: str | None = None,
        parent: str | None = None,
    ) -> Self:
        """The same job with what is given said of its runs: ``job.options(run_id=…).start(…)``.

        What is wrong with it is raised when the job is called; see ``headway.run`` for what it means.
        """
        given = {"run_id": run_id, "target": target, "retry_of": retry_of, "parent": parent}
        said = {name: value for name, value in given.items() if value is not None}
        return type(self)(self._function, msgspec.structs.replace(self._options, **said), self._bound_to)

    def _open(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Run:
        try:
            return self._options.open((*self._bound_to, *args), kwargs)
        except Exception as error:
            opened = self._options.open(None, {})  # raises again what is not the arguments' fault
            logger.warning(
                "run %s of job %r goes without what was to be made of its arguments: %r", opened.id, self.kind, error
            )
            return opened

    def _perform(self, opened: Run, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with opened:
            value = self._function(*args, **kwargs)
            _keep(opened, value)
        return value

    def _work(self, opened: Run, /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            self._wait(opened, *args, **kwargs)
        except BaseException as error:
            # Nobody is above to hear of it. The run and the log have it, unless it never came to the run's block.
            if not opened.over:
                opened.fail(error)

    def _wait(self, opened: Run, /, *args: P.args, **kwargs: P.kwargs) -> None:
        self._perform(opened, *args, **kwargs)

    @overload
    def __get__(self, instance: None, owner: type, /) -> Self: ...

    @overload
    def __get__(self: Job[Concatenate[S, Q], R], instance: S, owner: type | None = None, /) -> Job[Q, R]: ...

    def __get__(self, instance: object, owner: type | None = None, /) -> object:
        bind = getattr(self._function, "__get__", None)
        if instance is None or bind is None:
            return self
        return type(self)(bind(instance, owner), self._options, (*self._bound_to, instance))

    def __reduce__(self) -> str | tuple[Callable[..., object], tuple[object, ...]]:
        # As functions are pickled: by where they are to be found.
        return (
            (getattr, (self._bound_to[-1], self._function.__name__)) if self._bound_to else self._function.__qualname__
        )

    def __repr__(self) -> str:
        return f"<headway.Job {self.kind!r}: {self._function!r}>"


class AsyncJob(Job[P, Coroutine[Any, Any, T]]):
    """The same for a coroutine function. Its calls are to be awaited."""

    async def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call it here."""
        return await self._perform(self._open(args, kwargs), *args, **kwargs)

    async def _perform(self, opened: Run, /, *args: P.args, **kwargs: P.kwargs) -> T:
        async with opened:
            value = await self._function(*args, **kwargs)
            _keep(opened, value)
        return value

    def _wait(self, opened: Run, /, *args: P.args, **kwargs: P.kwargs) -> None:
        import asyncio

        asyncio.run(self._perform(opened, *args, **kwargs))


def _keep(opened: Run, value: object) -> None:
    if value is not None:  # or the function has told the result itself
        opened.result(cast("Json", value))


def job(  # noqa: PLR0913 -- what people type
    kind: str,
    *,
    title: Text | None = None,
    plan: Plan | None = None,
    variant: Text | None = None,
    size: Sized | None = None,
    meta: JsonObject | None = None,
    target: str | None = None,
) -> Callable[[Callable[P, R]], Job[P, R]]:
    """Make a function's calls runs: for functions and methods, sync and async.

    Args:
        kind: What sort of runs they are; remaining time is learned per kind.
        title: What people read; or what makes it from a call's arguments, as the two after the plan may be made, too.
            If that fails, the run goes without, and the log ``headway`` says so.
        plan: The stages and their weights.
        variant: A finer class within the kind.
        size: How large the input is.
        meta: Any JSON, kept in the state.
        target: Where reports go, as for ``headway.run``.

    Raises:
        InvalidInput: Something of the above breaks a rule.
        TypeError: In the decoration of a generator: its work would be done after the call.

    Example:
        >>> @job("word-count", title=lambda text: f"Words of {text!r}", size=len, target="none:")
        ... def count(text: str) -> int:
        ...     return len(text.split())
        >>> count("so it goes")
        3
    """
    options = JobOptions(kind=kind, title=title, plan=plan, variant=variant, size=size, meta=meta, target=target)
    options.check()

    def decorate(function: Callable[P, R]) -> Job[P, R]:
        return _decorated(function, options)

    return decorate


def _decorated(function: Callable[P, R], options: JobOptions) -> Job[P, R]:
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f"{function!r} is a generator, which does its work after the call: a job is a function")
    if is_async(function):
        return cast("Job[P, R]", AsyncJob(cast("Callable[P, Coroutine[Any, Any, object]]", function), options))
    return Job(function, options)
