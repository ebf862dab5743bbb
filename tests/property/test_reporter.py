"""Random jobs in several threads, over a sink that fails before and after its work: everything once, in order."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.protocol import codec, events
from headway.protocol.events import Event
from headway.reporter import backoff
from headway.reporter.run import Run
from tests.unit.reporter.flaky import Fault, FlakySink, events_of, make_run

Kind = Literal["start", "advance", "update", "complete", "fail", "skip", "log", "emit", "note", "finding", "flush"]


class Step(msgspec.Struct, frozen=True):
    """One thing that a job does; ``stage`` is one of the thread's own."""

    kind: Kind
    stage: int
    number: int


steps = st.lists(
    st.builds(
        Step,
        kind=st.sampled_from(Kind.__args__),  # type: ignore[attr-defined]
        stage=st.integers(0, 2),
        number=st.integers(0, 50),
    ),
    max_size=25,
)
faults = st.lists(st.sampled_from([None, None, "before", "after"]), max_size=40)


@pytest.fixture(scope="module", autouse=True)
def _impatient() -> Iterator[None]:
    """Forty failures in a row would keep a run's end waiting for longer than it does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backoff, "LONGEST_S", 0.002)
        yield


class Model:
    """What one thread should have left behind."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.told: list[tuple[str, str | None, int]] = []
        self.lines: dict[str, list[str]] = {}
        self.current: dict[str, int] = {}
        self.open: set[str] = set()
        self.ended: dict[str, str] = {}
        self.counter = itertools.count()

    def begin(self, stage: str) -> bool:
        """Whether the stage takes reports; the first one starts it."""
        if stage in self.ended:
            return False
        self.start(stage)
        return True

    def start(self, stage: str) -> None:
        if stage not in self.open:
            self.open.add(stage)
            self.ended.pop(stage, None)
            self.tell("stage.started", stage)

    def end(self, stage: str, type_: str) -> None:
        self.open.discard(stage)
        self.ended[stage] = type_.removeprefix("stage.")
        self.tell(type_, stage)

    def tell(self, type_: str, stage: str | None, number: int = 0) -> None:
        self.told.append((type_, stage, number))


def act(run: Run, model: Model, step: Step) -> None:  # noqa: C901, PLR0912 -- a table of what a job can do
    path = f"{model.name}/s{step.stage}"
    stage = run.stage(path)
    number = next(model.counter)
    match step.kind:
        case "start":
            stage.start()
            model.start(path)
        case "advance":
            stage.advance(step.number)
            if model.begin(path):
                model.current[path] = model.current.get(path, 0) + step.number
        case "update":
            stage.update(current=step.number)
            if model.begin(path):
                model.current[path] = step.number
        case "complete":
            stage.complete()
            if model.begin(path):
                model.end(path, "stage.completed")
        case "fail":
            stage.fail("no good")
            if model.begin(path):
                model.end(path, "stage.failed")
        case "skip":
            stage.skip()
            if path not in model.ended:
                model.end(path, "stage.skipped")
        case "log":
            stage.log(f"{number}")
            model.lines.setdefault(path, []).append(f"{number}")
        case "emit":
            stage.emit("x.n", {"n": number})
            model.tell("x.n", path, number)
        case "note":
            stage.note(f"{number}")
            model.tell("note", path, number)
        case "finding":
            stage.finding("f", id=f"{model.name}-{number}")
            model.tell("finding", path, number)
        case "flush":
            run.flush(30)


def number_of(event: Event) -> int:
    match codec.data_of(event):
        case None:
            return int(msgspec.json.decode(event.data)["n"])
        case events.Note(text=text):
            return int(text)
        case events.Finding(id=id_):
            return int(id_.rpartition("-")[2])
    return 0


def check_thread(log: list[Event], run: Run, model: Model) -> None:
    mine = [event for event in log if event.stage is not None and event.stage.startswith(f"{model.name}/")]
    told = [
        (event.type, event.stage, number_of(event)) for event in mine if event.type not in ("stage.progress", "log")
    ]
    assert told == model.told
    for path, lines in model.lines.items():
        data = [codec.data_of(event) for event in mine if event.type == "log" and event.stage == path]
        assert [line for log in data if isinstance(log, events.Log) for line in log.lines] == lines
    states = {stage.path: stage for stage in run.state.stages}
    for path, current in model.current.items():
        # A count of nothing need not be told.
        assert (states[path].current or 0) == current, path
    for path, status in model.ended.items():
        assert states[path].status == status, path


def check_places(log: list[Event]) -> None:
    """Progress is told of open stages only."""
    open_: set[str | None] = set()
    for event in log:
        if event.type == "stage.started":
            open_.add(event.stage)
        elif event.type == "stage.progress":
            assert event.stage in open_
        elif event.type.startswith("stage."):
            open_.discard(event.stage)


@given(threads=st.lists(steps, min_size=1, max_size=4), schedule=faults)
def test_everything_is_there_once_and_in_order(threads: list[list[Step]], schedule: list[Fault]) -> None:
    sink = FlakySink(faults=iter(schedule))
    models = [Model(f"t{n}") for n in range(len(threads))]
    with make_run(sink) as run:

        def work(program: list[Step], model: Model) -> None:
            for step in program:
                act(run, model, step)

        workers = [threading.Thread(target=work, args=each) for each in zip(threads, models, strict=True)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    log = events_of(sink.store)
    assert [event.seq for event in log] == list(range(1, len(log) + 1))
    assert [event.type for event in log].count("run.started") == 1
    assert log[-1].type == "run.completed"
    check_places(log)
    for model in models:
        check_thread(log, run, model)
    stored = sink.store.snapshot("run", fold=run.state.fold)
    assert stored is not None
    assert stored.body == msgspec.json.encode(run.state)
