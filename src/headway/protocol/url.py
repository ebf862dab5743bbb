"""URLs as they may be shown."""

from __future__ import annotations

import re

_USER = re.compile(r"(?<=://)[^/?#]*@")


def shown_url(url: str) -> str:
    """A URL without its user and password, for messages, logs and screens."""
    return _USER.sub("", url)
