"""Files that are written whole or not at all, and never over another one unless that is wanted."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from headway.errors import HeadwayError, InvalidName
from headway.progress.state import ArtifactEntry
from headway.protocol import names

CHUNK_BYTES = 1024 * 1024


@contextmanager
def save(path: Path, *, force: bool) -> Iterator[BinaryIO]:
    """A file to write; it gets its name when the block has ended well, and is gone when it has not.

    Raises:
        HeadwayError: There is something of that name, and ``force`` does not allow to replace it; or its folder is
            not there.
        OSError: It cannot be written.
    """
    _check_name(path, force=force)
    unready = path.with_name(f".headway-{secrets.token_hex(8)}")  # nothing of its own name, which may be at the limit
    try:
        with _opened(unready, path) as file:
            yield file
        _give_name(unready, path, force=force)
    finally:
        unready.unlink(missing_ok=True)


def _check_name(path: Path, *, force: bool) -> None:
    """Also whether a file can be called so, before there is anything to write into it."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return
    if not force:
        raise _is_there(path)


def _opened(unready: Path, path: Path) -> BinaryIO:
    try:
        return unready.open("xb")
    except (FileNotFoundError, NotADirectoryError):
        raise HeadwayError(f"there is no folder {path.parent}: make it, or give another place with -o") from None
    except OSError as error:
        error.filename = str(path)  # the name that people know
        raise


def _give_name(unready: Path, path: Path, *, force: bool) -> None:
    if force:
        unready.replace(path)
        return
    try:
        os.link(unready, path)  # unlike a rename it fails when somebody was faster
    except FileExistsError:
        raise _is_there(path) from None
    except OSError:  # a disk without links
        if os.path.lexists(path):
            raise _is_there(path) from None
        unready.rename(path)


def _is_there(path: Path) -> HeadwayError:
    return HeadwayError(f"{path} is there already: give another name with -o, or --force to replace it")


def copy_verified(content: BinaryIO, file: BinaryIO, entry: ArtifactEntry) -> None:
    """Copy an artifact's content.

    Raises:
        HeadwayError: It is not what its run reported, by its SHA-256. What was written of it is worth nothing.
    """
    digest = hashlib.sha256()
    while chunk := content.read(CHUNK_BYTES):
        digest.update(chunk)
        file.write(chunk)
    if digest.hexdigest() != entry.sha256:
        raise HeadwayError(f"the content of {entry.name!r} is damaged: its SHA-256 is not the one that was reported")


def place_for(name: str, to: str | None) -> Path:
    """Where an artifact goes: into the file or the folder that was named, else into the working directory.

    Only the last part of its name is used, which can lead nowhere else.

    Raises:
        InvalidName: That part alone is no name for a file that somebody else may choose.
    """
    if to is not None and not to.endswith("/") and not Path(to).is_dir():
        return Path(to)
    last = names.artifact_name(name).rpartition("/")[2]
    if last.startswith((".", "-", "~")):
        raise InvalidName(f"{last!r} is no name to be chosen by a job: say how the file is to be called, with -o FILE")
    return Path(to or ".") / last
