"""What a recogniser finds in a program's output, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Number = int | float
Level = Literal["error", "warning", "notice"]


class Reading(NamedTuple):
    """What a progress bar shows at a moment.

    Attributes:
        style: Whose bar it is.
        name: What it says of itself; empty if nothing.
        current: How much is done.
        total: How much there is to do, if it is known.
        unit: What is counted.
        remark: What else it says.
    """

    style: str
    name: str
    current: Number
    total: Number | None = None
    unit: str | None = None
    remark: str = ""

    @property
    def complete(self) -> bool:
        """Whether it is all done."""
        return self.total is not None and self.current >= self.total > 0


@dataclass(frozen=True, slots=True)
class Text:
    """Lines of ordinary output, with line ends between them and none behind the last."""

    text: str


@dataclass(frozen=True, slots=True)
class BarShown:
    """A bar, named by a number of its own, shows something; ``inside`` is the number of the bar that it is inside."""

    bar: int
    inside: int | None
    reading: Reading


@dataclass(frozen=True, slots=True)
class BarEnded:
    """A bar shows nothing any more. The same bar may begin again, under another number."""

    bar: int


@dataclass(frozen=True, slots=True)
class GroupBegan:
    """``::group::``: what follows belongs together."""

    title: str


@dataclass(frozen=True, slots=True)
class GroupEnded:
    """``::endgroup::``."""


@dataclass(frozen=True, slots=True)
class Told:
    """``::error::``, ``::warning::`` or ``::notice::``, and where in which file, if it says so."""

    level: Level
    message: str


@dataclass(frozen=True, slots=True)
class TerminalProgress:
    """``OSC 9;4``: the progress that a terminal shows in its window's frame.

    Attributes:
        state: 0 none, 1 as the percentage says, 2 in error, 3 unknown, 4 paused.
    """

    state: int
    percent: int | None


Sign = Text | BarShown | BarEnded | GroupBegan | GroupEnded | Told | TerminalProgress
"""Any of these."""
