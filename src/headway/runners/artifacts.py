"""Files that a program leaves in a folder, kept with its run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from headway.protocol import limits
from headway.reporter.reports import Reports

logger = logging.getLogger("headway")


def keep_files(scope: Reports, folder: Path) -> int:
    """Keep every file in a folder and the folders in it, under its path there; how many were kept.

    Links are not followed: they may lead anywhere.
    """
    kept = 0
    path = None
    for path in _files(folder):
        if kept == limits.ARTIFACTS_KEPT:
            logger.warning("only the first %d files of %s are kept", limits.ARTIFACTS_KEPT, folder)
            break
        kept += scope.artifact(path.relative_to(folder).as_posix(), path)
    if path is None:  # maybe another folder was meant
        logger.warning("the command has left no file in %s, so none is kept", folder)
    return kept


def _files(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        logger.warning("%s cannot be read: %s", folder, error)
        return
    for entry in entries:
        if entry.is_symlink():
            continue
        if entry.is_dir():
            yield from _files(entry)
        elif entry.is_file():
            yield entry
