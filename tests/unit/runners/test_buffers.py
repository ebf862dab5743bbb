"""What waits for the log, what is kept of a stream, and what is shown: bounded, in order, never waiting."""

from __future__ import annotations

import os
import resource
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.errors import InvalidInput
from headway.runners.backlog import FILE_BYTES, MEMORY_BYTES, Backlog, Piece
from headway.runners.display import Display
from headway.runners.kept import Kept
from headway.runners.options import Options, check, checked_command, default_kind, default_title
from headway.runners.sentinel import Sentinel


def everything(backlog: Backlog) -> list[Piece]:
    found = []
    while not backlog.ended:
        piece = backlog.take(None)
        if piece is not None:
            found.append(piece)
    return found


PIECE = 300_000


@pytest.mark.parametrize("count", [1, MEMORY_BYTES // PIECE, 5 * MEMORY_BYTES // PIECE, 3 * FILE_BYTES // PIECE])
def test_what_is_put_comes_out_in_order(count: int) -> None:
    backlog = Backlog(100_000_000)
    pieces = [(number % 2, bytes([number % 251]) * PIECE) for number in range(count)]
    for stream, data in pieces:
        backlog.put(stream, data)
    backlog.end()
    assert [(piece.stream, piece.data) for piece in everything(backlog)] == pieces
    assert backlog.take(None) is None


def test_putting_and_taking_may_go_on_side_by_side() -> None:
    backlog = Backlog(10_000_000_000)
    found: list[Piece] = []
    taker = threading.Thread(target=lambda: found.extend(everything(backlog)))
    taker.start()
    for number in range(20_000):
        backlog.put(0, b"%d\n" % number * 200)
    backlog.end()
    taker.join()
    assert b"".join(piece.data for piece in found) == b"".join(b"%d\n" % number * 200 for number in range(20_000))


def test_what_never_comes_is_told_of_behind_what_came() -> None:
    backlog = Backlog(FILE_BYTES)
    backlog.put(0, b"written")
    backlog.leave_out(7)
    backlog.leave_out(0)
    backlog.end()
    assert everything(backlog) == [Piece(0, b"written"), Piece(0, b"", 7)]


def test_the_oldest_is_left_out_and_counted() -> None:
    backlog = Backlog(FILE_BYTES)
    total = 0
    for number in range(200):
        backlog.put(0, bytes([number]) * PIECE)
        total += PIECE
    backlog.end()
    found = everything(backlog)
    kept = sum(len(piece.data) for piece in found)
    assert kept + sum(piece.left_out for piece in found) == total
    assert kept <= MEMORY_BYTES + 2 * FILE_BYTES + 2 * PIECE
    assert found[-1].data == bytes([199]) * PIECE
    assert [piece.left_out > 0 for piece in found].count(True) == 1


def test_a_full_disk_leaves_out_the_newest() -> None:
    backlog = Backlog(100_000_000)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        for number in range(30):
            backlog.put(0, bytes([number]) * PIECE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    backlog.end()
    found = everything(backlog)
    assert sum(len(piece.data) + piece.left_out for piece in found) == 30 * PIECE
    assert found[0].data == bytes([0]) * PIECE
    assert any(piece.left_out for piece in found)


def test_nothing_is_waited_for_longer_than_asked() -> None:
    backlog = Backlog(1)
    assert backlog.take(0.01) is None
    assert not backlog.ended


def test_it_is_crowded_when_much_waits() -> None:
    backlog = Backlog(1)
    backlog.put(0, b"x")
    before = backlog.crowded
    backlog.put(0, b"x" * MEMORY_BYTES)
    assert (before, backlog.crowded) == (False, True)
    backlog.end()
    everything(backlog)


@given(st.lists(st.binary(max_size=50), max_size=40), st.integers(1, 200))
def test_the_newest_bytes_are_kept(pieces: list[bytes], limit: int) -> None:
    kept = Kept(limit)
    for piece in pieces:
        kept.add(piece)
    whole = b"".join(pieces)
    assert kept.total == len(whole)
    assert kept.content().read() == whole[-limit:]
    kept.close()


def test_many_bytes_are_kept_on_disk() -> None:
    kept = Kept(3_000_000)
    for number in range(100):
        kept.add(bytes([number]) * 100_000)
    assert kept.content().read() == b"".join(bytes([number]) * 100_000 for number in range(70, 100))
    kept.close()


def test_a_display_shows_what_it_is_given(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as file:
        display = Display(file.fileno())
        display.show(b"x" * 1_000_000)
        assert not display.busy
    assert (tmp_path / "out").read_bytes() == b"x" * 1_000_000


def test_a_display_waits_for_nobody() -> None:
    read, write = os.pipe()
    display = Display(write)
    display.show(b"x" * 200_000)
    shown = b""
    for _ in range(100):
        if display.busy:
            shown += os.read(read, 100_000)
            display.push()
    os.close(write)
    while piece := os.read(read, 100_000):
        shown += piece
    os.close(read)
    assert shown == b"x" * 200_000
    assert not display.busy


def test_a_display_that_nobody_looks_at() -> None:
    read, write = os.pipe()
    os.close(read)
    display = Display(write)
    display.show(b"x")
    assert (display.closed, display.busy, display.trouble) == (True, False, None)
    display.show(b"x")
    os.close(write)
    gone = Display(write)
    gone.show(b"x")
    assert (gone.closed, gone.busy) == (False, False)
    with Path("/dev/full").open("wb", buffering=0) as full:
        display = Display(full.fileno())
        display.show(b"x")
    assert (display.closed, display.trouble) == (False, "No space left on device")


@pytest.mark.parametrize(
    ("output", "seen"),
    [
        (b"DONE\n", True),
        (b"x\n  \x1b[32mDONE\x1b[0m\r\nmore", True),
        (b"DONE", True),
        (b"DONE.\n", False),
        (b"not DONE\nDON\nE\n", False),
        (b"x" * 100_000 + b"DONE\n", False),
        (b"x" * 100_000 + b"\nDONE\n", True),
        (b"", False),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 5_000, 1_000_000])
def test_a_sentinel_is_a_line(output: bytes, seen: bool, size: int) -> None:
    sentinel = Sentinel(" DONE ")
    for start in range(0, len(output), size):
        sentinel.feed(output[start : start + size])
    assert sentinel.finish() == seen


def test_a_command_is_a_list() -> None:
    assert checked_command(["ls", Path("/tmp")]) == ("ls", "/tmp")
    for wrong in ("ls -l", b"ls", [], [""], ["a\0b"]):
        with pytest.raises(InvalidInput):
            checked_command(wrong)  # type: ignore[arg-type]


def test_numbers_are_checked() -> None:
    check(Options(command=("ls",), grace_s=0, timeout_s=0.001))
    for wrong in (
        Options(command=("ls",), grace_s=-1),
        Options(command=("ls",), timeout_s=0),
        Options(command=("ls",), timeout_s=float("nan")),
        Options(command=("ls",), timeout_s=1e12),
        Options(command=("ls",), log_limit_bytes=0),
        Options(command=("ls",), sentinel="\n"),
    ):
        with pytest.raises(InvalidInput):
            check(wrong)


def test_names_are_made_of_a_command() -> None:
    assert default_kind(["/usr/bin/python3", "x.py"]) == "python3"
    assert default_kind(["/"]) == "command"
    assert default_kind(["x" * 500]) == "x" * 128
    assert default_title(["echo", "two words", "a\nb"]) == "echo 'two words' 'a b'"
    assert default_title(["x" * 500])[-1] == "…"
