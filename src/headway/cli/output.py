"""How the commands print: for people on a terminal, as plain text into a pipe, as JSON for programs.

Colours are used only on a terminal that has them, and not when ``NO_COLOR`` says so. What comes from a job passes
``safe_line`` on its way here, and JSON for a terminal has its control characters written as escapes.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Literal

import click
import msgspec

if TYPE_CHECKING:
    from rich.console import Console

Style = Literal["", "bold", "dim", "red", "green", "yellow", "cyan", "bold red"]

# What JSON may hold as it is, and a terminal would act on: DEL and the controls of Latin 1, as UTF-8.
_CONTROLS = re.compile(rb"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae\x8e\x8f]|\xe2\x81[\xa6-\xa9]")

SYMBOLS = {
    "pending": "○",
    "running": "●",
    "lost": "!",
    "degraded": "!",
    "completed": "✓",
    "failed": "✗",
    "cancelled": "–",
    "skipped": "–",
}
PLAIN_SYMBOLS = {
    "pending": ".",
    "running": "*",
    "lost": "!",
    "degraded": "!",
    "completed": "+",
    "failed": "x",
    "cancelled": "-",
    "skipped": "-",
}
STYLES: dict[str, Style] = {
    "pending": "dim",
    "running": "cyan",
    "lost": "yellow",
    "degraded": "yellow",
    "completed": "green",
    "failed": "red",
    "cancelled": "yellow",
    "skipped": "dim",
    "critical": "bold red",
    "high": "red",
    "medium": "yellow",
    "low": "dim",
}
"""Of statuses and severities."""


def is_terminal() -> bool:
    """Whether people look at standard output as it is printed."""
    return sys.stdout.isatty()


def has_colours() -> bool:
    """Whether standard output may be coloured."""
    return is_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width() -> int:
    """Columns of the terminal; 80 if there is none."""
    import shutil

    return max(20, shutil.get_terminal_size((80, 24)).columns)


def symbol(status: str) -> str:
    """One character for a status."""
    return (SYMBOLS if _can_show("✓○●") else PLAIN_SYMBOLS).get(status, "?")


def _can_show(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def styled(text: str, style: Style) -> str:
    """Text with a style where colours are wanted."""
    if not style or not has_colours():
        return text
    *modifiers, last = style.split()
    colour = last if last not in ("bold", "dim") else None
    return click.style(text, fg=colour, bold="bold" in (*modifiers, last) or None, dim=last == "dim" or None)


def say(text: str = "") -> None:
    """A line on standard output; its colours are already those that are wanted."""
    click.echo(text, color=has_colours())


def remark(text: str) -> None:
    """A line on standard error, beside what is printed."""
    click.echo(f"headway: {text}", err=True)


def say_json(value: object) -> None:
    """A value as JSON on one line."""
    say_json_line(msgspec.json.encode(value))


def say_json_line(line: bytes) -> None:
    """One line of JSON, without its end."""
    sys.stdout.buffer.write(for_terminal(line) if is_terminal() else line)
    sys.stdout.buffer.write(b"\n")


def for_terminal(json: bytes) -> bytes:
    """The same JSON, with nothing in it that a terminal would act on."""
    return _CONTROLS.sub(lambda found: b"\\u%04x" % ord(found[0].decode()), json)


def console() -> Console:
    """Rich's console, as the colours are wanted. Text is printed as it is: no markup, no emoji codes."""
    from rich.console import Console

    return Console(
        color_system="auto" if has_colours() else None,
        force_terminal=is_terminal(),
        width=width(),
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=False,
    )
