"""What a loop leaves for the sender is fetched in time, not too often, and to the last value."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from headway.protocol.events import StageProgress
from headway.reporter.sampling import INTERVAL_S, STEADY_S, Progress, Sampler


class Sending:
    """A stage and its sender, on a clock of their own.

    Attributes:
        sent: What was sent, and when.
        announced: How often the stage has announced itself.
    """

    def __init__(self) -> None:
        self.now = 1_000.0
        self.sent: list[tuple[float, StageProgress]] = []
        self.announced = 0
        self._waiting: list[Progress] = []
        self.sampler = Sampler()
        self.progress = Progress("a", self._announce)
        self.progress.open(None, None)
        self.progress.starts_seen = 1

    def _announce(self, progress: Progress) -> None:
        self.announced += 1
        self._waiting.append(progress)

    def step(self, seconds: float = 0.0, *, hurry: bool = False, last: bool = False) -> None:
        """Time passes, and the sender looks what is to be done."""
        self.now += seconds
        waiting, self._waiting = self._waiting, []
        self.sampler.take(waiting, self.now)
        for due in self.sampler.due(float("inf") if last else self.now, hurry=hurry):
            newest = self.sampler.fetch(due, last=last)
            if newest is not None:
                self.sent.append((self.now, newest))

    @property
    def values(self) -> list[float | None]:
        return [newest.current for _, newest in self.sent]


def steady() -> Sending:
    """A stage that was sent, and announced itself again at once."""
    sending = Sending()
    for _ in range(2):
        sending.progress.add(1)
        sending.step()
    assert sending.values == [1]
    return sending


def test_the_first_is_sent_at_once_and_the_next_not_before_its_time() -> None:
    sending = Sending()
    sending.progress.add(1)
    sending.step()
    assert sending.values == [1]
    sending.step(INTERVAL_S)
    sending.progress.add(1)
    assert sending.sampler.next_due() == float("inf"), "it is not known yet"
    sending.step()
    assert sending.values == [1, 2]


def test_one_that_comes_seldom_announces_itself_each_time() -> None:
    sending = Sending()
    for n in range(1, 6):
        sending.progress.add(1)
        sending.step(1.0)
        assert sending.values[-1] == n
        assert sending.sampler.pending == set()
    assert sending.announced == 5


def test_a_steady_one_is_fetched_in_larger_steps_and_wakes_nobody() -> None:
    sending = steady()
    announced = sending.announced
    for n in range(3, 8):
        assert sending.sampler.next_due() == sending.sent[-1][0] + STEADY_S
        sending.progress.add(1)
        sending.step(INTERVAL_S)
        sending.step(STEADY_S - INTERVAL_S)
        assert sending.values[-1] == n
    assert sending.announced == announced


def test_who_waits_for_a_steady_one_gets_it_sooner() -> None:
    sending = steady()
    assert sending.sampler.next_due(hurry=True) == sending.now + INTERVAL_S
    sending.step(INTERVAL_S)
    assert sending.values == [1]
    sending.step(hurry=True)
    assert sending.values == [1, 2]


def test_a_steady_one_that_rests_announces_itself_when_it_goes_on() -> None:
    sending = steady()
    sending.step(STEADY_S)
    sending.step(STEADY_S)
    assert sending.values == [1, 2]
    assert sending.sampler.pending == set()
    announced = sending.announced
    sending.progress.add(1)
    assert sending.announced == announced + 1
    sending.step(STEADY_S)
    assert sending.values == [1, 2, 3]


def test_what_comes_while_the_flag_goes_up_is_not_lost() -> None:
    class Late(Progress):
        late = True

        def fetch(self, *, announced: bool = True) -> StageProgress | None:
            newest = super().fetch(announced=announced)
            if not announced and newest is None and self.late:
                self.late = False
                self.add(1)  # the flag is down, so nobody hears of it
            return newest

    sending = Sending()
    sending.progress = late = Late("a", sending._announce)
    late.open(None, None)
    late.starts_seen = 1
    for _ in range(2):
        late.add(1)
        sending.step()
    sending.step(STEADY_S)
    sending.step(STEADY_S)
    assert sending.values == [1, 2, 3]


def test_at_the_end_a_steady_one_is_fetched_once_and_not_waited_for() -> None:
    sending = steady()
    sending.progress.add(1)
    sending.step(last=True)
    assert sending.values == [1, 3]
    assert sending.sampler.pending == set()


def test_a_closed_one_is_left_alone() -> None:
    sending = steady()
    sending.progress.closed = True
    sending.step()
    assert sending.values == [1]
    assert sending.sampler.pending == set()


def test_none_is_sent_before_its_start() -> None:
    sending = steady()
    sending.progress.open(None, None)
    sending.step(10.0)
    assert sending.values == [1]
    sending.progress.starts_seen += 1
    sending.step()
    assert sending.values == [1, 2]


moves = st.lists(st.one_of(st.just(None), st.sampled_from([0.001, 0.03, INTERVAL_S, STEADY_S, 1.0])), max_size=60)


@given(moves)
def test_whatever_the_pace_the_last_value_is_sent_and_none_too_soon(moves: list[float | None]) -> None:
    sending = Sending()
    for move in moves:
        if move is None:
            sending.progress.add(1)
        else:
            sending.step(move)
    for _ in range(4):
        sending.step(STEADY_S)
    assert sending.sampler.pending == set()
    assert sending.values[-1:] == [sending.progress.current][: moves.count(None)]
    times = [at for at, _ in sending.sent]
    assert all(later - earlier >= INTERVAL_S - 1e-9 for earlier, later in itertools.pairwise(times))
