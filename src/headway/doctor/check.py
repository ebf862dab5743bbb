"""What one check has found."""

from __future__ import annotations

from typing import Literal

import msgspec

Level = Literal["ok", "warning", "problem"]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A finding.

    Attributes:
        name: What was looked at, in a word or two.
        level: ``warning``: it works, but may not go on to; ``problem``: it does not work.
        text: What was found, in a sentence.
        remedy: What to do; None if there is nothing to be done.
    """

    name: str
    level: Level
    text: str
    remedy: str | None = None


def fine(name: str, text: str) -> Check:
    """All is well."""
    return Check(name=name, level="ok", text=text)


def warning(name: str, text: str, remedy: str) -> Check:
    """It works, but may not go on to."""
    return Check(name=name, level="warning", text=text, remedy=remedy)


def problem(name: str, text: str, remedy: str) -> Check:
    """It does not work."""
    return Check(name=name, level="problem", text=text, remedy=remedy)
