"""When memory is given back."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from headway.server import trimming
from headway.server.trimming import LEFT, Trimming


def times(counts: list[int]) -> int:
    """How often memory is given back, with so many connections at each look."""
    calls = []

    async def look() -> None:
        left = iter(counts)
        trimming = Trimming(lambda: next(left), lambda: calls.append(1))
        for _ in counts:
            trimming.look()
        await asyncio.get_running_loop().shutdown_default_executor()

    asyncio.run(look())
    return len(calls)


def test_when_many_have_left_since_the_last_time() -> None:
    assert times([0, 1_000, 1_000]) == 0
    assert times([1_000, 1_000 - LEFT, 1_000 - LEFT]) == 1
    assert times([1_000, 1_001 - LEFT]) == 0
    assert times([1_000, 900, 800]) == 1
    assert times([1_000, 0, 1_000, 0]) == 2


def test_it_looks_again_and_again_until_it_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trimming, "LOOK_S", 0.0)
    looks = []

    async def watch() -> None:
        enough = asyncio.Event()

        def count() -> int:
            looks.append(1)
            if len(looks) == 3:
                enough.set()
            return 0

        looking = Trimming(count, lambda: None)
        looking.start()
        await enough.wait()
        looking.stop()
        await asyncio.sleep(0)
        assert len(looks) == 3

    asyncio.run(watch())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads what Linux says of a process")
def test_what_was_freed_between_pieces_in_use_goes_to_the_system() -> None:
    """In a process of its own, whose memory nobody else takes."""
    program = """
from pathlib import Path
from headway.server.trimming import give_back

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

pieces = [bytearray(2_000) for _ in range(50_000)]
full = resident()
pieces = [piece for number, piece in enumerate(pieces) if number % 100 == 0]
give_back()
assert full - resident() > 50_000_000, (full, resident())
"""
    subprocess.run([sys.executable, "-c", program], check=True)
