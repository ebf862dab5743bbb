"""What is exported is imported again, byte by byte; what is damaged changes nothing."""

from __future__ import annotations

import io

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.errors import InvalidInput, NotFound, RunTaken
from headway.hub import importing
from headway.hub.exporting import export_lines
from headway.hub.importing import Imported, import_run
from headway.hub.opening import open_run
from headway.ports import EventStore, Swept
from headway.progress.state import FOLD_VERSION
from headway.protocol import events, limits
from headway.protocol.events import Draft
from headway.stores.memory import MemoryEventStore
from headway.testing.clock import FakeClock
from headway.testing.samples import (
    AT,
    OWNER,
    batch,
    completed,
    custom,
    ended,
    failed,
    log,
    new_run,
    note,
    notes,
    started,
)

SOME: tuple[Draft, ...] = (
    started("a"),
    log("one", "zwei", stage="a"),
    log("half of a", partial=True),
    log(" line", "three"),
    events.draft(events.StageProgress(progress=0.1, current=1.5, total=3, data={"n": 1e300}), at=AT, stage="a"),
    custom("own", {"deep": [{"π": None}], "n": 2**53}, "high"),
    events.draft(events.Artifact(name="a/b", sha256="0" * 64, size=3), at=AT),
    ended("a"),
    completed(12.5),
)


def store_with(*drafts: Draft, run_id: str = "run") -> MemoryEventStore:
    store = MemoryEventStore()
    store.create(new_run(run_id))
    store.take_over(run_id, OWNER, AT, 10.0)
    for first in range(0, len(drafts), 900):
        store.append(batch(run_id, first + 1, drafts[first : first + 900]))
    return store


def exported(store: EventStore, run_id: str = "run") -> bytes:
    return b"".join(export_lines(store, run_id))


def imported(store: EventStore, content: bytes, run_id: str | None = None) -> Imported:
    return import_run(store, io.BytesIO(content), run_id=run_id)


def body(content: bytes) -> bytes:
    """All but the header, whose epoch is another one."""
    return content.partition(b"\n")[2]


def test_the_header_says_which_run_it_is() -> None:
    store = store_with(*SOME)
    header = msgspec.json.decode(exported(store).partition(b"\n")[0])
    assert header == {"headway": 1, "run_id": "run", "kind": "sample", "epoch": store.header("run").epoch}


def test_there_is_nothing_to_export() -> None:
    with pytest.raises(NotFound):
        exported(MemoryEventStore())


def test_every_byte_comes_back_in_a_log_of_another_name() -> None:
    store, content = MemoryEventStore(), exported(store_with(*SOME))
    assert imported(store, content) == Imported(run_id="run", events=11, added=11, ended=True)
    assert body(exported(store)) == body(content)
    assert store.header("run").epoch not in content.decode()


def test_lists_show_what_the_events_say() -> None:
    store = MemoryEventStore()
    imported(store, exported(store_with(started("a"), started("b"), ended("a"), failed())))
    header = store.header("run")
    assert (header.status, header.attempt, header.progress, header.stage) == ("failed", 1, 500_000, "b")
    assert header.created_at == AT
    assert [run.run_id for run in MemoryEventStore().past_runs("sample")] == []


def test_estimates_learn_from_it() -> None:
    store = MemoryEventStore()
    imported(store, exported(store_with(*SOME)))
    assert [run.duration for run in store.past_runs("sample")] == [12.5]


def test_a_second_time_adds_nothing() -> None:
    store, content = MemoryEventStore(), exported(store_with(*SOME))
    imported(store, content)
    once = exported(store)
    assert imported(store, content) == Imported(run_id="run", events=11, added=0, ended=True)
    assert exported(store) == once


def test_an_end_that_had_to_be_shortened_is_the_same_the_second_time() -> None:
    store = MemoryEventStore()
    end = b'{"seq":3,"at":"%s","type":"run.completed","data":{"result":[%s],"spans":{"a":[0,1]}}}\n'
    content = exported(store_with()) + end % (AT.encode(), b",".join([b"1e9"] * 10_000))
    assert imported(store, content).added == 3
    assert b'"truncated":true' in exported(store)
    assert imported(store, content) == Imported(run_id="run", events=3, added=0, ended=True)


def test_what_was_interrupted_goes_on() -> None:
    store, content = MemoryEventStore(), exported(store_with(*SOME))
    part = b"".join(content.splitlines(keepends=True)[:6])
    assert imported(store, part) == Imported(run_id="run", events=5, added=5, ended=False)
    assert imported(store, content).added == 6
    assert body(exported(store)) == body(content)


def test_what_never_goes_on_fails_as_if_its_job_were_gone() -> None:
    clock = FakeClock()
    store, content = MemoryEventStore(clock=clock), exported(store_with(*SOME))
    lines = content.splitlines(keepends=True)
    for known in (5, 7):
        imported(store, b"".join(lines[:known]))
        clock.advance(600)
        assert store.sweep() == Swept(), "there may be more of it"
    clock.advance(1)
    assert store.sweep() == Swept(failed=("run",))
    with pytest.raises(RunTaken, match="--as ID"):
        imported(store, content)


def test_a_shorter_export_of_the_same_run_adds_nothing() -> None:
    store, content = MemoryEventStore(), exported(store_with(*SOME))
    imported(store, content)
    assert imported(store, b"".join(content.splitlines(keepends=True)[:6])).added == 0


def test_it_comes_back_to_where_it_was() -> None:
    store = store_with(*SOME)
    assert imported(store, exported(store)).added == 0


def test_under_another_id() -> None:
    store = store_with(*SOME)
    content = exported(store)
    assert imported(store, content, "copy") == Imported(run_id="copy", events=11, added=11, ended=True)
    assert body(exported(store, "copy")) == body(content)
    with pytest.raises(InvalidInput, match="not a run id"):
        imported(store, content, "-copy")


def test_another_run_of_that_id_is_left_alone() -> None:
    store = store_with(note("another"), completed())
    before = exported(store)
    with pytest.raises(RunTaken, match=r"event 3 differs from line 4.*--as"):
        imported(store, exported(store_with(*SOME)))
    with pytest.raises(RunTaken, match="exists already"):
        kind = exported(store_with(*SOME)).replace(b'"kind":"sample"', b'"kind":"other"')
        imported(store, kind)
    assert exported(store) == before


def test_a_run_that_a_job_works_on_is_left_alone() -> None:
    store = store_with(*SOME[:3])
    content = exported(store) + b'{"seq":6,"at":"%s","type":"note","data":{"text":"x"}}\n' % AT.encode()
    with pytest.raises(RunTaken, match="a job is working on it"):
        imported(store, content)


def test_a_run_that_went_on_in_another_way_is_left_alone() -> None:
    content = exported(store_with(*SOME))
    store = MemoryEventStore()
    imported(store, b"".join(content.splitlines(keepends=True)[:6]))
    store.append(batch("run", 1, [completed()], "somebody"))
    with pytest.raises(RunTaken):
        imported(store, content)
    assert store.header("run").cursor.seq == 6


GOOD = exported(store_with(*SOME)).splitlines(keepends=True)


def changed(line: int, old: bytes, new: bytes) -> bytes:
    lines = list(GOOD)
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new)
    return b"".join(lines)


DAMAGE = {
    "empty": (b"", "line 1"),
    "no header": (b"".join(GOOD[1:]), "line 1"),
    "a header alone": (GOOD[0], "line 2: the events are missing"),
    "something else": (b"hello\n" * 3, "line 1"),
    "a newer version": (changed(1, b'"headway":1', b'"headway":2'), "line 1: version 2"),
    "an odd id": (changed(1, b'"run_id":"run"', b'"run_id":"../run"'), "line 1"),
    "an odd epoch": (changed(1, b'"epoch":"', b'"epoch":"../'), "line 1"),
    "a line missing": (b"".join(GOOD[:4] + GOOD[5:]), "line 5: this should be event 4"),
    "a line twice": (b"".join([*GOOD[:5], GOOD[4], *GOOD[5:]]), "line 6: this should be event 5"),
    "an empty line": (b"".join([*GOOD[:5], b"\n", *GOOD[5:]]), "line 6: not JSON"),
    "cut short": (b"".join(GOOD)[:-20], "line 12: not JSON"),
    "no object": (b"".join([*GOOD[:5], b"[5]\n"]), "line 6: this should be event 5"),
    "bad UTF-8": (changed(5, b"zwei", b"zw\xffi"), "line 5: not JSON"),
    "no time": (changed(5, AT.encode(), b"yesterday"), "line 5: 'at'"),
    "an unknown type": (changed(5, b'"log"', b'"lock"'), "line 5"),
    "a member of the wrong type": (changed(8, b'"current":1.5', b'"current":"1"'), "line 8"),
    "no beginning": (changed(2, b"run.created", b"x.created"), "line 2: 'run.created' is the first"),
    "a second beginning": (changed(9, b'"x.own"', b'"run.created"'), "line 9"),
    "after the end": (b"".join([*GOOD, b'{"seq":12}\n']), "line 13: something follows"),
    "a line that is too long": (b"".join(GOOD[:5]) + b" " * 70_000 + b"\n", "line 6: a line of more than"),
    "a bad name": (changed(10, b'"a/b"', b'"a/../b"'), "line 10"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_what_is_damaged_is_refused_by_its_line_and_changes_nothing(what: str) -> None:
    content, why = DAMAGE[what]
    store = MemoryEventStore()
    with pytest.raises(InvalidInput, match=why):
        imported(store, content)
    assert store.list_runs().headers == ()


def test_a_file_whose_last_line_has_no_end_is_whole() -> None:
    assert imported(MemoryEventStore(), b"".join(GOOD).rstrip(b"\n")).ended


def test_large_logs_go_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [*notes(*range(2500)), *(note("x" * 60_000) for _ in range(60)), completed()]
    store = MemoryEventStore()
    content = exported(store_with(*many))
    assert imported(store, content).added == len(many) + 2
    assert body(exported(store)) == body(content)


def test_a_large_log_leaves_a_snapshot_for_the_next_reader() -> None:
    store = MemoryEventStore()
    imported(store, exported(store_with(*notes(*range(10_500)))))
    assert store.snapshot("run", fold=FOLD_VERSION) is not None


def test_text_that_was_cut_here_or_there_is_no_difference() -> None:
    lines = [log("x" * 900, str(n)) for n in range(20)]
    cut = MemoryEventStore(log_limit_bytes=5_000)
    content = exported(store_with(*lines, completed()))
    imported(cut, content)
    assert b'"elided"' in exported(cut)
    assert imported(cut, content).added == 0
    assert b'"eliding":true' in exported(cut)
    whole = MemoryEventStore()
    imported(whole, content)
    assert imported(whole, exported(cut)).added == 0


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
DRAFTS = st.one_of(
    st.builds(note, st.text()),
    st.builds(lambda data: custom("own", data), st.dictionaries(st.text(max_size=5), JSON, max_size=3)),
    st.builds(lambda lines, partial: log(*lines, partial=partial), st.lists(st.text(), max_size=3), st.booleans()),
    st.builds(lambda result: events.draft(events.StageProgress(data={"r": result}), at=AT, stage="s"), JSON),
)


@given(st.lists(DRAFTS, max_size=12), st.integers(0, 12))
def test_any_log_comes_back(drafts: list[Draft], upto: int) -> None:
    original = store_with(*drafts)
    content = exported(original)
    store = MemoryEventStore()
    imported(store, b"".join(content.splitlines(keepends=True)[: upto + 2]))
    imported(store, content)
    assert body(exported(store)) == body(content)
    assert open_run(store, "run").state == open_run(original, "run").state


def test_limits_leave_room_for_what_a_store_adds() -> None:
    added = len('{"seq":123456789012345,') + len('"eliding":true,') + len(',"offset":123456789012345')
    assert limits.EVENT_BYTES + added < importing.LINE_BYTES


def test_offsets_behind_text_that_was_cut_come_back() -> None:
    cut = MemoryEventStore(log_limit_bytes=5_000)
    imported(cut, exported(store_with(*(log("x" * 900, str(n)) for n in range(20)), completed())))
    store = MemoryEventStore()
    imported(store, exported(cut))
    assert body(exported(store)) == body(exported(cut)).replace(b'"eliding":true,', b"")
    for seq in range(1, store.header("run").cursor.seq + 1):
        assert open_run(store, "run", at=seq).state == open_run(cut, "run", at=seq).state
