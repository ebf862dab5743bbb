"""Which estimator makes the estimates: what a setting says, made into one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module

from headway.errors import InvalidInput
from headway.progress.remaining import DEFAULT, Estimator, estimator, estimators
from headway.progress.remaining.registry import EXPONENTIAL


def chosen_estimator(name: str | None = None, environment: Mapping[str, str] = os.environ) -> Estimator:
    """A new estimator.

    Args:
        name: A registered name, ``ema:ALPHA``, or ``package.module:attribute``: an estimator of one's own, or what
            makes one when it is called without arguments. The module is imported. None: what ``HEADWAY_ESTIMATOR``
            says, or else the one that learns.
        environment: Where that variable is.

    Raises:
        InvalidInput: There is no such estimator; the error says which there are, or what is wrong with one's own.
    """
    name = name or environment.get("HEADWAY_ESTIMATOR") or DEFAULT
    module, _, attribute = name.partition(":")
    if name in estimators() or not attribute or module == EXPONENTIAL:
        return estimator(name)
    return _own(name, module, attribute)


def _own(name: str, module: str, attribute: str) -> Estimator:
    try:
        found = getattr(import_module(module), attribute)
        # An instance is meant as it is; a class has the method too, but is meant to be called.
        made = found if hasattr(found, "estimate") and not isinstance(found, type) else found()
    except Exception as error:
        raise InvalidInput(f"the estimator {name} cannot be had: {type(error).__name__}: {error}") from error
    if not callable(getattr(made, "estimate", None)):
        raise InvalidInput(f"{name} is no estimator: it has no method estimate(situation, history)")
    chosen: Estimator = made
    return chosen
