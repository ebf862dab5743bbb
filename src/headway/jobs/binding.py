"""Taking a run along to where nobody has entered it: an executor's threads."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar, cast

from headway.reporter import current
from headway.reporter.current import Place

P = ParamSpec("P")
R = TypeVar("R")


def bind(function: Callable[P, R]) -> Callable[P, R]:
    """The function, to be called anywhere as if in the run and the stage that this thread or task is in now.

    Threads that a program starts, and those of an executor, are in no run by themselves. What is bound may be called
    any number of times, in many threads at once. Other context variables are left alone.

    Args:
        function: A function, or a coroutine function. Outside of runs it is given back as it is.

    Example:
        >>> import headway
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> with headway.run("demo", run_id="demo-1", target="none:"), ThreadPoolExecutor() as pool:
        ...     pool.submit(headway.bind(lambda: headway.current().id)).result()
        'demo-1'
    """
    chain = _chain(current.place())
    if not chain:
        return function
    if is_async(function):
        return cast("Callable[P, R]", _bound_async(cast("Callable[P, Awaitable[object]]", function), chain))

    @functools.wraps(function)
    def bound(*args: P.args, **kwargs: P.kwargs) -> R:
        with _along(chain):
            return function(*args, **kwargs)

    return bound


def _bound_async(function: Callable[P, Awaitable[object]], chain: list[Place]) -> Callable[P, Awaitable[object]]:
    @functools.wraps(function)
    async def bound(*args: P.args, **kwargs: P.kwargs) -> object:
        with _along(chain):
            return await function(*args, **kwargs)

    return bound


def is_async(function: Callable[..., object]) -> bool:
    """Whether calling it gives a coroutine, be it a function or an object with ``__call__``."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


def _chain(place: Place | None) -> list[Place]:
    """The place and those around it, the outermost first: when a stage ends, its reports' place is the next one out."""
    chain: list[Place] = []
    while place is not None:
        chain.append(place)
        place = place.outer
    return chain[::-1]


@contextmanager
def _along(chain: list[Place]) -> Iterator[None]:
    for place in chain:
        if place.innermost is place.run:
            current.enter_run(place.run)
        else:
            current.enter_stage(place.innermost)
    error: BaseException | None = None
    try:
        yield
    except BaseException as raised:
        error = raised
        raise
    finally:
        for place in reversed(chain):
            current.leave(place.innermost)
        chain[-1].run._leave_loops(error)
