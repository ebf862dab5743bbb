"""Runs without a target: they look like others, do nothing, and cost next to nothing."""

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

import headway
from headway.errors import InvalidInput
from headway.reporter import current
from headway.reporter.attached import AttachedRun
from headway.reporter.reports import Finding
from headway.reporter.run import Run, RunOptions
from headway.reporter.silent import NOWHERE, SilentAttachedRun, SilentFinding, SilentRun, SilentStage, SilentTracked
from headway.reporter.stage import Stage
from headway.reporter.tracking import Tracked
from tests.unit.reporter.flaky import FlakySink, make_run

PAIRS = [
    (SilentRun, Run),
    (SilentAttachedRun, AttachedRun),
    (SilentStage, Stage),
    (SilentFinding, Finding),
    (SilentTracked, Tracked),
]

# What costs no more when it is as with other runs, or is for once in a run.
AS_WITH_OTHERS = {"id", "state", "over", "ask", "ask_async", "capture_output"}


def public(kind: type) -> set[str]:
    return {name for cls in kind.__mro__[:-1] for name in vars(cls) if not name.startswith("_")}


def own(kind: type, name: str) -> object:
    return next(vars(cls)[name] for cls in kind.__mro__ if name in vars(cls))


@pytest.mark.parametrize(("silent", "loud"), PAIRS)
def test_the_silent_ones_have_the_methods_of_the_others_as_they_are(silent: type, loud: type) -> None:
    assert public(silent) == public(loud)
    for name in public(loud):
        mine, theirs = own(silent, name), own(loud, name)
        if inspect.isfunction(theirs):
            assert inspect.isfunction(mine), name
            by_place = name in TAKEN_BY_PLACE
            assert taken(mine, by_place=False) == taken(theirs, by_place=by_place), name
        else:
            assert type(mine) is type(theirs) or name in ATTRIBUTES, name


# Members of these may be given by place, which costs less.
TAKEN_BY_PLACE = {"stage", "finding"}

# What is a slot of the others, and made when it is asked for here.
ATTRIBUTES = {"id"}


def taken(function: Callable[..., object], *, by_place: bool) -> inspect.Signature:
    """What a function takes; with ``by_place``, as if what it takes by name were taken by place too."""
    signature = inspect.signature(function)
    taken = list(signature.parameters.values())
    if by_place:
        taken = [each.replace(kind=each.POSITIONAL_OR_KEYWORD) for each in taken]
    return signature.replace(parameters=taken)


@pytest.mark.parametrize(("silent", "loud"), PAIRS)
def test_every_method_is_silent(silent: type, loud: type) -> None:
    """A method that is new in others must be made silent, or be named above."""
    heard = {name for name in public(loud) if own(silent, name) is own(loud, name)}
    assert heard <= AS_WITH_OTHERS


@pytest.fixture
def run() -> Run:
    return headway.run("k", run_id="r", target="none:")


_FINDING = NOWHERE.finding("x")
REPORTS: dict[str, Callable[[Run, Stage], object]] = {
    "run.log": lambda run, stage: run.log("x", stream="y", level="info"),
    "run.emit": lambda run, stage: run.emit("x.y", {"a": 1}),
    "run.highlight": lambda run, stage: run.highlight("x"),
    "run.note": lambda run, stage: run.note("x"),
    "run.error": lambda run, stage: run.error("x"),
    "run.update": lambda run, stage: run.update(title="x", meta={}),
    "run.result": lambda run, stage: run.result({"a": 1}),
    "run.check": lambda run, stage: run.check(),
    "run.on_cancel": lambda run, stage: run.on_cancel(run.check),
    "stage.advance": lambda run, stage: stage.advance(),
    "stage.update": lambda run, stage: stage.update(progress=0.5, data={}),
    "stage.degrade": lambda run, stage: stage.degrade("x", fallback="y"),
    "stage.log": lambda run, stage: stage.log("x"),
    "stage.emit": lambda run, stage: stage.emit("x.y"),
    "stage.highlight": lambda run, stage: stage.highlight("x"),
    "stage.complete": lambda run, stage: stage.complete("x"),
    "stage.skip": lambda run, stage: stage.skip("x"),
    "stage.cancel": lambda run, stage: stage.cancel("x"),
    "finding.update": lambda run, stage: _FINDING.update(confidence=0.5),
}


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_one_call_that_calls_nothing(run: Run, name: str) -> None:
    stage = run.stage("a").start()
    report = REPORTS[name]
    assert called(lambda: report(run, stage)) == [name.partition(".")[2]]
    assert report(run, stage) is None


def called(function: Callable[[], object]) -> list[str]:
    """The names of what is called meanwhile, in Python and in C, below the function's own call and its callee's."""
    names: list[str] = []

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            names.append(frame.f_code.co_name)
        elif event == "c_call":
            names.append(getattr(argument, "__name__", "?"))

    before = sys.getprofile()
    gc.disable()  # what is called when it collects is not ours
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(before)
        gc.enable()
    return [name for name in names if name not in ("<lambda>", "setprofile")]


def test_what_gives_something_back_calls_little_more(run: Run) -> None:
    stage = run.stage("a")
    assert called(lambda: run.stage("a", total=3)) == ["stage"]
    assert called(lambda: stage.track(())) == ["track"]
    assert called(lambda: run.finding("x")) == ["finding"]
    assert run.screenshot(b"") is False
    assert run.artifact("a", b"x") is False
    assert run.flush() is True
    assert run.cancelled is False


def test_a_loop_gets_its_items_from_where_they_come_from(run: Run) -> None:
    items = [1, 2, 3]
    assert type(iter(run.stage("a").track(items))) is type(iter(items))
    calls = called(lambda: sum(run.stage("a").track(items)))
    assert calls == ["stage", "track", "sum", "__iter__", "iter"], "once for the loop, never for an item"


def test_async_loops_too(run: Run) -> None:
    async def three() -> AsyncIterator[int]:
        for n in range(3):
            yield n

    async def main() -> list[int]:
        stage = run.stage("a")
        return [n async for n in stage.track(range(3))] + [n async for n in stage.track(three())]

    assert asyncio.run(main()) == [0, 1, 2, 0, 1, 2]
    with pytest.raises(TypeError, match="iterable"):
        iter(run.stage("a").track(three()))


def test_no_thread_is_started_and_no_context_is_left(run: Run) -> None:
    async def main() -> None:
        async with headway.run("k", target="none:") as other, other.stage("a"):
            assert headway.current() is other

    before = threading.active_count()
    with run, run.stage("a") as stage:
        for _ in stage.track(range(3)):
            run.log("x")
        assert headway.current() is run
        asyncio.run(main())
        assert threading.active_count() == before
    assert current.place() is None
    assert run.state.status == "pending"


def test_somebody_elses_run_is_as_silent() -> None:
    async def main() -> None:
        async with headway.attach("r", target="none:") as attached:
            assert headway.current() is attached

    before = threading.active_count()
    with headway.attach("r", target="none:") as attached, attached.stage("a") as stage:
        assert called(stage.advance) == ["advance"]
        assert headway.current() is attached
        asyncio.run(main())
        assert threading.active_count() == before
    with pytest.raises(InvalidInput):
        headway.attach("/", target="none:")


def test_what_it_is_made_of_is_checked_all_the_same() -> None:
    for wrong in ({"kind": ""}, {"kind": "k", "run_id": "/"}, {"kind": "k", "plan": {"a": -1}}):
        with pytest.raises(InvalidInput):
            headway.run(**wrong, target="none:")


def test_stages_are_found_again_below_one_another_and_under_tidied_paths(run: Run) -> None:
    inner = run.stage("a").stage("b")
    assert inner.path == "a/b"
    assert run.stage("a/b") is inner
    assert run.stage("a") is run.stage("a")
    odd = run.stage("x" * 1_000)
    assert 0 < len(odd.path) <= 256
    assert run.stage("x" * 1_000) is odd
    assert isinstance(run.stage(["not", "a", "path"]), SilentStage)  # type: ignore[arg-type]


def test_stages_without_end_are_not_kept(run: Run) -> None:
    for n in range(1_500):
        assert run.stage(f"s-{n}").path == f"s-{n}"
        NOWHERE.stage(f"s-{n}")
    assert len(run._stages) == len(run._known) == 1_000  # type: ignore[attr-defined]
    assert NOWHERE._stages == NOWHERE._known == {}


def test_findings_have_ids_of_their_own(run: Run) -> None:
    first, second = run.finding("x"), run.finding("x")
    assert first.id == first.id != second.id
    assert run.finding("x", id="mine").id == "mine"


def test_an_optional_stage_ends_its_block_and_the_log_has_why(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    with run:
        with run.stage("a", optional=True):
            int("in the log")
        assert "in the log" in caplog.text
        with pytest.raises(headway.Cancelled), run.stage("a", optional=True):
            raise headway.Cancelled
        with pytest.raises(KeyboardInterrupt), run.stage("a", optional=True):
            raise KeyboardInterrupt
        with pytest.raises(LookupError), run.stage("b"):
            raise LookupError
    assert run.over


def test_an_exception_that_fails_a_run_is_in_the_log_once(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ValueError, match="why"), run, run.stage("a"):
        raise ValueError("why")
    assert len([record for record in caplog.records if record.exc_info]) == 1
    assert run.over


def test_a_loop_in_a_silent_run_is_a_loop_until_the_run_ends(run: Run) -> None:
    with make_run(FlakySink()) as outer, run:
        assert type(headway.track([1])) is type(iter([1]))
        run.complete()
        assert headway.current() is outer
        assert list(headway.track([1, 2], "Outside")) == [1, 2]
        assert outer.stage("Outside").over


def test_nowhere_is_one_run_that_never_ends() -> None:
    assert headway.current() is headway.current() is NOWHERE
    with headway.current() as run:
        assert headway.current() is run
    NOWHERE.complete()
    NOWHERE.fail("x")
    NOWHERE.cancel()
    assert not NOWHERE.over
    assert NOWHERE.id == "none"
    assert current.place() is None


OPERATIONS: dict[str, Callable[[Stage], object]] = {
    "start": lambda stage: stage.start(),
    "complete": lambda stage: stage.complete(),
    "skip": lambda stage: stage.skip(),
    "cancel": lambda stage: stage.cancel(),
    "cancel with a reason": lambda stage: stage.cancel("x"),
    "fail": lambda stage: stage.fail("x"),
    "degrade": lambda stage: stage.degrade("x"),
    "advance": lambda stage: stage.advance(),
    "with": lambda stage: stage.__enter__().__exit__(None, None, None),
    "track": lambda stage: list(stage.track("ab")),
    "log": lambda stage: stage.log("x"),
}


def entered(run: Run, operations: list[str]) -> Iterator[tuple[bool, bool]]:
    with run:
        for operation in operations:
            OPERATIONS[operation](run.stage("a"))
            yield run.stage("a").over, run.over
    yield run.stage("a").over, run.over


@given(st.lists(st.sampled_from(sorted(OPERATIONS)), max_size=6))
def test_what_a_job_sees_is_what_it_sees_of_others(operations: list[str]) -> None:
    silent = SilentRun("k", RunOptions())
    assert list(entered(silent, operations)) == list(entered(make_run(FlakySink()), operations))
