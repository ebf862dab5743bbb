"""Commands that programs write into their output for a CI system: ``::group::``, ``::error file=a,line=1::text``."""

from __future__ import annotations

import re
from typing import cast

from headway.runners.recognition.signs import GroupBegan, GroupEnded, Level, Sign, Told

_COMMAND = re.compile(r"::(?P<name>[a-z-]+)(?: (?P<properties>[^\n]*?))?::(?P<value>.*)")
_LEVELS = ("error", "warning", "notice")


class WorkflowCommands:
    """Reads them line by line; between ``::stop-commands::WORD`` and ``::WORD::`` there are none."""

    def __init__(self) -> None:
        self._stopped_until: str | None = None

    def read(self, line: str) -> Sign | None:
        """What a line says, or None if it is no command."""
        if self._stopped_until is not None:
            if line.strip() == f"::{self._stopped_until}::":
                self._stopped_until = None
            return None
        found = _COMMAND.fullmatch(line.rstrip("\r"))
        return None if found is None else self._sign(found["name"], found["properties"] or "", found["value"])

    def _sign(self, name: str, properties: str, value: str) -> Sign | None:
        if name == "group":
            return GroupBegan(_plain(value).strip())
        if name == "endgroup":
            return GroupEnded()
        if name == "stop-commands" and value:
            self._stopped_until = value.strip()
        if name not in _LEVELS:
            return None
        return Told(cast(Level, name), _told(properties, _plain(value)))


def _told(properties: str, message: str) -> str:
    given = dict(part.split("=", 1) for part in properties.split(",") if "=" in part)
    place = ":".join(_plain(given[name]) for name in ("file", "line") if given.get(name))
    title = _plain(given.get("title", ""))
    return ": ".join(part for part in (place, title, message) if part)


def _plain(text: str) -> str:
    """What cannot stand in a command is written like in a URL."""
    for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, character)
    return text
