"""Times on the wire: RFC 3339 in UTC with milliseconds, for display only: no duration comes from them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

TIME_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z\Z"
_TIME = re.compile(TIME_PATTERN)
_EPOCH = datetime(1970, 1, 1)  # in UTC, as all times here


def to_text(unix_s: float) -> str:
    """Seconds since 1970 as ``2026-11-20T19:41:03.120Z``."""
    moment = _EPOCH + timedelta(milliseconds=round(unix_s * 1000))
    return moment.isoformat(timespec="milliseconds") + "Z"


def to_unix(text: str) -> float:
    """The inverse of ``to_text``, in seconds.

    Raises:
        ValueError: The text is not a time of that form.
    """
    if not _TIME.match(text):
        raise ValueError(f"{text[:40]!r} is not a time such as 2026-11-20T19:41:03.120Z")
    return datetime.fromisoformat(text).timestamp()
