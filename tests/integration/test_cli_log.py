"""``headway log``: the text as it was, live, in pieces, with what is missing said."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path
from typing import IO

import pytest

from headway.protocol import events
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import AT, batch, completed, log, new_run
from tests.integration.command_line import COMMAND, CommandLine
from tests.integration.jobs import Job, job, until

CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def make(cli: CommandLine, *drafts: events.Draft, log_limit_bytes: int = 10_000_000) -> None:
    store = SqliteEventStore(cli.path, log_limit_bytes=log_limit_bytes)
    store.create(new_run())
    for first in range(0, len(drafts), 500):
        store.append(batch("run", first + 1, drafts[first : first + 500]))
    store.close()


def test_the_text_alone(cli: CommandLine) -> None:
    make(cli, log("one", "  two\t2", ""), log("drei ä", stage="a", stream="stderr"), completed())
    done = cli("log")
    assert done.out == "one\n  two\t2\n\ndrei ä\n"
    assert done.err == ""


def test_a_run_that_has_logged_nothing(cli: CommandLine) -> None:
    make(cli)
    assert cli("log", "run")[:] == (0, "", "")


def test_pieces_of_a_line_are_joined_when_streams_come_in_turns(cli: CommandLine) -> None:
    make(cli, log("a", partial=True), log("x", stream="err", partial=True), log("b", "c"), log("y", stream="err"))
    assert cli("log").out == "ab\nc\nxy\n"


def test_a_line_without_an_end_comes_last(cli: CommandLine) -> None:
    make(cli, log("beginning", partial=True), log("other", stream="err"))
    assert cli("log").out == "other\nbeginning\n"


def test_only_some_of_it(cli: CommandLine) -> None:
    make(cli, log("a", stage="s"), log("b", stage="s", stream="stderr"), log("c"), log("d", stage="s/t"))
    assert cli("log", "--stage", "s").out == "a\nb\n"
    assert cli("log", "--stage", "s", "--stream", "stderr").out == "b\n"
    assert cli("log", "--stage", "").out == "c\n"
    assert cli("log", "--stage", "s", "--tail", "1").out == "b\n"
    assert cli("log", "--stream", "nothing").out == ""


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8, 9, 100])
def test_the_newest_lines(cli: CommandLine, count: int) -> None:
    pieces = [log("x" * 10, partial=True) for _ in range(20)]
    make(cli, log("0", "1", "2"), log("3", "4"), *pieces, log("5", "6"), log("7", stream="err"))
    whole = ["0", "1", "2", "3", "4", "x" * 200 + "5", "6", "7"]
    assert cli("log", "--tail", str(count)).lines == whole[max(0, len(whole) - count) :]


def test_times_stand_before_the_lines(cli: CommandLine) -> None:
    make(cli, log("one"))
    assert cli("log", "--times").out == f"{AT}  one\n"


def test_json_has_each_line_with_its_place(cli: CommandLine) -> None:
    make(cli, log("ä", "b", stage="s", stream="stderr"), log("c", stage="s", stream="stderr", partial=True))
    first, *_, last = cli("log", "--json").json_lines
    assert first == {
        "seq": 2, "at": AT, "stage": "s", "stream": "stderr", "level": None, "offset": 0, "text": "ä", "partial": False,
    }  # fmt: skip
    assert (last["seq"], last["offset"], last["text"], last["partial"]) == (3, 5, "c", True)
    assert [line["text"] for line in cli("log", "--json", "--tail", "2").json_lines] == ["b", "c"]


def test_what_was_cut_is_said(cli: CommandLine) -> None:
    make(cli, *(log("x" * 98, str(n % 10)) for n in range(400)), completed(), log_limit_bytes=10_000)
    done = cli("log")
    cut = re.fullmatch(r"headway: ([\d.]+) kB in ([\d,]+) lines of older text are no longer kept\n", done.err)
    assert cut is not None
    kept = len(done.lines)
    assert int(cut[2].replace(",", "")) + kept == 800
    assert cli("log", "--tail", "5").err == ""
    together = subprocess.run(
        [*COMMAND, "log"],
        env=cli.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
        timeout=60,
    )
    assert together.stdout.startswith(done.err.encode()), "before the first line that is kept"
    assert cli("log", "--tail", "5000").err == done.err
    assert cli("log", "--tail", "5000").out == done.out


def test_why_nothing_is_printed_is_said(cli: CommandLine) -> None:
    begun = [events.draft(events.StageStarted(), at=AT, stage=stage) for stage in ("a", "b")]
    make(cli, *begun, log("one", stage="a", stream="stderr"), log("two"), completed())
    assert "no stage 'zzz': it has a, b\n" in cli("log", "--stage", "zzz", code=3).err
    assert "no stage 'zzz'" in cli("log", "--stage", "zzz", "-n", "5", code=3).err
    done = cli("log", "--stream", "foo", "-f")
    assert (done.out, done.err) == ("", "headway: run run has no lines on 'foo' in the log, only on log, stderr\n")
    done = cli("log", "--stage", "a", "--stream", "stdout", "--json")
    assert done.err == "headway: stage a has no lines on 'stdout' in the log, only on stderr\n"
    assert cli("log", "--stage", "b").err == "headway: stage b has no lines in the log\n"
    assert cli("log", "--stage", "a", "-n", "0").err == ""


def test_what_was_lost_is_said(cli: CommandLine) -> None:
    gap = events.draft(events.LogGap(reporter="r", from_=3, to=5), at=AT)
    make(cli, log("a"), gap, log("b"))
    done = cli("log")
    assert done.out == "a\nb\n"
    assert "3 reports were lost" in done.err


def test_a_terminal_gets_colours_and_nothing_else_that_acts(cli: CommandLine) -> None:
    hostile = "\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b[2J\x1b[5;5Hmoved \x1b]52;c;AAAA\x07 bell\x07 \x9b31m back\rfake"
    make(cli, log(hostile))
    printed = cli.on_terminal("log")
    assert "\x1b[31mred" in printed
    assert not CONTROL.search(re.sub(r"\x1b\[[0-9;]*m", "", printed))
    assert "\x1b" not in cli.on_terminal("log", environment={"NO_COLOR": "1"})
    assert cli.on_terminal("log", "--raw") == hostile + "\n"
    assert cli("log").out == hostile + "\n"


def test_who_has_seen_enough_is_no_failure(cli: CommandLine) -> None:
    make(cli, *(log(*("x" * 99 for _ in range(100))) for _ in range(300)))
    reader = cli.start("log")
    head = subprocess.run(["head", "-n", "2"], stdin=reader.stdout, capture_output=True, check=True)
    assert reader.stdout is not None
    reader.stdout.close()
    assert head.stdout == (b"x" * 99 + b"\n") * 2
    assert reader.wait(60) == 0
    assert _rest(reader.stderr) == ""


def _rest(pipe: IO[bytes] | None) -> str:
    assert pipe is not None
    with pipe:
        return pipe.read().decode()


class Heard:
    """The lines of a command that goes on."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode().rstrip("\n")

    def remark(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.readline().decode().rstrip("\n")

    def end(self) -> tuple[int, str, str]:
        rest, errors = _rest(self.process.stdout), _rest(self.process.stderr)
        return self.process.wait(60), rest, errors


LIVE = """
with headway.run("sample", run_id="run", target=url) as run:
    while line := hear():
        run.log(line)
        run.flush()
        say("logged")
    run.log("last")
"""


def say(worker: Job, line: str) -> None:
    worker.tell(line)
    worker.hear()


@pytest.mark.parametrize("tail", [(), ("--tail", "1")])
def test_following_a_job_to_its_end(cli: CommandLine, tail: tuple[str, ...]) -> None:
    with job(LIVE, cli.path) as worker:
        say(worker, "before")
        heard = Heard(cli.start("log", "run", "-f", *tail))
        assert heard.line() == "before"
        for n in range(3):
            say(worker, f"line {n}")
            assert heard.line() == f"line {n}"
        worker.tell()
        assert heard.end() == (0, "last\n", "")


def test_following_goes_on_while_the_store_is_away(cli: CommandLine) -> None:
    with job(LIVE, cli.path, log=cli.folder / "job.log") as worker:
        say(worker, "before")
        heard = Heard(cli.start("log", "run", "-f"))
        assert heard.line() == "before"
        aside = cli.path.with_name("aside.db")
        cli.path.rename(aside)
        assert "waiting for it" in heard.remark()
        aside.rename(cli.path)
        assert "is back" in heard.remark()
        say(worker, "after")
        assert heard.line() == "after"
        worker.tell()
        assert heard.end() == (0, "last\n", "")


def test_following_a_run_that_is_deleted(cli: CommandLine) -> None:
    make(cli, log("a"))
    heard = Heard(cli.start("log", "run", "-f"))
    assert heard.line() == "a"
    store = SqliteEventStore(cli.path)
    os.kill(heard.process.pid, signal.SIGSTOP)
    store.append(batch("run", 2, [completed()]))
    store.delete("run")
    store.close()
    os.kill(heard.process.pid, signal.SIGCONT)
    code, rest, errors = heard.end()
    assert (code, rest) == (3, "")
    assert "deleted" in errors


def test_following_finds_out_that_the_job_died(cli: CommandLine) -> None:
    with job(LIVE, cli.path, lease_s=1.0) as worker:
        say(worker, "before")
        heard = Heard(cli.start("log", "run", "-f"))
        assert heard.line() == "before"
        worker.kill()
        store = SqliteEventStore(cli.path)
        until(lambda: store.header("run").status == "lost", "the loss", 30)
        assert "cancelled" in cli("cancel", "run").out
        store.close()
        assert heard.end()[0] == 0


def test_ctrl_c_ends_it(cli: CommandLine) -> None:
    make(cli, log("a"))
    heard = Heard(cli.start("log", "-f"))
    assert heard.line() == "a"
    heard.process.send_signal(signal.SIGINT)
    assert heard.end() == (130, "", "\n"), "a new line after what the terminal shows of it"


def test_a_disk_that_is_full_is_said(cli: CommandLine) -> None:
    make(cli, log("a"))
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "log"], stdout=full, stderr=subprocess.PIPE, env=cli.environment(), check=False, timeout=60
        )
    assert done.returncode == 1
    assert b"No space left" in done.stderr
    assert b"Traceback" not in done.stderr
