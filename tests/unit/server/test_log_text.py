"""A stretch of a log's text is a slice of the whole, wherever it is, whatever was selected, cut or remembered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.server import log_text
from headway.server.log_text import Selection, Texts
from headway.stores.memory import MemoryEventStore
from headway.testing.samples import batch, log, new_run, note

LINES = st.lists(st.text(alphabet="aäb€😀 ", max_size=6), max_size=4).map(tuple)
LOGS = st.builds(
    lambda lines, stage, stream, partial: log(
        *(lines[:1] if partial else lines), stage=stage, stream=stream, partial=partial
    ),
    LINES,
    st.sampled_from([None, "s"]),
    st.sampled_from(["log", "err"]),
    st.booleans(),
)
EVENTS = st.lists(st.one_of(LOGS, st.just(note("between"))), max_size=40)
SELECTIONS = st.builds(Selection, st.just("run"), st.sampled_from([None, "", "s"]), st.sampled_from([None, "log"]))


@pytest.fixture(autouse=True, scope="module")
def _small() -> object:
    patch = pytest.MonkeyPatch()
    patch.setattr(log_text, "MARK_BYTES", 7)
    patch.setattr(log_text, "PAGE", 3)
    yield
    patch.undo()


def whole(store: MemoryEventStore, selection: Selection) -> bytes:
    return b"".join(piece.encoded() for piece in Texts().pieces(store, selection, 0))


@given(EVENTS, SELECTIONS, st.lists(st.tuples(st.integers(0, 300), st.integers(1, 60)), max_size=8))
def test_any_stretch(drafts: list, selection: Selection, wanted: list[tuple[int, int]]) -> None:  # type: ignore[type-arg]
    store = MemoryEventStore()
    store.create(new_run())
    store.append(batch("run", 1, drafts))
    text, texts = whole(store, selection), Texts()
    assert texts.size(store, selection) == len(text)
    for begin, size in wanted:
        pieces = list(texts.pieces(store, selection, begin, begin + size))
        joined = b"".join(piece.encoded() for piece in pieces)
        first = pieces[0].offset if pieces else begin
        assert joined[begin - first : begin - first + size] == text[begin : begin + size]
    if selection.stage is not None and selection.stream is not None:
        assert [piece.offset for piece in texts.pieces(store, selection, 0)] == [
            piece.log.offset for piece in texts.pieces(store, selection, 0)
        ]


def test_places_of_a_log_that_grew_otherwise_are_forgotten() -> None:
    store, other = MemoryEventStore(), MemoryEventStore()
    selection, texts = Selection("run", None, None), Texts()
    for each, length in ((store, 10), (other, 3)):
        each.create(new_run())
        each.append(batch("run", 1, [log("x" * length) for _ in range(20)]))
    assert texts.size(store, Selection("run", None, "log")) == 220
    assert len(list(texts.pieces(store, selection, 200))) == 2
    other._runs["run"].row.epoch = store._runs["run"].row.epoch  # restored from a copy
    joined = b"".join(piece.encoded() for piece in texts.pieces(other, selection, 40))
    assert joined == b"xxx\n" * 10
    assert texts.size(other, Selection("run", None, "log")) == 80


def test_what_is_remembered_saves_reading() -> None:
    reads: list[int] = []

    class Counting(MemoryEventStore):
        def read_log(self, run_id, query):  # type: ignore[no-untyped-def]
            found = super().read_log(run_id, query)
            reads.append(len(found.records))
            return found

    store = Counting()
    store.create(new_run())
    store.append(batch("run", 1, [log("x" * 9) for _ in range(100)]))
    texts, selection = Texts(), Selection("run", None, None)
    list(texts.pieces(store, selection, 900))
    reads.clear()
    assert len(list(texts.pieces(store, selection, 950))) == 5
    assert sum(reads) <= 9
