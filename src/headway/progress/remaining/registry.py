"""Estimators by name."""

from collections.abc import Callable

from headway.errors import InvalidInput
from headway.progress.remaining.estimate import Estimator
from headway.progress.remaining.learned import Learned
from headway.progress.remaining.rule import exponential, mean, median

DEFAULT = "learned"
EXPONENTIAL = "ema"

Maker = Callable[[], Estimator]

_makers: dict[str, Maker] = {
    DEFAULT: Learned,
    EXPONENTIAL: lambda: Learned(exponential()),
    "mean": lambda: Learned(mean),
    "median": lambda: Learned(median),
}


def register(name: str, maker: Maker) -> None:
    """Make an estimator selectable by name; a name that is known is replaced.

    Args:
        name: What settings call it.
        maker: Called for each user of it: a class, or a function without arguments.
    """
    _makers[name] = maker


def estimator(name: str = DEFAULT) -> Estimator:
    """A new estimator of that name; ``ema:0.3`` is the exponential average in which the newest run counts 0.3.

    Raises:
        InvalidInput: No estimator has that name; the error lists those that there are.
    """
    if name in _makers:
        return _makers[name]()
    rule, _, alpha = name.partition(":")
    if rule == EXPONENTIAL:
        return Learned(exponential(_alpha(alpha)))
    raise InvalidInput(
        f"no estimator is called {name!r}: there are {', '.join(estimators())}, {EXPONENTIAL}:ALPHA, "
        "and your own as package.module:attribute"
    )


def _alpha(text: str) -> float:
    try:
        alpha = float(text)
    except ValueError:
        alpha = 0.0
    if not 0 < alpha <= 1:
        raise InvalidInput(f"the alpha of {EXPONENTIAL}:{text} must be a number above 0, and at most 1")
    return alpha


def estimators() -> tuple[str, ...]:
    """The names that can be chosen."""
    return tuple(sorted(_makers))
