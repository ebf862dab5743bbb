"""The gate for forks: who is inside keeps it open, who is about to fork closes it, and nobody waits for himself."""

from __future__ import annotations

import threading
from collections.abc import Callable

from headway.ports import forking
from headway.ports.forking import alone, forkable, unforked

SOON_S, AT_LAST_S = 0.05, 30.0


class Elsewhere:
    """Something that a thread does, and whether it has done it."""

    def __init__(self, action: Callable[[], None]) -> None:
        self._done = threading.Event()
        self._action = action
        self._thread = threading.Thread(target=self._act)
        self._thread.start()

    def _act(self) -> None:
        self._action()
        self._done.set()

    def is_done_within(self, seconds: float) -> bool:
        return self._done.wait(seconds)

    def join(self) -> None:
        self._thread.join()


def enter() -> None:
    with unforked():
        pass


def close_and_open() -> None:
    with alone(AT_LAST_S) as all_out:
        assert all_out


def test_who_closes_the_gate_waits_for_who_is_inside() -> None:
    with unforked(), unforked():
        closing = Elsewhere(close_and_open)
        assert not closing.is_done_within(SOON_S)
    assert closing.is_done_within(AT_LAST_S)
    closing.join()


def test_who_is_inside_goes_deeper_while_somebody_wants_it_closed() -> None:
    with unforked():
        closing = Elsewhere(close_and_open)
        assert not closing.is_done_within(SOON_S)
        enter()
        assert not closing.is_done_within(SOON_S), "it is still inside"
    assert closing.is_done_within(AT_LAST_S)
    closing.join()


def test_nobody_comes_in_while_it_is_closed() -> None:
    with alone(AT_LAST_S) as all_out:
        assert all_out
        entering = Elsewhere(enter)
        assert not entering.is_done_within(SOON_S)
        enter()  # but for the thread that closed it
    assert entering.is_done_within(AT_LAST_S)
    entering.join()


def test_it_stays_closed_until_the_last_has_opened_it() -> None:
    with alone(AT_LAST_S):
        with alone(AT_LAST_S):
            pass
        entering = Elsewhere(enter)
        assert not entering.is_done_within(SOON_S)
    assert entering.is_done_within(AT_LAST_S)
    entering.join()


def test_a_wait_that_may_be_forked_in_keeps_nobody_waiting() -> None:
    with unforked(), unforked():
        with forkable():
            Elsewhere(close_and_open).join()
        closing = Elsewhere(close_and_open)
        assert not closing.is_done_within(SOON_S), "it is inside again, as deep as before"
    closing.join()
    with forkable():
        Elsewhere(close_and_open).join()
    Elsewhere(close_and_open).join()


def test_patience_has_an_end() -> None:
    inside, leave = threading.Event(), threading.Event()

    def stay() -> None:
        with unforked():
            inside.set()
            leave.wait()

    staying = Elsewhere(stay)
    inside.wait()
    with alone(SOON_S) as all_out:
        assert not all_out
    leave.set()
    staying.join()
    assert forking.is_whole()


def test_a_fork_that_began_before_the_gate_stood_leaves_it_open() -> None:
    forking._gate.open()
    Elsewhere(close_and_open).join()
    Elsewhere(enter).join()
