"""Amounts that people type and read: spans of time (``2h``), sizes (``10MB``), how long ago something was."""

from __future__ import annotations

import re

import click

from headway.errors import InvalidInput
from headway.protocol import times

MINUTE, HOUR, DAY, WEEK = 60, 3600, 86400, 604800
_SECONDS = {"": 1, "s": 1, "m": MINUTE, "min": MINUTE, "h": HOUR, "d": DAY, "w": WEEK}
_BYTES = {"": 1, "b": 1, "k": 10**3, "kb": 10**3, "m": 10**6, "mb": 10**6, "g": 10**9, "gb": 10**9}
_BYTES |= {"t": 10**12, "tb": 10**12, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
_AMOUNT = re.compile(r"^\s*([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*([a-z]{0,3})\s*\Z", re.IGNORECASE)
_DATE = re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _parse(text: str, units: dict[str, int], what: str) -> float:
    found = _AMOUNT.match(text)
    unit = None if found is None else units.get(found[2].lower())
    if found is None or unit is None:
        raise click.BadParameter(f"{text!r} is not {what}")
    return float(found[1]) * unit


def span(text: str) -> float:
    """A span of time that somebody typed, in seconds; a ``type`` for click."""
    return _parse(text, _SECONDS, "a span of time such as 90s, 10m, 2h, 7d or 2w")


def size(text: str) -> int:
    """A number of bytes that somebody typed; a ``type`` for click."""
    return int(_parse(text, _BYTES, "a size such as 500kB, 10MB or 2GiB"))


def moment(text: str) -> str | float:
    """A moment that somebody typed; a ``type`` for click: a span before now in seconds, or a time of the protocol."""
    if _DATE.match(text):
        return _time(text)
    return _parse(text, _SECONDS, "a span such as 2h or 7d, or a date such as 2026-11-20 or 2026-11-20T19:41")


def _time(text: str) -> str:
    from datetime import UTC, datetime

    try:
        parsed = datetime.fromisoformat(text)
        if parsed.tzinfo is not None:
            parsed = parsed.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(f"{text!r} is not a date and time such as 2026-11-20T19:41: {error}") from error
    return parsed.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def since_text(since: str | float | None, now_unix_s: float) -> str | None:
    """A moment as a time of the protocol."""
    if since is None or isinstance(since, str):
        return since
    try:
        return times.to_text(now_unix_s - since)
    except OverflowError as error:
        raise InvalidInput("that is before all calendars: give a shorter span") from error


def duration_text(seconds: float | None) -> str:
    """As ``format_duration``, or nothing; without its package, which is slow to load."""
    if seconds is None:
        return ""
    minutes, left = divmod(max(round(seconds), 0), MINUTE)
    hours, minutes = divmod(minutes, MINUTE)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes:02}:{left:02}"


def taken_text(seconds: float | None) -> str:
    """A time that has passed, in seconds that are over: parts that follow each other never show more than the whole."""
    return duration_text(None if seconds is None else int(round(seconds, 3)))


def age_text(seconds: float) -> str:
    """How long ago, in the largest unit that fits."""
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= unit:
            return f"{int(seconds // unit)} {name}"
    return f"{max(0, int(seconds))} s"


def size_text(size_bytes: float) -> str:
    """A number of bytes as people read it."""
    for unit, name in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size_bytes >= unit:
            return f"{size_bytes / unit:.1f} {name}"
    return f"{size_bytes:.0f} B"


def percent_text(progress: float) -> str:
    """A fraction in whole percent, of which 100 is only what is done."""
    return f"{int(progress * 100 + 1e-9)}%"
