"""How long a server keeps runs that have ended, as people type it: ``24h``, ``audit=7d``, ``failed=forever``."""

from __future__ import annotations

from collections.abc import Sequence

import click

from headway.cli.amount import span
from headway.errors import InvalidInput
from headway.ports import Lifetime, PrunePolicy
from headway.protocol import names

ENDED = ("completed", "failed", "cancelled")
FOREVER = "forever"
USUAL = "24h"
"""Of runs that nothing else is said of."""


def retention(said: Sequence[str]) -> tuple[PrunePolicy, ...]:
    """What a server removes, if this is what it keeps.

    Raises:
        BadParameter: Something of it is no span, names no kind, or is said twice.
    """
    lifetimes: dict[tuple[str | None, str | None], Lifetime] = {}
    for each in map(_lifetime, said):
        if (each.kind, each.status) in lifetimes:
            raise click.BadParameter(f"{', '.join(said)}: it is said twice how long the same runs are kept")
        lifetimes[each.kind, each.status] = each
    usual = lifetimes.pop((None, None), _lifetime(USUAL))
    return (PrunePolicy(older_than_s=usual.kept_s, lifetimes=tuple(lifetimes.values())),)


def retention_text(said: Sequence[str]) -> str:
    """What a server says of it."""
    usual = [each for each in said if "=" not in each] or [USUAL]
    return ", ".join([*usual, *(each for each in said if "=" in each)])


def _lifetime(text: str) -> Lifetime:
    name, named, amount = text.rpartition("=")
    kept_s = None if amount == FOREVER else span(amount)
    if not named:
        return Lifetime(kept_s=kept_s)
    if name in ENDED:
        return Lifetime(status=name, kept_s=kept_s)
    try:
        return Lifetime(kind=names.kind(name), kept_s=kept_s)
    except InvalidInput as error:
        raise click.BadParameter(str(error)) from error
