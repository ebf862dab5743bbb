"""Which transport is next, and when."""

from __future__ import annotations

import pytest

from headway.client.backoff import LONGEST_S, SHORTEST_S, Backoff
from headway.client.ladder import CLIMB_S, ConnectionLost, Ladder

ANSWERED = ConnectionLost("no upgrade", answered=True)
GONE = ConnectionLost("nobody there", answered=False)


def test_who_gets_no_frame_goes_down_at_once_and_no_further_than_polling() -> None:
    ladder = Ladder()
    seen = []
    for _ in range(4):
        seen.append(ladder.next(0.0))
        wait = ladder.failed(ANSWERED, 0.0)
        assert (wait == 0.0) == (len(seen) < 3)
    assert seen == ["websocket", "sse", "polling", "polling"]


def test_a_server_that_is_gone_or_was_heard_is_no_reason_to_go_down() -> None:
    ladder = Ladder()
    assert ladder.next(0.0) == "websocket"
    assert ladder.failed(GONE, 0.0) >= SHORTEST_S
    assert ladder.next(0.0) == "websocket"
    ladder.worked()
    assert ladder.failed(ANSWERED, 0.0) >= SHORTEST_S
    assert ladder.next(0.0) == "websocket"


def test_the_best_is_tried_again_after_a_while() -> None:
    ladder = Ladder()
    ladder.next(0.0)
    ladder.failed(ANSWERED, 0.0)
    assert ladder.next(CLIMB_S - 1) == "sse"
    ladder.worked()
    assert ladder.next(CLIMB_S) == "websocket"


def test_waits_grow_from_one_second_to_four_and_begin_anew_when_something_worked() -> None:
    highest, lowest = Backoff(chance=lambda: 1.0), Backoff(chance=lambda: 0.0)
    assert [highest.next_delay() for _ in range(5)] == [2.0, 4.0, 4.0, 4.0, LONGEST_S]
    assert {lowest.next_delay() for _ in range(5)} == {SHORTEST_S}
    highest.reset()
    assert highest.next_delay() == 2.0


def test_a_server_that_says_when_to_come_back_is_believed() -> None:
    ladder = Ladder(["websocket"])
    assert ladder.failed(ConnectionLost("later", answered=True, retry_after_s=42.0), 0.0) == 42.0


def test_there_is_at_least_one_transport() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Ladder([])
