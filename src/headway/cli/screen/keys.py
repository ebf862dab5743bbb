"""Keys from the bytes that a terminal sends."""

from __future__ import annotations

import codecs
import re

ESCAPE = "esc"

_NAMED = {"\r": "enter", "\n": "enter", "\x7f": "backspace", "\x08": "backspace", "\t": "tab", "\x15": "clear"}
_FINAL = {"A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end"}
_NUMBERED = {"1": "home", "7": "home", "4": "end", "8": "end", "5": "pageup", "6": "pagedown"}
_SEQUENCE = re.compile("\x1b(?:\\[|O)(?P<number>[0-9;?<]*)(?P<final>[@-~])")
_LONGEST = 32


class Keys:
    """Takes bytes and gives keys: characters as they are, others by name. Sequences that are not known are no keys."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, data: bytes) -> list[str]:
        """The keys that are whole now."""
        text = self._rest + self._decoder.decode(data)
        self._rest = ""
        keys: list[str] = []
        at = 0
        while at < len(text):
            if text[at] != "\x1b":
                keys += _plain(text[at])
                at += 1
                continue
            found = _SEQUENCE.match(text, at)
            if found is not None:
                keys += _of_sequence(found)
                at = found.end()
            elif _may_go_on(text[at:]):
                self._rest = text[at:]
                return keys
            else:
                keys.append(ESCAPE)
                at += 1
        return keys

    @property
    def pending(self) -> bool:
        """Whether an escape came, which may be the key or the beginning of another one."""
        return bool(self._rest)

    def flush(self) -> list[str]:
        """The keys after a moment in which nothing followed the escape."""
        rest, self._rest = self._rest, ""
        return [ESCAPE] if rest == "\x1b" else []


def _plain(character: str) -> list[str]:
    if character in _NAMED:
        return [_NAMED[character]]
    return [character] if character.isprintable() else []


def _may_go_on(text: str) -> bool:
    return text == "\x1b" or (
        text[1] in "[O" and len(text) < _LONGEST and re.fullmatch("[0-9;?<]*", text[2:]) is not None
    )


def _of_sequence(found: re.Match[str]) -> list[str]:
    named = _NUMBERED.get(found["number"]) if found["final"] == "~" else _FINAL.get(found["final"])
    return [named] if named else []
