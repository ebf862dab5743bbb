"""``headway ls`` in processes of its own, on pipes and on terminals."""

from __future__ import annotations

import fcntl
import re
from pathlib import Path

import pyte
import pytest

import headway
from headway.ports import NewRun
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import OWNER
from tests.integration.command_line import CommandLine

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x1b[31mred\nnext\u202eevil\ttab"


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def make_runs(cli: CommandLine, count: int, kind: str = "sample") -> None:
    store = SqliteEventStore(cli.path)
    for n in range(count):
        store.create(NewRun(run_id=f"{kind}-{n}", kind=kind, at=f"2026-11-20T19:41:{n:02}.000Z", title=f"number {n}"))
    store.close()


def shown(text: str, columns: int) -> list[str]:
    """What stands on a screen of so many columns."""
    screen = pyte.Screen(columns, 24)
    pyte.Stream(screen).feed(text.replace("\n", "\r\n"))
    return [line.rstrip() for line in screen.display]


def test_runs_are_listed_newest_first(cli: CommandLine) -> None:
    with headway.run("video", run_id="first", title="A video", target=cli.url) as run, run.stage("work"):
        pass
    with pytest.raises(ValueError, match="no"), headway.run("video", run_id="second", target=cli.url):
        raise ValueError("no")
    lines = cli("ls").lines
    assert [re.split(r"\s{2,}", line)[:2] for line in lines] == [
        ["STATUS", "RUN"],
        ["failed", "second"],
        ["completed", "first"],
    ]
    assert re.search(r"^completed {2}first {3}video {2}A video +100% .* \d+ s$", lines[2])


def test_json_has_the_shape_of_the_protocol(cli: CommandLine) -> None:
    make_runs(cli, 3)
    listing = cli("ls", "--json", "--limit", "2").json
    assert list(listing) == ["runs", "next"]
    assert [run["run_id"] for run in listing["runs"]] == ["sample-2", "sample-1"]
    members = {"run_id", "kind", "variant", "title", "status", "attempt", "progress", "stage", "message", "created_at"}
    members |= {"started_at", "ended_at", "last_event_at", "cancel_requested", "error", "view"}
    assert members <= set(listing["runs"][0])
    rest = cli("ls", "--json", "--page", listing["next"]).json
    assert [run["run_id"] for run in rest["runs"]] == ["sample-0"]
    assert rest["next"] is None


def test_filters(cli: CommandLine) -> None:
    make_runs(cli, 2)
    make_runs(cli, 1, "other")
    with headway.run("sample", run_id="new", title="Größe", target=cli.url):
        pass

    def found(*arguments: str) -> list[str]:
        return [run["run_id"] for run in cli("ls", "--json", *arguments).json["runs"]]

    assert found("--kind", "other") == ["other-0"]
    assert found("--status", "completed") == ["new"]
    assert found("--text", "GRÖSSE") == ["new"]
    assert found("--since", "2h") == ["new"]
    assert found("--since", "2026-11-20T19:41:01Z", "--kind", "sample", "--status", "pending") == ["sample-1"]
    assert found("--limit", "1") == ["new"]


def test_where_there_is_more_it_says_how_to_see_it(cli: CommandLine) -> None:
    make_runs(cli, 3)
    done = cli("ls", "--limit", "2")
    page = re.search(r"--page (\S+)", done.err)
    assert page is not None
    assert "sample-0" in cli("ls", "--page", page[1]).out
    assert cli("ls").err == ""


def test_nothing_to_list_is_said(cli: CommandLine) -> None:
    make_runs(cli, 1)
    done = cli("ls", "--kind", "nothing")
    assert done.out == ""
    assert "fits" in done.err
    assert cli("ls", "--kind", "nothing", "--json").json == {"runs": [], "next": None}


def test_a_pipe_gets_no_tab_no_escape_and_nothing_cut(cli: CommandLine) -> None:
    with headway.run("sample", run_id="r" * 120, title=HOSTILE + "x" * 300, target=cli.url):
        pass
    out = cli("ls").out
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", out)
    assert "r" * 120 in out
    assert "red next" in out
    assert out.count("\n") == 2


@pytest.mark.parametrize("columns", [200, 100, 80, 60, 40, 25])
def test_a_terminal_of_any_width_shows_whole_lines(cli: CommandLine, columns: int) -> None:
    with headway.run("video-summary", title=HOSTILE + "漢字" * 50, plan={"a stage of a long name": 1}, target=cli.url):
        pass
    text = cli.on_terminal("ls", columns=columns)
    lines = shown(text, columns)
    assert lines[0].startswith("STATUS" if columns >= 60 else "   RUN")
    assert lines[1].startswith("✓ completed" if columns >= 60 else "✓  ")
    assert lines[2:] == [""] * 22, "nothing wraps, and nothing of the title acts on the terminal"
    assert ("KIND" in lines[0], "ELAPSED" in lines[0], "AGE" in lines[0]) == (
        columns >= 80,
        columns >= 80,
        columns >= 80,
    )
    assert "100%" in lines[1]
    assert "red n" in lines[1]


def test_a_shortened_id_is_one_that_works(cli: CommandLine) -> None:
    with headway.run("sample", target=cli.url) as run:
        pass
    lines = shown(cli.on_terminal("ls", columns=80), 80)
    short = lines[1].split()[2]
    assert len(short) < len(run.id)
    assert cli("show", short, "--json").json["state"]["run_id"] == run.id
    assert run.id in cli.on_terminal("ls", columns=140)
    narrow = shown(cli.on_terminal("ls", columns=30), 30)[1].split()[1]
    assert (len(narrow), cli("show", narrow, "--json").json["state"]["run_id"]) == (8, run.id)
    assert run.id in cli("ls").out


@pytest.mark.parametrize("part", [("--kind", "one"), ("--limit", "1")])
def test_a_shortened_id_works_also_beside_runs_that_are_not_listed(cli: CommandLine, part: tuple[str, str]) -> None:
    same_minute = [f"0191f1c2-{time}-7000-8000-000000000000" for time in ("7e61", "7e75")]
    for kind, run_id in zip(("other", "one"), same_minute, strict=True):
        with headway.run(kind, run_id=run_id, target=cli.url):
            pass
    narrow = shown(cli.on_terminal("ls", *part, columns=50), 50)[1].split()[1]
    assert cli("show", narrow, "--json").json["state"]["run_id"] == same_minute[1]


@pytest.mark.parametrize("changes", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_is_honoured(cli: CommandLine, changes: dict[str, str]) -> None:
    make_runs(cli, 1)
    assert "\x1b[" in cli.on_terminal("ls")
    plain = cli.on_terminal("ls", environment=changes)
    assert "\x1b" not in plain
    assert "○ pending" in plain


def test_an_encoding_without_the_symbols_gets_others(cli: CommandLine) -> None:
    make_runs(cli, 1)
    out = cli.on_terminal("ls", environment={"PYTHONIOENCODING": "ascii", "NO_COLOR": "1"})
    assert ". pending" in out


def test_runs_whose_job_is_gone_are_found_by_looking(cli: CommandLine) -> None:
    store = SqliteEventStore(cli.path)
    store.create(NewRun(run_id="run", kind="sample", at="2026-11-20T19:41:00.000Z"))
    store.take_over("run", OWNER, "2026-11-20T19:41:00.000Z", -1.0)
    store.close()
    assert cli("ls", "--json").json["runs"][0]["status"] == "lost"


def test_a_stopped_writer_keeps_nobody_from_looking(cli: CommandLine) -> None:
    store = SqliteEventStore(cli.path)
    store.create(NewRun(run_id="run", kind="sample", at="2026-11-20T19:41:00.000Z"))
    store.take_over("run", OWNER, "2026-11-20T19:41:00.000Z", -1.0)
    store.close()
    with cli.path.with_name("jobs.db-lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert cli("ls", "--json").json["runs"][0]["status"] == "running", "what is known without a sweep"
    assert cli("ls", "--json").json["runs"][0]["status"] == "lost"
