"""Random jobs over a real store: the log and the state are what an independent model of them says."""

from __future__ import annotations

import itertools
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headway.errors import RunEnded
from headway.hub.opening import open_run
from headway.ports import Appended, Batch, EventStore, StoredBlob
from headway.progress.fold import Fold
from headway.progress.state import StageState, State
from headway.protocol import codec, events, times
from headway.protocol.events import Data, Event, draft
from headway.reporter import backoff, signs, sinks
from headway.reporter.run import Run
from headway.stores.memory import MemoryEventStore
from headway.stores.sqlite import SqliteEventStore
from tests.property.job_model import Model, StageModel, Told
from tests.property.job_performance import SECRET, Performance, answer_to
from tests.property.job_programs import PLANS, Program, programs
from tests.unit.reporter.flaky import Fault, FlakySink, events_of, make_run, records_of

SOAK = bool(os.environ.get("HEADWAY_SOAK"))
WAIT_S = 30.0
pytestmark = pytest.mark.timeout(1800 if SOAK else 600)  # what has gone wrong takes minutes to be made small
faults = st.lists(st.sampled_from([None, None, None, "before", "after"]), max_size=30)


@pytest.fixture(scope="module", autouse=True)
def _impatient() -> Iterator[None]:
    """Failures and waiting take no longer than they must; and a machine that stalls adds no signs of life."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backoff, "LONGEST_S", 0.002)
        patch.setattr(sinks, "LISTEN_S", 0.002)
        patch.setattr(signs, "SILENCE_S", 3600.0)
        yield


def tell(store: EventStore, run_id: str, data: Data) -> None:
    """What a watcher says, unless the run is over by then."""
    said = draft(data, at=times.to_text(0))
    with suppress(RunEnded):
        store.append(Batch(run_id=run_id, reporter=f"watcher-{os.urandom(8).hex()}", first=1, events=(said,)))


class WatchedSink(FlakySink):
    """Somebody watches the run, and answers every question at once."""

    def append(self, batch: Batch) -> Appended:
        appended = super().append(batch)
        self._answer(batch)
        return appended

    def _answer(self, batch: Batch) -> None:
        for each in batch.events:
            if isinstance(each.data, events.InputRequested):
                given = events.InputGiven(id=each.data.id, value=answer_to(each.data.prompt), by="somebody")
                tell(self.store, batch.run_id, given)

    def put_artifact(self, run_id: str, name: str, content: BinaryIO | Path) -> StoredBlob:
        assert not isinstance(content, Path)
        return StoredBlob(sha256="0" * 64, size=len(content.read()))


def canceller(run: Run, store: EventStore) -> Callable[[], None]:
    """Asks for a cancel as a watcher does, and waits until the job has heard it."""
    heard = threading.Event()
    run.on_cancel(heard.set)

    def cancel() -> None:
        if not run.over:
            assert run.flush(WAIT_S)  # there is a run, and somebody can watch it
            tell(store, run.id, events.RunCancelRequested(by="somebody", reason="enough"))
            assert heard.wait(WAIT_S)

    return cancel


def check(program: Program, store: EventStore, run_id: str, schedule: list[Fault]) -> None:
    run = make_run(WatchedSink(store, iter(schedule)), run_id, plan=PLANS[program.plan])
    performance, model = Performance(run, canceller(run, store)), Model()
    left, expected = performance.perform(program), model.perform(program)
    assert type(left) is type(expected), left
    assert not performance.surprises
    log, state = events_of(store, run_id), open_run(store, run_id).state
    check_log(log, model)
    check_state(state, model)
    for stage in state.stages:
        check_stage(stage, model.stages[stage.path], state)
    known = {path for path, stage in model.stages.items() if stage.known}
    assert {stage.path for stage in state.stages} ^ known == set()
    check_fold(log, state)
    is_same = run.state == state
    assert is_same
    assert not any(SECRET.encode() in record.body for record in records_of(store, run_id))


def check_log(log: list[Event], model: Model) -> None:
    assert all(event.seq == due for due, event in enumerate(log, 1))
    assert log[-1].type == f"run.{model.status}"
    told: dict[str, list[Told]] = {}
    places: dict[str, list[int]] = {}
    for event in log:
        for each in told_by(event):
            who = teller(each)
            told.setdefault(who, []).append(each)
            places.setdefault(who, []).append(event.seq)
    for who in told.keys() | model.told.keys():
        # Only where they part: to compare the whole for people takes longer than a hundred jobs.
        both = itertools.zip_longest(told.get(who, []), model.told.get(who, []))
        assert next((f"{who} has told {real}, not {due}" for real, due in both if real != due), None) is None
    for starter, after, threads in model.groups:
        before, later = places.get(starter, [])[:after], places.get(starter, [])[after:]
        between = [place for name in threads for place in places.get(name, [])]
        assert max(before, default=0) < min(between, default=len(log) + 1)
        assert max(between, default=0) < min(later, default=len(log) + 1)


def told_by(event: Event) -> list[Told]:
    """What a job tells in so many words, with what names it."""
    data = codec.data_of(event)
    names: dict[type, Callable[..., str]] = {
        events.StageStarted: lambda data: "",
        events.StageCompleted: lambda data: data.summary or "",
        events.StageFailed: lambda data: data.error.message if data.error.code == "failed" else "",
        events.StageSkipped: lambda data: data.reason,
        events.StageDegraded: lambda data: in_words(data.reason),
        events.Finding: lambda data: f"{data.id} {data.severity}",
        events.Note: lambda data: data.text,
        events.Highlight: lambda data: data.text,
        events.Error: lambda data: data.message,
        events.Artifact: lambda data: data.name,
        events.InputRequested: lambda data: data.prompt,
        events.RunUpdated: lambda data: data.title,
        events.RunCompleted: lambda data: "",
        events.RunFailed: lambda data: data.error.code,
        events.RunCancelled: lambda data: data.reason,
    }
    if isinstance(data, events.Log):
        return [("line", event.stage, line) for line in data.lines]
    if data is None:
        return [(event.type, event.stage, msgspec.json.decode(event.data)["key"])]
    return [(event.type, event.stage, names[type(data)](data))] if type(data) in names else []


def in_words(text: str) -> str:
    """What somebody has said; empty of an exception, which is said by its type."""
    return "" if "(the operator's log has it as " in text else text


def teller(told: Told) -> str:
    """The thread that has told it: by its name in the text, or else by whose stage it is."""
    _, stage, key = told
    named = re.match(r"(m[0-9t-]*):", key)
    if named:
        return named[1]
    inside = [part for part in (stage or "").split("/") if re.fullmatch(r"m[0-9t-]+", part)]
    return inside[-1] if inside else "m"


def check_state(state: State, model: Model) -> None:
    assert state.status == model.status
    assert (state.title, state.meta, state.result) == (model.title, model.meta, model.result)
    assert (None if state.error is None else state.error.code) == model.error
    assert state.cancel_requested == model.cancelled
    assert state.dropped == {}
    severities = list(model.findings.values())
    assert state.findings.total == len(severities)
    for severity, count in msgspec.structs.asdict(state.findings.by_severity).items():
        assert count == severities.count(severity), severity
    told = list(itertools.chain.from_iterable(model.told.values()))
    assert state.log.lines == [type_ for type_, _, _ in told].count("line")
    assert {each.name for each in state.artifacts} == {key for type_, _, key in told if type_ == "artifact"}
    for entry in state.inputs:
        assert entry.value == answer_to(entry.prompt) or (entry.value is None and entry.prompt not in model.answered)
    if model.status == "completed":
        assert state.progress == 1


def check_stage(stage: StageState, model: StageModel, state: State) -> None:
    assert (stage.path, stage.status) == (model.path, model.status)
    assert (stage.reason and in_words(stage.reason), stage.fallback) == (model.reason, model.fallback), stage.path
    assert (None if stage.error is None else stage.error.code) == model.error, stage.path
    assert (stage.current, stage.total) == model.shown, stage.path
    # What was said of an earlier opening may be told again in a later one.
    assert stage.message == model.message or stage.message in model.messages, stage.path
    is_leaf = not any(other.path.startswith(f"{stage.path}/") for other in state.stages)
    if model.done:
        assert stage.progress == 1, stage.path
    elif is_leaf:
        assert model.last <= round(stage.progress * 1_000_000) <= max(model.values), stage.path


def check_fold(log: list[Event], state: State) -> None:
    """Folded event by event it is the same, and nothing goes backwards on the way."""
    fold = Fold(state.run_id)
    before: dict[str, float] = {}
    for event in log:
        fold.apply(event)
        now = {"": fold.short().progress} | {stage.path: stage.progress for stage in fold.state().stages}
        assert all(now[path] >= progress for path, progress in before.items())
        before = now
    is_same = fold.state() == state
    assert is_same


def quick(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return settings(max_examples=20 * examples if SOAK else examples, suppress_health_check=[HealthCheck.too_slow])


@quick(300)
@given(program=programs, schedule=faults)
def test_a_job_in_memory_comes_to_what_its_model_says(program: Program, schedule: list[Fault]) -> None:
    check(program, MemoryEventStore(), "run", schedule)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteEventStore]:
    store = SqliteEventStore(tmp_path_factory.mktemp("programs") / "log.db")
    yield store
    store.close()


numbers = itertools.count()


@quick(40)
@given(program=programs)
def test_jobs_in_one_file_come_to_what_their_models_say(file: SqliteEventStore, program: Program) -> None:
    check(program, file, f"run-{next(numbers)}", [])
