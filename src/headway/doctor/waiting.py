"""Reports that wait on this disk for a store that was out of reach."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from headway.doctor.check import Check, fine, problem, warning
from headway.reporter.spool import SUFFIX, LeftBehind, left_behind
from headway.targets import sqlite_path

DELIVER = "headway doctor --deliver"
DROP = "headway doctor --drop"
SQLITE = "sqlite:///"


class Kept(NamedTuple):
    """A file of reports whose job is gone: for which target, how large, how old."""

    target: str
    size_bytes: int
    age_s: float


def check_waiting(folder: Path) -> Iterator[Check]:
    """What jobs that are gone have left, by target, and what those that live keep at the moment.

    Args:
        folder: Where reports are kept.
    """
    kept, living, unreadable = look(folder)
    for target in dict.fromkeys(one.target for one in kept):
        files = [one for one in kept if one.target == target]
        size = sum(one.size_bytes for one in files)
        oldest = max(one.age_s for one in files)
        yield warning(
            "waiting",
            f"{len(files)} file(s) with {size / 1e3:,.1f} kB of reports wait for {target}, for {oldest / 60:,.0f} min",
            _remedy(target),
        )
    if living:
        text = f"{living} job(s) that live keep reports here, since their store is out of reach"
        yield warning("waiting", text, "see what is wrong with their store; they deliver by themselves")
    if unreadable:
        remedy = f"look at them:  ls -l {shlex.quote(str(folder))}"
        yield problem("waiting", f"{unreadable} file(s) in {folder} cannot be read", remedy)
    if not kept and not living and not unreadable:
        yield fine("waiting", f"no reports wait in {folder}")


def _remedy(target: str) -> str:
    deliver = f"the next job that reports there takes them along, or do it now:  {DELIVER}"
    if not target.startswith(SQLITE) or sqlite_path(target).exists():
        return deliver
    return f"{deliver}  (there is no store there now; if none is to be, remove them:  {DROP} {shlex.quote(target)})"


def look(folder: Path) -> tuple[list[Kept], int, int]:
    """The files that were left behind, how many belong to living jobs, and how many cannot be read."""
    kept: list[Kept] = []
    living = unreadable = 0
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        found = LeftBehind.claimed(path)
        if found is not None:
            status = path.stat()
            kept.append(Kept(found.header.target, status.st_size, max(0.0, time.time() - status.st_mtime)))
            found.release()
        elif _is_locked(path):
            living += 1
        else:
            unreadable += 1
    return kept, living, unreadable


def _is_locked(path: Path) -> bool:
    import fcntl

    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def drop(folder: Path, target: str) -> Check:
    """Remove what was left behind for a target; nobody will ever read it."""
    files = size = 0
    for found in left_behind(folder):
        if found.header.target == target:
            files, size = files + 1, size + found.path.stat().st_size
            found.remove()
        else:
            found.release()
    if not files:
        return problem("delivery", f"no reports wait for {target}", "headway doctor  says for which targets some do")
    return fine("delivery", f"dropped {files} file(s) with {size / 1e3:,.1f} kB of reports for {target}")


def deliver(folder: Path) -> list[Check]:
    """Deliver what was left behind, target by target; what became of it."""
    from headway.reporter.leftovers import deliver_left_behind
    from headway.targets import sink_opener

    found: list[Check] = []
    for target in dict.fromkeys(one.target for one in look(folder)[0]):
        opener = sink_opener(target)
        delivered = 0 if opener is None else deliver_left_behind(folder, target, opener)
        found.append(fine("delivery", f"delivered {delivered} file(s) to {target}"))
    return found
