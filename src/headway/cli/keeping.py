"""How long a server keeps runs that have ended, as people type it: ``24h``, ``audit=7d``, ``failed=forever``."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import get_args

import click

from headway.cli.amount import span
from headway.errors import InvalidInput
from headway.ports import Lifetime, PrunePolicy
from headway.protocol import names
from headway.protocol.events import RunStatus

ENDED = ("completed", "failed", "cancelled")
ALIKE = 0.8
"""From which likeness on a name is a status that was mistyped: ``canceled`` is, the kind ``compile`` is not."""

AS_KIND = "kind:"
"""Before a name that would be taken for a status; a kind that begins so itself needs it, too."""

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
    if not name.startswith(AS_KIND):
        _refuse_status(name)
    try:
        return Lifetime(kind=names.kind(name.removeprefix(AS_KIND)), kept_s=kept_s)
    except InvalidInput as error:
        raise click.BadParameter(str(error)) from error


def _refuse_status(name: str) -> None:
    """Refuse what would be taken for a kind, but was meant as a status: such runs would go after the usual time."""
    if name in get_args(RunStatus):
        raise click.BadParameter(f"{name} runs have not ended, and stay: say {', '.join(ENDED)}, or {AS_KIND}{name}")
    meant = difflib.get_close_matches(name.lower(), ENDED, n=1, cutoff=ALIKE)
    if meant:
        raise click.BadParameter(f"{name!r} is no status: did you mean {meant[0]!r}, or the kind, {AS_KIND}{name}?")
