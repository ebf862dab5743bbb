"""What is put aside is bounded by number and by size."""

from __future__ import annotations

import pytest

from headway.hub.aside import PUT_ASIDE, PUT_ASIDE_BYTES, Aside
from headway.ports import Record
from headway.protocol.limits import EVENT_BYTES


def record(seq: int, size: int) -> Record:
    return Record(run_id="run", seq=seq, nonce=seq, type="note", priority="medium", body=b"x" * size)


@pytest.mark.parametrize(("size", "most"), [(1, PUT_ASIDE), (EVENT_BYTES, PUT_ASIDE_BYTES // EVENT_BYTES)])
def test_there_is_room_for_so_many_and_so_much(size: int, most: int) -> None:
    aside = Aside()
    for _ in range(2):
        taken = [aside.put(record(seq, size)) for seq in range(most + 1)]
        assert taken == [True] * most + [False]
        assert len(aside) == most
        assert [found.seq for found in aside.take()] == list(range(most))
        assert len(aside) == 0


def test_what_was_forgotten_takes_no_room() -> None:
    aside = Aside()
    while aside.put(record(1, EVENT_BYTES)):
        pass
    aside.clear()
    assert aside.put(record(1, EVENT_BYTES))
