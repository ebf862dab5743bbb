"""Doorbells: rung, stale, full, without a place, and many."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from pathlib import Path

from headway.stores.sqlite.doorbell import Bell, ring_all


def bells(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


def test_a_ring_ends_a_wait_once(tmp_path: Path) -> None:
    bell = Bell(tmp_path / "bells")
    assert not bell.wait(0)
    ring_all(tmp_path / "bells")
    ring_all(tmp_path / "bells")
    assert bell.wait(0)
    assert not bell.wait(0)
    bell.close()


def test_everybody_is_rung(tmp_path: Path) -> None:
    hung = [Bell(tmp_path) for _ in range(3)]
    ring_all(tmp_path)
    assert [bell.wait(0) for bell in hung] == [True] * 3
    hung[0].close()
    ring_all(tmp_path)
    assert [bell.wait(0) for bell in hung[1:]] == [True] * 2
    for bell in hung:
        bell.close()
    assert bells(tmp_path) == []


def test_a_bell_whose_follower_is_gone_is_removed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "1-killed")
    bell = Bell(tmp_path)
    ring_all(tmp_path)
    assert bell.wait(0)
    assert len(bells(tmp_path)) == 1
    bell.close()


def test_a_bell_that_nobody_hears_fills_up_and_harms_nobody(tmp_path: Path) -> None:
    bell = Bell(tmp_path)
    writing = os.open(next(tmp_path.iterdir()), os.O_WRONLY | os.O_NONBLOCK)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, b"!" * 4_096)
    os.close(writing)
    ring_all(tmp_path)
    assert bell.wait(0)
    ring_all(tmp_path)
    assert bell.wait(0)
    bell.close()


def test_where_no_bell_can_hang_a_wake_still_works(tmp_path: Path) -> None:
    (tmp_path / "bells").write_text("in the way")
    bell = Bell(tmp_path / "bells")
    assert not bell.wait(0)
    bell.wake()
    assert bell.wait(0)
    ring_all(tmp_path / "bells")
    ring_all(tmp_path / "nowhere")
    bell.close()
    assert (tmp_path / "bells").read_text() == "in the way"


def test_a_bell_may_be_taken_down_twice_and_woken_afterwards(tmp_path: Path) -> None:
    bell = Bell(tmp_path)
    bell.close()
    reused = os.open(tmp_path, os.O_RDONLY)
    bell.close()
    bell.wake()
    os.fstat(reused)
    os.close(reused)


def test_a_bell_is_heard_in_a_process_with_many_open_files(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 1_200
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    opened = [os.open(tmp_path, os.O_RDONLY) for _ in range(1_100)]
    try:
        bell = Bell(tmp_path / "bells")
        ring_all(tmp_path / "bells")
        assert bell.wait(0)
        bell.close()
    finally:
        for fd in opened:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
