"""Containers of somebody's own, in which tests hide exceptions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Pair(NamedTuple):
    number: int
    why: object


@dataclass
class Outcome:
    number: int
    why: object
    key: str = field(default="secret", repr=False)
