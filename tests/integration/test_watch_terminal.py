"""``headway watch`` in a real terminal, on real jobs."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import apsw
import pytest

from headway.cli.screen.terminal import ENTER, LEAVE
from headway.protocol import events
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import new_run
from tests.integration.jobs import Job, job, state, tell, until
from tests.integration.terminals import Shown, terminal

STEPS = """
plan = {"fetch": 20, "work": 60, "check": 20}
with headway.run("demo", run_id="run", title="A demonstration", plan=plan, target=url) as run:
    with run.stage("fetch", title="Fetch"):
        run.log("fetched 3 books")
    with run.stage("work", title="Work", total=16, unit="chunk") as stage:
        stage.update(current=7, message="Chunk 7 of 16")
        run.finding("Countdown restarts", severity="high", confidence=0.8)
        run.highlight("3 chapters found")
        run.flush(30)
        say("ready")
        word = hear()
        if word == "ask":
            run.highlight(f"told {run.ask('Publish?', choices=['yes', 'no'], timeout=60)}")
            word = hear()
        if word == "fail":
            raise ValueError("no such book")
        while word == "forever":
            run.check()
            time.sleep(0.01)
    run.result({"words": 812})
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@contextmanager
def watching(path: Path, *options: str, environment: Mapping[str, str] | None = None) -> Iterator[tuple[Job, Shown]]:
    """A job that is in the middle of its work, and somebody who watches it."""
    watch = ("watch", "run", "--url", f"sqlite:///{path}", *options)
    with job(STEPS, path) as worker:
        assert worker.hear() == "ready"
        with terminal(*watch, cwd=path.parent, size=(90, 26), environment=environment) as shown:
            shown.wait_for("Chunk 7 of 16")
            yield worker, shown


def left_well(shown: Shown) -> None:
    """The terminal is as it was, and did nothing but show."""
    assert shown.modes_now() == shown.modes
    raw = shown.raw.decode()
    assert raw.rfind(LEAVE) > raw.rfind(ENTER)
    assert shown.screen.done == []


def test_from_the_middle_to_the_end(path: Path) -> None:
    with watching(path) as (worker, shown):
        rows = shown.rows
        assert rows[0].startswith("A demonstration  demo")
        assert rows[0].endswith("● running")
        assert rows[1].endswith(" 46%")
        assert any(row.startswith("✓ Fetch  ") for row in rows)
        assert any(re.match(r"● Work .* 43% +7/16 chunk +Chunk 7 of 16", row) for row in rows)
        assert "○ check" in rows
        assert any("high" in row and "80%" in row and "Countdown restarts" in row for row in rows)
        assert "◆ 3 chapters found" in rows
        assert "│ fetched 3 books" in rows
        worker.tell()
        assert shown.end() == 0
        rows = shown.rows
        assert rows[0].endswith("✓ completed")
        assert rows[1].endswith("100%")
        assert re.match(r"took \d\d:\d\d +run$", rows[2])
        assert 'result  {"words":812}' in rows
        left_well(shown)


@pytest.mark.parametrize(("word", "code", "said"), [("", 0, "✓ completed"), ("fail", 1, "✗ failed")])
def test_the_exit_status_is_that_of_the_run(path: Path, word: str, code: int, said: str) -> None:
    with watching(path, "--exit-status") as (worker, shown):
        worker.tell(word)
        assert shown.end() == code
        assert shown.rows[0].endswith(said)
        left_well(shown)


def test_a_cancel_is_asked_for_confirmed_and_seen(path: Path) -> None:
    with watching(path, "--exit-status") as (worker, shown):
        worker.tell("forever")
        shown.press("c")
        shown.wait_for("Cancel this run?")
        shown.press("n")
        shown.wait_while("Cancel this run?")
        shown.press("cy")
        assert shown.end() == 130
        assert shown.rows[0].endswith("– cancelled")
        left_well(shown)
    with closing(SqliteEventStore(path)) as store:
        assert state(store).status == "cancelled"


def test_a_question_is_answered(path: Path) -> None:
    with watching(path) as (worker, shown):
        worker.tell("ask")
        shown.wait_for("? Publish?  yes / no")
        assert "headway answer --url" in shown.text
        shown.press("a")
        shown.press("maybe\r")
        shown.wait_for("is not one of the choices")
        shown.press("a")
        shown.press("no\r")
        shown.wait_for("◆ told no")
        assert "? Publish?" not in shown.text
        worker.tell()
        assert shown.end() == 0


def test_quitting_leaves_the_run_alone(path: Path) -> None:
    with watching(path) as (worker, shown):
        shown.press("l")
        shown.wait_for("G newest")
        assert shown.rows[1] == "fetched 3 books"
        shown.press("?")
        shown.wait_for("quit; the run goes on")
        shown.press("x")
        shown.wait_for("A demonstration")
        shown.press("q")
        assert shown.end() == 0
        assert shown.rows[0].endswith("● running")
        left_well(shown)
        worker.tell()
        assert worker.end() == 0


def test_it_fits_whatever_the_size_becomes(path: Path) -> None:
    with watching(path) as (_worker, shown):
        for columns, rows in ((40, 10), (120, 40), (12, 3), (1, 1), (200, 12), (60, 24)):
            shown.resize(columns, rows)
            mark = "A demonstration"[: columns - 1] if columns > 30 else "A"[: columns - 1]
            until(lambda mark=mark: shown.rows[0].startswith(mark), f"a screen of {columns} by {rows}")  # type: ignore[misc]
        shown.wait_for("A demonstration")
        assert shown.rows[0].endswith("● running")
        assert shown.rows[-1].startswith("q quit   c cancel   l log   ? help")
        shown.press("q")
        shown.end()
        left_well(shown)


def test_ctrl_c_ends_it(path: Path) -> None:
    with watching(path) as (_worker, shown):
        shown.press("\x03")
        assert shown.end() == 130
        assert shown.rows[0].endswith("● running")
        left_well(shown)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_end_it_and_the_terminal_is_as_it_was(path: Path, number: signal.Signals) -> None:
    with watching(path) as (_worker, shown):
        shown.signal(number)
        assert shown.end() == -number
        left_well(shown)


def test_ctrl_z_gives_the_terminal_back_for_a_while(path: Path) -> None:
    with watching(path) as (worker, shown):
        shown.press("\x1a")
        until(shown.is_stopped, "the stop")
        assert shown.modes_now() == shown.modes
        until(lambda: shown.raw.decode().rstrip().endswith(LEAVE), "the first page")
        shown.signal(signal.SIGCONT)
        shown.wait_for("Chunk 7 of 16")
        assert shown.modes_now() != shown.modes
        worker.tell()
        assert shown.end() == 0
        left_well(shown)


def test_a_stop_that_nobody_asked_for_is_survived(path: Path) -> None:
    with watching(path) as (worker, shown):
        shown.signal(signal.SIGSTOP)
        until(shown.is_stopped, "the stop")
        shown.resize(70, 20)
        shown.signal(signal.SIGCONT)
        shown.wait_for("Chunk 7 of 16")
        worker.tell()
        assert shown.end() == 0
        left_well(shown)


def test_the_terminals_own_progress(path: Path) -> None:
    with watching(path, environment={"TERM_PROGRAM": "ghostty"}) as (worker, shown):
        until(lambda: b"\x1b]9;4;1;46\x1b\\" in shown.raw, "the progress")
        worker.tell("fail")
        shown.end()
        assert shown.raw.decode().rfind("\x1b]9;4;0;") > shown.raw.decode().rfind("\x1b]9;4;1;")
        assert shown.screen.done == []


def test_without_colours(path: Path) -> None:
    with watching(path, environment={"NO_COLOR": "1"}) as (worker, shown):
        worker.tell()
        shown.end()
        assert set(re.findall(rb"\x1b\[([0-9;]*)m", shown.raw)) <= {b"0", b"1", b"2"}


def test_a_terminal_that_can_do_nothing_gets_lines(path: Path) -> None:
    with job(STEPS, path) as worker:
        assert worker.hear() == "ready"
        with terminal(
            "watch", "--url", f"sqlite:///{path}", cwd=path.parent, size=(100, 24), environment={"TERM": "dumb"}
        ) as shown:
            shown.wait_for("7/16 chunk")
            worker.tell()
            assert shown.end() == 0
            assert b"\x1b" not in shown.raw
            assert any(row.startswith("100%") and row.endswith("completed") for row in shown.rows)


HOSTILE = r"""
text = "\x1b]0;owned\x07\x1b]52;c;aGk=\x07\x1b]8;;http://x\x1b\\\x1b[2J\x1b[H\x9b2J\x1bc\a\b\r\x1b[6n\x1b[?1049l\u202e\x90q\x9c"
text += "a" + "\u0301" * 300
with headway.run("demo", run_id="run", title=f"T{text}itle", target=url) as run:
    run.log(f"log {text} line")
    run.log("\x1b[31mred\x1b[5m blink\x1b[0m and " + "long " * 5000)
    run.finding(f"finding {text}", severity="critical", detail=text)
    run.highlight(f"highlight {text}")
    run.note(f"note {text}")
    run.error(f"error {text}")
    with run.stage("work", title=f"stage {text}", unit=text, total=3) as stage:
        stage.update(current=1, message=f"message {text}")
        run.flush(30)
        say("ready")
        hear()
    raise ValueError(text)
"""


def test_a_hostile_job_controls_nothing(path: Path) -> None:
    with job(HOSTILE, path) as worker:
        assert worker.hear() == "ready"
        with terminal("watch", "run", "--url", f"sqlite:///{path}", cwd=path.parent, size=(100, 40)) as shown:
            shown.wait_for("message")
            rows = shown.rows
            assert "itle  demo" in rows[0]
            assert rows[0].endswith("● running")
            assert rows[-1].startswith("q quit")
            assert "\x1b[31m" in shown.raw.decode()
            shown.press("l")
            shown.wait_for("G newest")
            assert shown.rows[0].startswith("Log  2 lines")
            shown.press("l")
            worker.tell()
            shown.end()
            left_well(shown)
            raw = shown.raw.decode()
            assert not re.search("\x1b[\\]P_^Xc]|\x07|[\x80-\x9f]|\x1b\\[6n|\u202e|\x1b\\[5m", raw)


KILLED = """
with headway.run("demo", run_id="run", title="Fragile", plan={"work": 1}, target=url) as run:
    with run.stage("work", total=10) as stage:
        stage.update(current=4)
        run.flush(30)
        say("ready")
        hear()
"""


def test_the_jobs_death_a_takeover_and_the_end(path: Path) -> None:
    with job(KILLED, path, lease_s=1.0) as victim:
        assert victim.hear() == "ready"
        with terminal("watch", "run", "--url", f"sqlite:///{path}", "--exit-status", cwd=path.parent) as shown:
            shown.wait_for(" 40%")
            victim.kill()
            shown.wait_for("! lost")
            assert "the job has gone silent" in shown.text
            with job(KILLED, path) as second:
                assert second.hear() == "ready"
                shown.wait_for("attempt 2")
                assert "! lost" not in shown.text
                second.tell()
                assert shown.end() == 0
                assert shown.rows[0].endswith("✓ completed")


def test_a_run_and_a_store_that_do_not_exist_yet(path: Path) -> None:
    with terminal("watch", "run", "--url", f"sqlite:///{path}", cwd=path.parent) as shown:
        shown.wait_for("waiting for run run")
        with job(STEPS, path) as worker:
            assert worker.hear() == "ready"
            shown.wait_for("Chunk 7 of 16")
            worker.tell()
            assert shown.end() == 0


def test_the_store_goes_away_and_comes_back(path: Path) -> None:
    with closing(SqliteEventStore(path)) as store:
        store.create(new_run("run", kind="demonstration"))
        with terminal("watch", "run", "--url", f"sqlite:///{path}", cwd=path.parent) as shown:
            shown.wait_for("demonstration")
            away = path.with_name("away.db")
            path.rename(away)
            shown.wait_for("trying again")
            assert "/log.db" in shown.text
            assert "demonstration" in shown.text
            away.rename(path)
            shown.wait_while("trying again")
            tell(store, events.RunCancelled(reason="enough"))
            assert shown.end() == 0
            assert shown.rows[0].endswith("– cancelled")


def test_the_store_is_locked_and_free_again(path: Path) -> None:
    with closing(SqliteEventStore(path)) as store:
        store.create(new_run("run", kind="demonstration"))
    with closing(apsw.Connection(str(path))) as other:
        other.pragma("locking_mode", "exclusive")
        other.execute("BEGIN EXCLUSIVE; UPDATE runs SET run_id = run_id; COMMIT")
        with terminal("watch", "run", "--url", f"sqlite:///{path}", cwd=path.parent) as shown:
            shown.wait_for("is locked by another program")
            other.close()
            shown.wait_for("demonstration")
            shown.wait_while("is locked")
            shown.press("q")
            assert shown.end() == 0


def test_without_any_run_there_is_nothing_to_watch(path: Path) -> None:
    with terminal("watch", "--url", f"sqlite:///{path}", cwd=path.parent) as shown:
        assert shown.end() == 3
        assert "there is no store at" in shown.text.replace("\n", "")


def test_without_a_keyboard_it_is_drawn_all_the_same(path: Path) -> None:
    with job(STEPS, path) as worker:
        assert worker.hear() == "ready"
        with terminal("watch", "run", "--url", f"sqlite:///{path}", cwd=path.parent, keyboard=False) as shown:
            shown.wait_for("Chunk 7 of 16")
            shown.press("q")
            worker.tell()
            assert shown.end() == 0
            assert shown.rows[0].endswith("✓ completed")
