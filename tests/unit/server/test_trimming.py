"""When memory is given back."""

from __future__ import annotations

import asyncio

from headway.server.trimming import LEFT, Trimming, give_back


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


def test_any_c_library_is_asked() -> None:
    give_back()
