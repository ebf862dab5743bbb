"""A user's own pattern of what progress looks like."""

from __future__ import annotations

import re

from headway.errors import InvalidInput
from headway.runners.recognition.shapes import number
from headway.runners.recognition.signs import Number, Reading

GROUPS = ("current", "total", "percent", "message", "stage")
"""What a pattern may name."""

_NEEDED = ("current", "percent", "message", "stage")

PATTERN_CHARS = 2_000
"""Of a line, at most: a pattern that looks back and forth in a long one would take for ever."""


class Pattern:
    """A regular expression with named groups: ``current``, ``total``, ``percent``, ``message``, ``stage``.

    Args:
        expression: Searched anywhere in a line.

    Raises:
        InvalidInput: It is none, or has none of these groups, or others.

    Example:
        >>> Pattern(r"epoch (?P<current>\\d+) of (?P<total>\\d+)").read("epoch 3 of 10").current
        3
    """

    def __init__(self, expression: str) -> None:
        try:
            self._expression = re.compile(expression)
        except (re.error, RecursionError, OverflowError) as error:
            raise InvalidInput(f"the pattern {expression!r} is no regular expression: {error}") from error
        names = set(self._expression.groupindex)
        if names - set(GROUPS):
            unknown = ", ".join(sorted(names - set(GROUPS)))
            raise InvalidInput(f"the pattern {expression!r} names {unknown}: only {', '.join(GROUPS)} mean something")
        if not names & set(_NEEDED):
            raise InvalidInput(
                f"the pattern {expression!r} names nothing: write what is progress as (?P<current>…), "
                "with (?P<total>…), or (?P<percent>…), (?P<message>…), (?P<stage>…)"
            )

    def read(self, text: str) -> Reading | None:
        """What a line says, or None."""
        found = self._expression.search(text[:PATTERN_CHARS])
        if found is None:
            return None
        said = {name: value.strip() for name, value in found.groupdict().items() if value is not None}
        current, total = _amounts(said)
        return Reading(
            style="pattern",
            name=said.get("stage", ""),
            current=current,
            total=total,
            unit="%" if total == 100 and "percent" in said else None,
            remark=said.get("message", ""),
        )


def _amounts(said: dict[str, str]) -> tuple[Number, Number | None]:
    total = _number(said.get("total"))
    current = _number(said.get("current"))
    percent = _number((said.get("percent") or "").rstrip("% ") or None)
    if current is None and percent is not None:
        return percent, 100
    return current or 0, total


def _number(text: str | None) -> Number | None:
    try:
        value = None if text is None else number(text)
    except ValueError:
        return None
    return value if value is not None and 0 <= value < 1e300 else None
