"""Whether this user may do with a store's files what has to be done."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from headway.doctor.check import Check, fine, problem
from headway.doctor.disk import existing_folder

BESIDE = ("-wal", "-shm", "-lock")
"""Files beside a store that every user of it writes, also who only reads."""

FOLDERS = ("-bells", "-artifacts")


def check_permissions(path: Path) -> Iterator[Check]:
    """Whether files can be read and written, and made where there are none yet.

    Args:
        path: The store's file.
    """
    refused: dict[tuple[str, str | None], list[str]] = {}
    for place, what in (*_refused_files(path), *_refused_folders(path)):
        refused.setdefault((what, _stranger(place)), []).append(str(place))
    for (what, stranger), places in refused.items():
        yield problem("permissions", f"you may not {what} {', '.join(places)}", _remedy(stranger, places))
    if not refused:
        yield fine("permissions", f"you may read and write {path} and what is beside it")


def _refused_files(path: Path) -> Iterator[tuple[Path, str]]:
    for place in (path, *(path.with_name(path.name + ending) for ending in BESIDE)):
        if place.exists() and not os.access(place, os.R_OK | os.W_OK):
            yield place, "read and write"


def _refused_folders(path: Path) -> Iterator[tuple[Path, str]]:
    folder = existing_folder(path)
    if not os.access(folder, os.W_OK | os.X_OK):
        yield folder, "make files in"
    for place in (path.with_name(path.name + ending) for ending in FOLDERS):
        if place.is_dir() and not os.access(place, os.R_OK | os.W_OK | os.X_OK):
            yield place, "make files in"


def _stranger(place: Path) -> str | None:
    """Whose it is; None if it is one's own."""
    try:
        return None if place.stat().st_uid == os.geteuid() else place.owner()
    except (KeyError, OSError):
        return "its owner"


def _remedy(stranger: str | None, places: Sequence[str]) -> str:
    if stranger is None:
        return f"give yourself the right:  {shlex.join(['chmod', 'u+rwX', *places])}"
    return f"let {stranger} give you the right, or work as {stranger}:  {shlex.join(['ls', '-ld', *places])}"
