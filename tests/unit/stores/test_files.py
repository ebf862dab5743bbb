"""Artifact files: what the contract cannot see."""

from __future__ import annotations

import fcntl
import io
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from headway.errors import NotFound
from headway.stores.files import FileArtifactStore


def make_old(file: Path) -> None:
    then = time.time() - 7_200
    os.utime(file, (then, then))


def test_content_lies_under_its_digest_and_nowhere_else(tmp_path: Path) -> None:
    store = FileArtifactStore(tmp_path / "artifacts")
    sha256 = store.put(io.BytesIO(b"hello")).sha256
    files = [file.relative_to(tmp_path) for file in tmp_path.rglob("*") if file.is_file()]
    assert files == [Path("artifacts", sha256[:2], sha256)]
    assert store.path(sha256).read_bytes() == b"hello"
    with pytest.raises(NotFound):
        store.path("0" * 64)


def test_what_a_killed_process_left_half_written_is_removed(tmp_path: Path) -> None:
    store = FileArtifactStore(tmp_path)
    old, new = tmp_path / "new-old", tmp_path / "new-new"
    old.write_bytes(b"123")
    new.write_bytes(b"1234")
    make_old(old)
    assert store.remove_unused(set()) == 3
    assert [file.name for file in tmp_path.iterdir()] == ["new-new"]


@contextmanager
def locked(folder: Path, how: int) -> Iterator[None]:
    """The folder, as another process has it locked that is about to put or to remove."""
    fd = os.open(folder, os.O_RDONLY)
    fcntl.flock(fd, how)
    yield
    os.close(fd)


def test_nothing_is_put_between_a_look_at_its_age_and_its_removal(tmp_path: Path) -> None:
    store = FileArtifactStore(tmp_path)
    sha256 = store.put(io.BytesIO(b"wanted")).sha256
    make_old(store.path(sha256))
    with locked(tmp_path, fcntl.LOCK_EX):
        putting = threading.Thread(target=lambda: store.put(io.BytesIO(b"wanted")))
        putting.start()
        putting.join(0.2)
        assert putting.is_alive()
        store.path(sha256).unlink()
    putting.join(30)
    store.open(sha256).close()


def test_nothing_is_removed_while_it_is_put(tmp_path: Path) -> None:
    store = FileArtifactStore(tmp_path)
    sha256 = store.put(io.BytesIO(b"wanted")).sha256
    make_old(store.path(sha256))
    with locked(tmp_path, fcntl.LOCK_SH):
        removing = threading.Thread(target=lambda: store.remove_unused(set()))
        removing.start()
        removing.join(0.2)
        assert removing.is_alive()
        store.put(io.BytesIO(b"wanted"))  # many may put at once
    removing.join(30)
    store.open(sha256).close()
