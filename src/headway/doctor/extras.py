"""Which of the optional packages are there."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from headway.doctor.check import Check, fine
from headway.errors import MissingExtra

EXTRAS = {
    "images": (("PIL",), "thumbnails of screenshots"),
    "client": (("httpx", "websockets"), "watching a server"),
    "server": (("starlette", "uvicorn"), "headway serve"),
}
"""Each extra, the modules that it brings, and what it is for; ``cli`` is here, or nobody would ask."""


def check_extras() -> Iterator[Check]:
    """What is not installed is no fault: it says what it would be for."""
    missing = [
        f"{MissingExtra.command(extra)} for {purpose}"
        for extra, (modules, purpose) in EXTRAS.items()
        if not all(map(is_there, modules))
    ]
    yield fine("extras", "; ".join(["not installed", *missing]) if missing else "all are installed")


def is_there(module: str) -> bool:
    """Whether a module could be imported."""
    try:
        return find_spec(module) is not None
    except ValueError:  # it was made impossible to import
        return False
