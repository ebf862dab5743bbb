"""SQLite's errors as Headway's: what happened to which file, and what to do."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from headway.errors import HeadwayError, StoreCorrupt, StoreFull, StoreReadOnly, StoreUnavailable


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what SQLite and the system raise inside into Headway's errors."""
    try:
        yield
    except (apsw.Error, OSError, MemoryError) as error:
        raise translate(error, path) from error


def translate(error: BaseException, path: Path) -> HeadwayError:
    """The error to raise instead of one of SQLite's or the system's."""
    if isinstance(error, HeadwayError):
        return error
    if isinstance(error, apsw.CantOpenError) and path.parent.is_dir() and not os.access(path.parent, os.W_OK):
        error = apsw.ReadOnlyError(f"{error}: its folder is read-only")  # SQLite needs files beside it, even to read
    number = getattr(error, "errno", None)
    for kinds, numbers, translation, advice in _TRANSLATIONS:
        if isinstance(error, kinds) or number in numbers:
            return translation(f"{path} {advice} ({error})")
    return StoreUnavailable(f"{path} is out of reach: {type(error).__name__}: {error}")


_Kinds = tuple[type[BaseException], ...]
_TRANSLATIONS: tuple[tuple[_Kinds, tuple[int, ...], type[HeadwayError], str], ...] = (
    (
        (apsw.FullError,),
        (errno.ENOSPC, errno.EDQUOT),
        StoreFull,
        "has no space left on its disk: nothing that was acknowledged is lost; free some space",
    ),
    (
        (apsw.ReadOnlyError, apsw.PermissionsError, apsw.AuthError),
        (errno.EACCES, errno.EPERM, errno.EROFS),
        StoreReadOnly,
        "cannot be written: check the permissions of the file and of its folder",
    ),
    (
        (apsw.CorruptError, apsw.NotADBError),
        (),
        StoreCorrupt,
        "is damaged and was left as it is: restore a copy, or move it away with its -wal file to begin anew",
    ),
    ((apsw.BusyError, apsw.LockedError), (), StoreUnavailable, "is locked by another program: try again"),
    ((apsw.CantOpenError,), (), StoreUnavailable, "cannot be opened: check that its folder exists and is yours"),
)
