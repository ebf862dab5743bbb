"""Stretches: parts of a log cut into frames for those who were not there."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.hub.passages import read_deep, read_newest, read_weighed, read_whole
from headway.hub.stretch import ROOM_BYTES, Stretch, skimmed, weighed, whole
from headway.ports import EventStore, NewRun, Record
from headway.protocol import events as ev
from headway.protocol.codec import decode_event
from headway.protocol.cursor import Cursor
from headway.stores.memory import MemoryEventStore
from headway.testing.samples import AT
from tests.unit.hub.reports import append

LARGE = "x" * 60_000


def make_store(seed: int, count: int, large: float) -> MemoryEventStore:
    chance = random.Random(seed)
    store = MemoryEventStore()
    store.create(NewRun(run_id="run", kind="k", at=AT))
    for _ in range(count):
        text = LARGE if chance.random() < large else "few"
        data: ev.Data = chance.choice(
            [
                ev.StageProgress(progress=chance.random(), message=text),
                ev.Finding(id=chance.choice("abc"), detail=text),
                ev.Log(lines=("l",) * chance.randint(1, 50)),
                ev.Artifact(name="n", media_type=text),
                ev.Note(text=text),
            ]
        )
        append(store, "run", [ev.draft(data, at=AT, stage=chance.choice("st"))])
    return store


def read_all(store: EventStore) -> list[Record]:
    records: list[Record] = []
    page = store.read("run")
    while page.records:
        records += page.records
        page = store.read("run", page.cursor)
    return records


def check_follow(stretches: list[Stretch], after: int, upto: Cursor, store: EventStore) -> None:
    for stretch in stretches:
        assert stretch.from_ == after + 1
        assert stretch.to == store.cursor_at("run", stretch.to.seq)
        assert sum(len(body) + 1 for body in stretch.events) <= ROOM_BYTES
        seqs = [decode_event(body).seq for body in stretch.events]
        assert seqs == sorted(set(seqs))
        assert not seqs or (stretch.from_ <= seqs[0] and seqs[-1] <= stretch.to.seq)
        after = stretch.to.seq
    assert after == upto.seq


LOGS = st.tuples(st.integers(0, 1_000), st.integers(0, 60), st.sampled_from([0.0, 0.05, 0.5]))
FILTERS = st.sampled_from([None, frozenset({"finding"}), frozenset({"log", "note"}), frozenset({"nothing"})])


@given(LOGS, FILTERS, st.data())
def test_parts_are_cut_whole(log: tuple[int, int, float], types: frozenset[str] | None, data: st.DataObject) -> None:
    store = make_store(*log)
    records = read_all(store)
    head = store.header("run").cursor
    after = data.draw(st.integers(0, head.seq))
    cursor = store.cursor_at("run", after)
    due = [record for record in records[after:] if types is None or record.type in types]
    for stretches in (list(whole(due, after, head)), read_whole(store, "run", cursor, types)):
        check_follow(stretches, after, head, store) if stretches else None
        assert [body for stretch in stretches for body in stretch.events] == [record.body for record in due]
        assert all(not stretch.conflated for stretch in stretches)
    paced = list(weighed(due, after, head))
    assert paced == read_weighed(store, "run", cursor, types)
    check_follow(paced, after, head, store)
    check_weighed(paced, due)


def check_weighed(stretches: list[Stretch], due: list[Record]) -> None:
    for stretch in stretches:
        sent = set(stretch.events)
        left_out: dict[str, int] = {}
        for record in due:
            if stretch.from_ <= record.seq <= stretch.to.seq and record.body not in sent:
                left_out[record.type] = left_out.get(record.type, 0) + 1
        assert stretch.conflated == left_out
    sent = {body for stretch in stretches for body in stretch.events}
    assert all(record.body in sent for record in due if record.type == "artifact")


def test_nothing_new_is_no_stretch() -> None:
    assert list(whole([], 5, Cursor("e", 5, 1))) == []
    assert list(weighed([], 5, Cursor("e", 5, 1))) == []


def test_only_what_matters_is_read_from_far_behind() -> None:
    store = make_store(7, 900, 0.0)
    records = read_all(store)
    after, bound = store.cursor_at("run", 10), 700
    stretches = read_deep(store, "run", after, bound, None)
    check_follow(stretches, 10, store.cursor_at("run", bound), store)
    matters = [record for record in records[10:bound] if record.priority in ("high", "critical")]
    assert [body for stretch in stretches for body in stretch.events] == [record.body for record in matters]
    assert sum(sum(stretch.conflated.values()) for stretch in stretches) == 690 - len(matters)
    assert {type_ for stretch in stretches for type_ in stretch.conflated} == {"*"}
    filtered = read_deep(store, "run", after, bound, frozenset({"artifact"}))
    assert [stretch.conflated for stretch in filtered] == [{}]


def test_what_was_skimmed_is_counted_frame_by_frame() -> None:
    records = [Record("run", seq, 1, "artifact", "high", b"x" * 100_000) for seq in (3, 7, 20)]
    stretches = list(skimmed(records, 0, Cursor("e", 30, 1), counted=True))
    assert [(one.from_, one.to.seq, one.conflated) for one in stretches] == [
        (1, 3, {"*": 2}),
        (4, 7, {"*": 3}),
        (8, 30, {"*": 22}),
    ]


@pytest.mark.parametrize(
    ("upto", "events", "size", "first"), [(50, 20, 10**6, 31), (10, 20, 10**6, 1), (50, 20, 0, 51)]
)
def test_the_newest_are_read_within_bounds(upto: int, events: int, size: int, first: int) -> None:
    store = make_store(3, 60, 0.0)
    records = read_newest(store, "run", upto, events=events, size=size)
    assert [record.seq for record in records] == list(range(first, upto + 1))


def test_the_newest_are_bounded_by_their_bytes() -> None:
    store = make_store(3, 60, 0.0)
    all_of_them = read_newest(store, "run", 60, events=60, size=10**6)
    size = sum(len(record.body) for record in all_of_them[-5:])
    assert read_newest(store, "run", 60, events=60, size=size) == all_of_them[-5:]
    assert read_newest(store, "run", 60, events=60, size=size - 1) == all_of_them[-4:]


def test_stretches_are_what_frames_say() -> None:
    body = b'{"seq":1}'
    (stretch,) = whole([Record("run", 1, 7, "note", "low", body)], 0, Cursor("e", 1, 7))
    assert stretch == Stretch(1, Cursor("e", 1, 7), [body], {})
    assert msgspec.json.decode(stretch.events[0]) == {"seq": 1}
