"""What a test expects to be refused, without depending on a test runner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from headway.errors import HeadwayError

E = TypeVar("E", bound=HeadwayError)


class Refusal(Generic[E]):
    """The error that was raised, once it was."""

    error: E


@contextmanager
def refused(kind: type[E]) -> Iterator[Refusal[E]]:
    """Expect that the block raises an error of this kind, with a message that says something.

    Example:
        >>> from headway.errors import NotFound
        >>> with refused(NotFound) as refusal:
        ...     raise NotFound("there is no such run")
        >>> refusal.error.code
        'not-found'
    """
    refusal = Refusal[E]()
    try:
        yield refusal
    except kind as error:
        refusal.error = error
    assert hasattr(refusal, "error"), f"{kind.__name__} was not raised"
    assert str(refusal.error), f"{kind.__name__} says nothing"
