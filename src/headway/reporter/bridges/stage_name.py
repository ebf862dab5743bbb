"""From what a bar calls itself to a stage's name."""

from __future__ import annotations

import re
from functools import lru_cache

from headway.protocol import limits

NAME_CHARS = 60
"""A bar's name is one part of a path, which has eight, and 256 characters for all of them."""

TEXT_CHARS = limits.TITLE_CHARS
"""As much of a bar's text as anybody reads."""

_UNSEEN = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


def clean_text(text: object) -> str:
    """One line to read: no colours, no control characters, no more than anybody reads."""
    return _UNSEEN.sub(" ", _ESCAPE.sub("", str(text)[: 4 * TEXT_CHARS])).strip()[:TEXT_CHARS]


def stage_name(description: object, default: str) -> str:
    """A valid part of a stage's path.

    >>> stage_name("Epoch 3/10: ", "bar")
    'Epoch 3-10'
    >>> stage_name(" ", "bar")
    'bar'
    """
    return _part(str(description)) or default


@lru_cache(maxsize=256)  # an inner bar has the same description in each round
def _part(description: str) -> str:
    return clean_text(description).replace("/", "-").rstrip(": ")[:NAME_CHARS].strip()
