"""``headway show``: everything about a run, now and as it was."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

import headway
from headway.progress.state import FOLD_VERSION
from headway.protocol import events
from headway.protocol.times import to_text
from headway.reporter.plan import Plan
from headway.stores.sqlite import SqliteEventStore
from headway.stores.sqlite.lock import WriterLock
from headway.stores.sqlite.schema import lock_path
from headway.testing.samples import batch, completed, new_run, notes
from tests.integration.command_line import CommandLine
from tests.integration.jobs import job

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x1b[31mred\nnext\u202eevil\x9b5m"
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def break_down() -> None:
    raise ValueError("x")


def whole_run(url: str) -> None:
    """A run that says something of every kind."""
    plan: Plan = {"load": 1, "vision": {"pass-1": 1, "pass-2": 2}, "never": 1}
    with headway.run("audit", run_id="run", title="A shop", variant="big", size=7, plan=plan, target=url) as run:
        with run.stage("load", total=3, unit="page") as stage:
            for _ in stage.track(range(3)):
                run.log("loaded")
        with run.stage("vision/pass-1") as stage:
            stage.degrade("no model", fallback="rules")
        with run.stage("vision/pass-2", optional=True) as stage:
            stage.update(progress=0.5, message="half")
            break_down()
        finding = run.finding("Countdown restarts", severity="high", detail="on reload")
        finding.update(confidence=0.95)
        run.finding("Small print", severity="low")
        run.artifact("report.txt", b"content")
        run.highlight("2 dark patterns")
        run.note("looked twice")
        run.result({"words": 812})


def test_people_read_everything(cli: CommandLine) -> None:
    whole_run(cli.url)
    out = cli("show").out
    for text in (
        r"^✓ completed  A shop$",
        r"^run +run$",
        r"^kind +audit \(big\)$",
        r"^took +00:00$",
        r"^progress +100%",
        r"^size +7$",
        r"^  ✓ load .* 00:00  3/3 page$",
        r"^  . vision\b",
        r"^    ✓ pass-1 .* no model, rules instead$",
        r"^    ✗ pass-2 .* 50%  half .*\(exception\)$",
        r"^  – never\b",
        r"^Findings \(1 high, 1 low\)$",
        r"^  high +Countdown restarts \(95%\)$",
        r"^ +on reload$",
        r"^  2 dark patterns$",
        r"^  looked twice$",
        r"^  report.txt  text/plain  7 B$",
        r"^Log  3 lines, 21 B",
        r'^    "words": 812$',
    ):
        assert re.search(text, out, re.MULTILINE), f"{text} in\n{out}"
    assert out.index("load") < out.index("pass-1") < out.index("pass-2") < out.index("never")
    assert not CONTROL.search(out)


def test_a_large_result_is_said_to_be_an_artifact(cli: CommandLine) -> None:
    with headway.run("audit", run_id="run", target=cli.url) as run:
        run.result("x" * 70_000)
    shown = cli("show").out
    assert "result.json  application/json  70.0 kB" in shown
    assert '"artifact": "result.json"' in shown
    cli("artifacts", "--get", "result.json")
    assert (cli.folder / "result.json").read_text() == f'"{"x" * 70_000}"'


def test_json_has_state_view_and_cursor(cli: CommandLine) -> None:
    whole_run(cli.url)
    shown = cli("show", "run", "--json").json
    assert list(shown) == ["state", "view", "cursor"]
    assert shown["state"]["result"] == {"words": 812}
    assert shown["state"]["fold"] == FOLD_VERSION
    assert set(shown["view"]) == {"now", "elapsed", "eta", "queue"}
    assert re.fullmatch(r"[\w-]+\.\d+\.[0-9a-f]+", shown["cursor"])
    assert int(shown["cursor"].split(".")[1]) == shown["state"]["seq"]


def test_as_it_was_after_an_event(cli: CommandLine) -> None:
    whole_run(cli.url)
    now = cli("show", "--json").json
    then = cli("show", "--json", "--at", "3").json
    assert then["state"]["seq"] == 3
    assert then["state"]["status"] == "running"
    assert then["view"]["now"] == then["state"]["last_event_at"]
    assert then["cursor"].split(".")[1] == "3"
    assert "● running  A shop" in cli("show", "--at", "3").out
    assert cli("show", "--json", "--at", "0").json["state"]["status"] == "pending"
    assert "no event 999" in cli("show", "--at", "999", code=3).err
    assert now["state"]["seq"] > 3


def test_a_run_that_goes_on(cli: CommandLine) -> None:
    store = SqliteEventStore(cli.path)
    for run_id in ("one", "two"):
        store.create(new_run(run_id, "video"))
        store.append(batch(run_id, 1, [completed(60.0)]))
    store.close()
    code = """
with headway.run("video", run_id="live", target=url, plan={"work": headway.Planned(expect=60)}) as run:
    with run.stage("work", total=4, unit="chunk") as stage:
        stage.advance()
        run.flush()
        say("ready")
        hear()
"""
    with job(code, cli.path) as worker:
        worker.hear()
        out = cli("show", "live").out
        worker.tell()
        assert worker.end() == 0
    assert re.search(r"^● running  video$", out, re.MULTILINE)
    assert re.search(r"^elapsed +00:0\d$", out, re.MULTILINE)
    assert re.search(r"^left +about 0[01]:\d\d \(00:\d\d to 0\d:\d\d\), from 2 runs of video", out, re.MULTILINE)
    assert re.search(r"^last news +\d+ s ago$", out, re.MULTILINE)
    assert re.search(r"● work .*25%  1/4 chunk$", out, re.MULTILINE)


def test_a_lost_run_was_last_heard_of_before_somebody_found_out(cli: CommandLine) -> None:
    now = time.time()

    def at(minutes_ago: float) -> str:
        return to_text(now - 60 * minutes_ago)

    stages = [events.draft(events.StageStarted(expect=6000), at=at(120), stage="work")]
    stages.append(events.draft(events.StageProgress(progress=0.5), at=at(90), stage="work"))
    store = SqliteEventStore(cli.path)
    store.create(new_run("run", "video", at(120)))
    store.append(batch("run", 1, [events.draft(events.RunStarted(), at=at(120)), *stages]))
    store.append(batch("run", 4, [events.draft(events.RunLost(), at=at(1))]))
    store.close()
    out = cli("show").out
    assert re.search(r"^elapsed +30:00$", out, re.MULTILINE)
    assert re.search(r"^last news +1 h ago$", out, re.MULTILINE)
    assert re.search(r"● work +30:00  50%$", out, re.MULTILINE)
    assert "left " not in out
    watching = cli.start("watch", "--plain")
    assert watching.stdout is not None
    lines = [watching.stdout.readline().decode().split() for _ in range(3)]
    watching.terminate()
    watching.communicate()
    assert {line[1] for line in lines} == {"30:00"}
    assert lines[-1] == ["50%", "30:00", "lost"]


def test_a_failure_says_why(cli: CommandLine) -> None:
    with pytest.raises(RuntimeError), headway.run("video", target=cli.url):
        raise RuntimeError("secret")
    out = cli("show").out
    assert re.search(r"^Error \(exception\)$", out, re.MULTILINE)
    assert "secret" not in out


def test_hostile_texts_control_nothing(cli: CommandLine) -> None:
    with headway.run("sample", title=HOSTILE, meta={HOSTILE: HOSTILE}, target=cli.url) as run:
        with run.stage(re.sub("[^a-z]", "", HOSTILE)) as stage:
            stage.update(message=HOSTILE, current=1, total=2, unit=HOSTILE)
            stage.degrade(HOSTILE, fallback=HOSTILE)
        run.finding(HOSTILE, detail=HOSTILE)
        run.highlight(HOSTILE)
        run.note(HOSTILE)
        run.result({HOSTILE: [HOSTILE]})
        with pytest.raises(TimeoutError):
            run.ask(HOSTILE, choices=[HOSTILE], timeout=0.01)
    out = cli("show").out
    assert not CONTROL.search(out)
    on_terminal = cli.on_terminal("show")
    assert not CONTROL.search(re.sub(r"\x1b\[[0-9;]*m", "", on_terminal))
    assert not CONTROL.search(cli.on_terminal("show", "--json"))
    assert cli("show", "--json").json["state"]["title"] == HOSTILE


def test_which_run(cli: CommandLine) -> None:
    for run_id in ("alpha-1", "alpha-2", "beta"):
        with headway.run("sample", run_id=run_id, target=cli.url):
            pass
    assert cli("show", "--json").json["state"]["run_id"] == "beta"
    assert cli("show", "--json", "alpha-1").json["state"]["run_id"] == "alpha-1"
    assert cli("show", "--json", "b").json["state"]["run_id"] == "beta"
    assert "several runs begin with 'alpha'" in cli("show", "alpha", code=3).err
    assert "headway ls" in cli("show", "gamma", code=3).err
    assert "not a run id" in cli("show", "../x", code=2).err


def test_a_long_run_is_shown_while_nobody_may_write(cli: CommandLine) -> None:
    store = SqliteEventStore(cli.path)
    store.create(new_run("long"))
    for part in range(11):
        store.append(batch("long", 1 + part * 1_000, notes(*range(1_000))))
    with WriterLock(lock_path(cli.path)).held():  # as another process does that is stopped in the middle of it
        shown = cli("show", "--json")
    store.close()
    assert shown.json["state"]["seq"] == 11_001
