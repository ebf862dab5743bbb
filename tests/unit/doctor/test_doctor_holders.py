"""Who holds a lock: what the kernel says of this very process."""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path

import pytest

from headway.doctor.holders import Lock, holder, locks_on, process

pytestmark = pytest.mark.skipif(not Path("/proc/locks").exists(), reason="needs /proc/locks")


def test_a_lock_on_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    assert locks_on(path) == []
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        (lock,) = locks_on(path)
        assert (lock.kind, lock.write, lock.pid) == ("flock", True, os.getpid())
        who = holder(lock, path)
    assert (who.pid, who.stopped) == (os.getpid(), False)
    assert str(who).startswith(f"process {os.getpid()} (")
    assert locks_on(path) == []


def test_a_lock_on_some_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 200)
    with path.open("r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_SH, 1, 123)
        (lock,) = locks_on(path)
    assert (lock.kind, lock.write, lock.first, lock.pid) == ("posix", False, 123, os.getpid())


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert locks_on(tmp_path / "nothing") == []


def test_processes() -> None:
    assert Path(sys.executable).name[:6] in process(os.getpid()).command or "pytest" in process(os.getpid()).command
    assert str(process(2**22 + 1)) == "a process that cannot be seen from here"


def test_a_lock_whose_holders_are_all_gone(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    gone = Lock("flock", write=True, pid=2**22 + 1, file=(0, 0, 0), first=0)
    assert holder(gone, tmp_path / "file").pid == 0
