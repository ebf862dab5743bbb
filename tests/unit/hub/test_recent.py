"""The newest events in memory: which are there, and which cursors are known, whatever was added and let go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headway.hub.recent import Recent
from headway.ports import Record
from headway.protocol.cursor import Cursor

LOG = [Record("run", seq, seq // 3 + 1, "note", "low", b"x" * (seq % 7)) for seq in range(1, 2_600)]


def cursor(seq: int) -> Cursor:
    return Cursor("e", seq, LOG[seq - 1].nonce if seq else 0)


def check(recent: Recent) -> None:
    kept = recent.since(recent.kept_after, recent.head.seq)
    assert kept == LOG[recent.kept_after : recent.head.seq]
    assert recent.size == sum(len(record.body) for record in kept)
    assert recent.count == len(kept)
    for seq in range(max(0, recent.kept_after - 30), recent.head.seq + 2):
        known = recent.cursor_at(seq)
        assert known is None or known == cursor(seq)
        assert known is not None or seq <= recent.kept_after or seq > recent.head.seq
    assert recent.cursor_at(0) == cursor(0)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 1_100)),
        st.tuples(st.just("trim"), st.integers(0, 40)),
        st.tuples(st.just("fill"), st.integers(0, 60)),
        st.tuples(st.just("fill-part"), st.integers(0, 10)),
    ),
    max_size=12,
)


@given(st.integers(0, 100), STEPS)
def test_what_is_kept_is_the_log_without_a_hole(start: int, steps: list[tuple[str, int]]) -> None:
    recent = Recent(cursor(start))
    unsettled = start
    for step, number in steps:
        match step:
            case "append":
                for record in LOG[recent.head.seq : recent.head.seq + number]:
                    recent.append(record)
            case "trim":
                unsettled = max(unsettled, recent.head.seq - number * 2)
                recent.trim(number, 10_000, unsettled)
                assert recent.count <= number
            case "fill":
                recent.fill(LOG[max(0, recent.kept_after - number) : recent.kept_after])
            case _:  # what does not reach to what is kept
                recent.fill(LOG[max(0, recent.kept_after - 20) : max(0, recent.kept_after - 1 - number)])
        check(recent)
        assert all(recent.cursor_at(seq) == cursor(seq) for seq in range(max(1, unsettled), recent.head.seq + 1))


def test_bytes_are_bounded_too() -> None:
    recent = Recent(cursor(0))
    for record in LOG[:100]:
        recent.append(record)
    recent.trim(1_000, 60, 0)
    assert recent.size <= 60
    assert recent.count > 10
    check(recent)


def test_events_of_another_log_are_not_put_before_it() -> None:
    recent = Recent(cursor(50))
    other = [Record("run", record.seq, 99, "note", "low", b"") for record in LOG[40:50]]
    recent.fill(other)
    assert recent.count == 0
    check(recent)
