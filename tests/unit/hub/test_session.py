"""What to do next for a watcher: every case, and that following the advice always comes to an end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headway.hub.session import Log, Place, Step, next_step

LOG = Log(head=100, settled=90, kept_after=80, full=50)


def test_a_watcher_without_a_place_gets_a_snapshot() -> None:
    assert next_step(Place(None), LOG) is Step.SNAPSHOT
    assert next_step(Place(None, trusted=None), LOG) is Step.SNAPSHOT


def test_a_cursor_of_another_log_diverges() -> None:
    assert next_step(Place(90, trusted=False), LOG) is Step.DIVERGE
    assert next_step(Place(9, trusted=False), LOG) is Step.DIVERGE


def test_who_is_where_the_cohort_is_joins_it() -> None:
    assert next_step(Place(90), LOG) is Step.JOIN
    assert next_step(Place(100), LOG._replace(settled=100)) is Step.JOIN


def test_who_is_ahead_waits() -> None:
    assert next_step(Place(91), LOG) is Step.WAIT
    assert next_step(Place(101), LOG) is Step.WAIT
    assert next_step(Place(101, snapshot=True), LOG) is Step.WAIT


def test_who_is_behind_is_served_from_where_it_is_to_be_had() -> None:
    assert next_step(Place(80), LOG) is Step.MEMORY
    assert next_step(Place(79), LOG) is Step.STORE
    assert next_step(Place(79), LOG._replace(filled=False)) is Step.FILL
    assert next_step(Place(49), LOG._replace(filled=False)) is Step.STORE  # memory would not go back that far
    assert next_step(Place(49), LOG) is Step.STORE
    assert next_step(Place(49, skims=True), LOG) is Step.DEEP
    assert next_step(Place(50, skims=True), LOG) is Step.STORE


def test_a_cursor_that_nobody_knows_is_checked_before_memory_is_used() -> None:
    assert next_step(Place(85, trusted=None), LOG) is Step.CHECK
    assert next_step(Place(90, trusted=None), LOG) is Step.CHECK
    assert next_step(Place(200, trusted=None), LOG) is Step.CHECK
    assert next_step(Place(10, trusted=None), LOG) is Step.STORE  # the store checks it by itself


def test_who_is_owed_a_snapshot_is_brought_to_the_head_first() -> None:
    assert next_step(Place(90, snapshot=True), LOG) is Step.MEMORY
    assert next_step(Place(100, snapshot=True), LOG) is Step.SNAPSHOT


def test_the_end_comes_when_everything_was_settled() -> None:
    ended = LOG._replace(ended=True)
    assert next_step(Place(90), ended) is Step.JOIN
    assert next_step(Place(100), ended) is Step.WAIT
    assert next_step(Place(100), ended._replace(settled=100)) is Step.END
    assert next_step(Place(99), ended._replace(settled=100)) is Step.MEMORY


@given(
    st.one_of(st.none(), st.integers(0, 130)),
    st.sampled_from([True, False, None]),
    st.booleans(),
    st.booleans(),
    st.data(),
)
def test_following_the_advice_leads_to_the_cohort(
    seq: int | None, trusted: bool | None, snapshot: bool, skims: bool, data: st.DataObject
) -> None:
    """Each step does what its name says to a plain model; nothing is passed over, and nothing is sent twice."""
    head = data.draw(st.integers(1, 120))
    settled, kept_after = data.draw(st.integers(0, head)), data.draw(st.integers(0, head))
    log = Log(head, settled, kept_after, full=data.draw(st.integers(1, 60)), filled=data.draw(st.booleans()))
    place = Place(seq, trusted, snapshot, skims)
    covered = seq
    for _ in range(200):
        match next_step(place, log):
            case Step.SNAPSHOT:
                assert place.seq is None or place.seq == log.head
                place, covered = Place(log.head, skims=skims), log.head
            case Step.CHECK:
                place = place._replace(trusted=data.draw(st.booleans()))
            case Step.DIVERGE:
                place = Place(None, skims=skims)
            case Step.FILL:
                log = log._replace(filled=True, kept_after=max(0, log.head - log.full))
            case Step.WAIT:
                log = log._replace(head=log.head + 1, settled=log.head + 1, kept_after=min(log.kept_after, log.head))
            case Step.JOIN:
                assert place.seq == log.settled
                return
            case Step.MEMORY | Step.STORE | Step.DEEP as step:
                assert place.seq is not None
                assert place.seq == covered
                target = log.head if step is not Step.MEMORY or place.snapshot else log.settled
                target = log.head - log.full if step is Step.DEEP else target
                if step is Step.MEMORY:
                    assert place.trusted
                    assert place.seq >= log.kept_after
                assert target > place.seq
                place = Place(target, True, place.snapshot or step is Step.DEEP, skims)
                covered = target
    raise AssertionError("it goes on for ever")
