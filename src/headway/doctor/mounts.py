"""What disk a path is on: of which type, where it begins, and how it is mounted. Linux only."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

MOUNTINFO = Path("/proc/self/mountinfo")
_OCTAL = re.compile(r"\\([0-7]{3})")


class Mount(NamedTuple):
    """A mounted file system."""

    point: Path
    type: str
    read_only: bool


def mount_of(path: Path, mountinfo: str | None = None) -> Mount | None:
    """The file system that a path is on; None where that cannot be known.

    Args:
        path: The path, which need not exist; links in it are not followed.
        mountinfo: As ``/proc/self/mountinfo`` has it (see proc_pid_mountinfo(5)).
    """
    if mountinfo is None:
        try:
            mountinfo = MOUNTINFO.read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            return None
    found = [mount for mount in map(_parse, mountinfo.splitlines()) if mount and path.is_relative_to(mount.point)]
    # Of two at the same place the later one covers the other.
    return max(reversed(found), key=lambda mount: len(mount.point.parts), default=None)


def _parse(line: str) -> Mount | None:
    before, separator, after = line.partition(" - ")
    fields, types = before.split(" "), after.split(" ")
    if not separator or len(fields) < 6:
        return None
    point = _OCTAL.sub(lambda octal: chr(int(octal[1], 8)), fields[4])
    options = {*fields[5].split(","), *types[-1].split(",")}
    return Mount(Path(point), types[0], "ro" in options)
