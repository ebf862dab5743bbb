"""Estimators by name."""

from collections.abc import Callable

from headway.progress.remaining.estimate import Estimator
from headway.progress.remaining.learned import Learned
from headway.progress.remaining.rule import exponential, mean, median

DEFAULT = "learned"

Maker = Callable[[], Estimator]

_makers: dict[str, Maker] = {
    DEFAULT: Learned,
    "ema": lambda: Learned(exponential()),
    "mean": lambda: Learned(mean),
    "median": lambda: Learned(median),
}


def register(name: str, maker: Maker) -> None:
    """Make an estimator selectable by name; a name that is known is replaced.

    Args:
        name: What settings call it.
        maker: Called for each user of it: a class, or a function without arguments. For another alpha:
            `register("ema", lambda: Learned(exponential(0.4)))`.
    """
    _makers[name] = maker


def estimator(name: str = DEFAULT) -> Estimator:
    """A new estimator of that name.

    Raises:
        KeyError: No estimator has that name; the error lists those that there are.
    """
    if name not in _makers:
        raise KeyError(f"no estimator called {name!r}; there are {', '.join(estimators())}")
    return _makers[name]()


def estimators() -> tuple[str, ...]:
    """The names that can be chosen."""
    return tuple(sorted(_makers))
