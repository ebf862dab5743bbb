"""Real bars of tqdm, and what the runs say of them afterwards."""

import asyncio
import gc
import io
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import tqdm
import tqdm.asyncio
import tqdm.auto

import headway
from headway.reporter.bridges.output import OutputCapture
from headway.reporter.bridges.tqdm_bars import capture_tqdm
from tests.unit.reporter.bridges.recorded import Recorded


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    return Recorded(tmp_path)


def test_a_bar_is_a_stage_and_a_bar_inside_it_one_for_all_rounds(recorded: Recorded) -> None:
    after_round = []
    with recorded.run() as run, capture_tqdm(display=False):
        for _ in tqdm.tqdm(range(4), desc="Epochs", mininterval=0, miniters=1):
            for _ in tqdm.trange(3, desc="train", leave=False, unit="batch"):
                pass
            for _ in tqdm.tqdm(range(2), leave=False, mininterval=0, miniters=1):
                pass
            assert run.flush()
            after_round.append(run.state.progress)
    assert after_round == [0.25, 0.5, 0.75, 1.0]
    stages = recorded.stages()
    assert list(stages) == ["Epochs", "Epochs/train", "Epochs/tqdm"]
    assert {stage.status for stage in stages.values()} == {"completed"}
    train = stages["Epochs/train"]
    assert (train.current, train.total, train.unit) == (3, 3, "batch")
    started = [event.stage for event in recorded.stored() if event.type == "stage.started"]
    assert started == list(stages)


def test_inside_a_bar_without_a_total_nothing_counts_before_the_end(recorded: Recorded) -> None:
    with recorded.run() as run, capture_tqdm(display=False):
        for _ in tqdm.tqdm(iter(range(3)), desc="pages"):
            for _ in tqdm.tqdm(range(5), desc="words"):
                pass
            assert run.flush()
            assert run.state.progress == 0
        assert recorded.stages()["pages/words"].current == 5
    assert recorded.stages()["pages"].progress == 1


def test_a_thousand_bars_with_new_names_are_few_stages(recorded: Recorded) -> None:
    with recorded.run(), capture_tqdm(display=False):
        for number in range(1000):
            for _ in tqdm.tqdm(range(2), desc=f"file {number}"):
                pass
    stages = recorded.stages()
    assert len(stages) == 50
    assert stages["file 49"].message == "file 999"
    assert recorded.state.dropped == {}


def test_a_bar_moved_by_hand(recorded: Recorded) -> None:
    seen = []

    def look(run: headway.Run) -> None:
        assert run.flush()
        stage = run.state.stages[-1]
        seen.append((stage.current, stage.total, stage.message))

    with recorded.run() as run, capture_tqdm(display=False):
        with tqdm.tqdm(total=10, desc="copy", unit="B", mininterval=0, miniters=1) as bar:
            bar.update(4)
            look(run)
            bar.total = 20
            bar.update(-1)
            bar.refresh()
            look(run)
            bar.set_description("copy b")
            bar.set_postfix(rate=3)
            look(run)
            bar.set_description("copy")
            bar.set_postfix_str("")
            bar.reset(total=5)
            look(run)
            bar.update(5)
        bar.close()  # a second time
        closed = tqdm.tqdm(total=3, desc="left early")
        closed.update(1)
        closed.close()
    assert seen == [(4, 10, None), (3, 20, None), (3, 20, "copy b · rate=3"), (0, 5, "")]
    stages = recorded.stages()
    assert (stages["copy"].status, stages["copy"].current, stages["copy"].unit) == ("completed", 5, "B")
    assert stages["left early"].message == "ended at 1 of 3"


def test_a_stage_that_is_taken_up_again_forgets_its_total_and_message(recorded: Recorded) -> None:
    with recorded.run(), capture_tqdm(display=False):
        with tqdm.tqdm(total=10, desc="read") as bar:
            bar.set_postfix(page=7)
            bar.update(10)
        with tqdm.tqdm(desc="read") as bar:
            bar.update(2)
    read = recorded.stages()["read"]
    assert (read.current, read.total, read.message, read.status) == (2, 0, "", "completed")


def broken() -> Iterator[int]:
    yield 1
    raise ValueError("/home/ada/secret")


def left_by(error: BaseException, **more: str) -> None:
    with tqdm.tqdm(total=3, **more) as bar:
        bar.update()
        raise error


def test_a_bar_whose_items_fail_fails(recorded: Recorded) -> None:
    with recorded.run(), capture_tqdm(display=False):
        for _ in tqdm.tqdm(range(3), desc="all"):
            with pytest.raises(ValueError, match="ada"):
                list(tqdm.tqdm(broken(), desc="broken"))
        with pytest.raises(KeyError):
            left_by(KeyError(1), desc="by hand")
        try:
            raise OSError(5, "handled before")
        except OSError:
            list(tqdm.tqdm(range(2), desc="in a handler"))
        for item in tqdm.tqdm(range(5), desc="left by break"):
            if item == 2:
                break
    stages = recorded.stages()
    assert {path: stage.status for path, stage in stages.items()} == {
        "all": "completed",
        "all/broken": "failed",
        "by hand": "failed",
        "in a handler": "completed",
        "left by break": "completed",
    }
    error = stages["all/broken"].error
    assert error is not None
    assert "ValueError" in error.message
    assert "ada" not in error.message


def test_a_cancel_leaves_its_bars_to_the_end_of_the_run(recorded: Recorded) -> None:
    with pytest.raises(headway.Cancelled), recorded.run(), capture_tqdm(display=False):
        left_by(headway.Cancelled("enough"))
    stage = recorded.stages()["tqdm"]
    assert (stage.status, stage.reason) == ("skipped", "cancelled")


def test_names_are_made_valid_and_numbered(recorded: Recorded) -> None:
    with recorded.run() as run, capture_tqdm(display=False):
        run.stage("mine").start()
        with run.stage("a/b/c/d/e/f/g/h"):
            list(tqdm.tqdm([1], desc="too deep"))
        for description in ("a/b\x00\nc", "x" * 5000, "", "mine"):
            list(tqdm.tqdm([1], desc=description))
        bars = [tqdm.tqdm(total=1, desc="same", position=number) for number in range(2)]
        both = threading.Thread(target=lambda: list(tqdm.tqdm([1], desc="in a thread")))
        both.start()
        both.join()
        for bar in bars:
            bar.close()
    paths = set(recorded.stages())
    assert {"too deep", "a-b c", "x" * 60, "tqdm", "mine 2", "same", "same/same", "in a thread"} <= paths


def test_bars_in_threads_stand_side_by_side(recorded: Recorded) -> None:
    together = threading.Barrier(3)

    def work(_: int) -> None:
        for _ in tqdm.tqdm(range(2), desc="download"):
            together.wait()

    with recorded.run() as run, run.stage("fetch"), capture_tqdm(display=False), ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    stages = recorded.stages()
    assert list(stages) == ["fetch", "fetch/download", "fetch/download 2", "fetch/download 3"]
    assert {stage.message for stage in stages.values()} == {None}


def test_a_stage_entered_inside_a_bar_holds_the_bars_in_it(recorded: Recorded) -> None:
    with recorded.run() as run, capture_tqdm(display=False):
        for _ in tqdm.tqdm(range(2), desc="outer"):
            with run.stage("step"):
                list(tqdm.tqdm(range(2), desc="inner"))
    assert list(recorded.stages()) == ["outer", "step", "step/inner"]


def test_asynchronous_bars(recorded: Recorded) -> None:
    async def items() -> AsyncIterator[int]:
        for number in range(4):
            yield number

    async def one(name: str) -> None:
        async for _ in tqdm.asyncio.tqdm(items(), desc=name):
            await asyncio.sleep(0)

    async def job() -> None:
        async with recorded.run():
            with capture_tqdm(display=False):
                await asyncio.gather(one("left"), one("right"))
                await tqdm.asyncio.tqdm.gather(*[asyncio.sleep(0) for _ in range(3)], desc="gather")
                async for _ in tqdm.auto.tqdm(range(2), desc="auto"):
                    pass

    asyncio.run(job())
    stages = recorded.stages()
    assert {path: (stage.status, stage.current) for path, stage in stages.items()} == {
        "left": ("completed", 4),
        "right": ("completed", 4),
        "gather": ("completed", 3),
        "auto": ("completed", 2),
    }


def drawn(recorded: Recorded, **more: bool) -> str:
    screen = io.StringIO()
    for _ in tqdm.tqdm(range(3), desc="bar", file=screen, mininterval=0, miniters=1, **more):
        tqdm.tqdm.write("said", file=screen)
    return screen.getvalue()


def test_the_display_stays_as_it_was(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tqdm.tqdm, "format_meter", staticmethod(lambda n, total, *_, **__: f"{n}/{total}"))
    plain = drawn(recorded)
    with recorded.run():
        with capture_tqdm():
            assert drawn(recorded) == plain
        with capture_tqdm(display=False):
            assert drawn(recorded) == "said\n" * 3
    assert recorded.stages()["bar"].current == 3


def test_hidden_and_disabled_bars(recorded: Recorded, caplog: pytest.LogCaptureFixture) -> None:
    with recorded.run() as run, capture_tqdm():
        assert drawn(recorded, disable=True) == "said\n" * 3
        assert run.flush()
        assert recorded.stages() == {}
        screen = io.StringIO()
        list(tqdm.tqdm(range(3), desc="no terminal", file=screen, disable=None))
        assert screen.getvalue() == ""
    assert {path: stage.status for path, stage in recorded.stages().items()} == {"no terminal": "completed"}
    assert caplog.records == []


def test_a_bar_with_a_delay_is_a_stage_only_if_it_shows_itself(recorded: Recorded) -> None:
    with recorded.run(), capture_tqdm(display=False):
        list(tqdm.tqdm(range(3), desc="short", delay=3600))
        with tqdm.tqdm(range(3), desc="shown", delay=3600) as bar:
            bar.refresh()
    assert list(recorded.stages()) == ["shown"]


def test_the_bars_of_a_log_that_captures_stderr_are_not_in_it(
    recorded: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    with recorded.run() as run, OutputCapture(run), capture_tqdm():
        for _ in tqdm.tqdm(range(3), desc="outer", mininterval=0, miniters=1):
            for _ in tqdm.tqdm(range(3), desc="inner", mininterval=0, miniters=1, leave=False):
                print("working", file=sys.stderr)
        tqdm.tqdm.write("said", file=sys.stderr)
    assert recorded.lines("stderr") == ["working"] * 9 + ["said"]
    assert "inner" in capsys.readouterr().err


def test_when_nobody_listens_tqdm_is_as_it_was(recorded: Recorded) -> None:
    before = {name: tqdm.tqdm.__dict__[name] for name in ("__init__", "refresh", "clear", "close")}
    bars = []

    def leave_open() -> None:
        with capture_tqdm(display=False):
            bars.append(tqdm.tqdm(total=2, desc="still open", file=io.StringIO()))
            bars[0].update()
            raise ValueError("out")

    with recorded.run():
        first = capture_tqdm(display=False)
        with pytest.raises(ValueError, match="out"):
            leave_open()
        assert tqdm.tqdm.__dict__["refresh"] is not before["refresh"]
        first.close()
        first.close()
        assert {name: tqdm.tqdm.__dict__[name] for name in before} == before
        bars[0].close()
        list(tqdm.tqdm([1], desc="unheard", file=io.StringIO()))
    assert {path: stage.status for path, stage in recorded.stages().items()} == {"still open": "failed"}


def test_what_others_replaced_meanwhile_is_left_in_place(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    with recorded.run(), capture_tqdm():
        ours = tqdm.tqdm.refresh

        def theirs(self: object, *args: object, **kwargs: object) -> object:
            return ours(self, *args, **kwargs)

        monkeypatch.setattr(tqdm.tqdm, "refresh", theirs)
    assert tqdm.tqdm.refresh is theirs
    assert "3/3" in drawn_alone()
    monkeypatch.undo()
    monkeypatch.setattr(tqdm.tqdm, "refresh", ours.__wrapped__)


class Odd(str):
    """A description that cannot be compared."""

    def __ne__(self, other: object) -> bool:
        raise ValueError("odd")


def test_a_bar_that_cannot_be_read_does_the_job_no_harm(recorded: Recorded, caplog: pytest.LogCaptureFixture) -> None:
    with recorded.run(), capture_tqdm(display=False):
        for _ in range(3):
            assert list(tqdm.tqdm(range(3), desc=Odd("odd"), mininterval=0, miniters=1)) == [0, 1, 2]
    assert {record.name for record in caplog.records} == {"headway"}
    assert len(caplog.records) <= 3  # one for each sort of report
    assert recorded.state.status == "completed"


def test_each_run_has_its_own_listener(recorded: Recorded) -> None:
    entered, done = threading.Event(), threading.Event()

    def other() -> None:
        with headway.run("other", target="none:") as run, capture_tqdm(run, display=True):
            entered.set()
            done.wait()

    with recorded.run() as run, capture_tqdm(run, display=False):
        thread = threading.Thread(target=other)
        thread.start()
        entered.wait()
        screen = io.StringIO()
        list(tqdm.tqdm(range(3), desc="mine", file=screen))
        done.set()
        thread.join()
    assert list(recorded.stages()) == ["mine"]
    assert screen.getvalue() == ""


def status_of_first(run: headway.Run) -> str:
    assert run.flush()
    return run.state.stages[0].status


def test_a_bar_that_is_found_dead_in_our_own_thread_ends_later(recorded: Recorded) -> None:
    with recorded.run() as run, capture_tqdm(display=False):
        bar = tqdm.tqdm(total=3, desc="lost")
        collector = threading.Thread(target=bar.close, name="headway-sender")
        collector.start()
        collector.join()
        seen = [status_of_first(run)]
        list(tqdm.tqdm([1], desc="next"))
        seen.append(status_of_first(run))
    assert seen == ["running", "completed"]


def test_scaled_units(recorded: Recorded) -> None:
    with recorded.run(), capture_tqdm(display=False):
        list(tqdm.tqdm(range(4), desc="blocks", unit=" KiB", unit_scale=0.5))
        list(tqdm.tqdm(range(4), desc="bytes", unit="B", unit_scale=True))
    stages = recorded.stages()
    assert (stages["blocks"].current, stages["blocks"].total, stages["blocks"].unit) == (2, 2, "KiB")
    assert (stages["bytes"].current, stages["bytes"].total) == (4, 4)


def test_bars_do_not_keep_their_run(recorded: Recorded) -> None:
    def job() -> weakref.ref[headway.Run]:
        with recorded.run() as run, capture_tqdm(display=False):
            for _ in tqdm.tqdm(range(2), desc="a"):
                list(tqdm.tqdm(range(2), desc="b"))
            return weakref.ref(run)

    gone = job()
    gc.collect()
    assert gone() is None


def test_without_a_run_bars_are_only_bars() -> None:
    with capture_tqdm():
        assert "3/3" in drawn_alone()


def drawn_alone() -> str:
    screen = io.StringIO()
    list(tqdm.tqdm(range(3), file=screen))
    return screen.getvalue()


def test_a_loop_asks_nothing_of_us_between_two_drawings(recorded: Recorded) -> None:
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        code = getattr(frame, "f_code", None)
        calls += event == "call" and "bridges" in str(getattr(code, "co_filename", ""))

    with recorded.run(), capture_tqdm(display=False), tqdm.tqdm(total=20_000, mininterval=1e9, miniters=1) as bar:
        loop = iter(tqdm.tqdm(range(20_000), mininterval=1e9, miniters=1))
        next(loop)
        sys.setprofile(count)
        try:
            for _ in range(10_000):
                next(loop)
                bar.update()
        finally:
            sys.setprofile(None)
    assert calls == 0
