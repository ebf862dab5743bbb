"""Artifact files: what the contract cannot see."""

from __future__ import annotations

import io
import os
import threading
import time
from pathlib import Path

import pytest

from headway.errors import NotFound
from headway.stores.files import FileArtifactStore


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
    then = time.time() - 7_200
    os.utime(old, (then, then))
    assert store.remove_unused(set()) == 3
    assert [file.name for file in tmp_path.iterdir()] == ["new-new"]


def test_content_that_is_put_while_it_is_removed_is_there(tmp_path: Path) -> None:
    store = FileArtifactStore(tmp_path)
    stop = threading.Event()

    def remove() -> None:
        while not stop.is_set():
            store.remove_unused(set())

    remover = threading.Thread(target=remove)
    sha256 = store.put(io.BytesIO(b"wanted")).sha256
    remover.start()
    try:
        for _ in range(100):
            then = time.time() - 7_200
            os.utime(store.path(sha256), (then, then))
            store.put(io.BytesIO(b"wanted"))
            store.open(sha256).close()
    finally:
        stop.set()
        remover.join()
