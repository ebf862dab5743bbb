"""The video workload as people run it: eight days of Apollo 11, reported to a real store."""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import msgspec
import pytest

import workloads.video
from headway.hub.opening import open_run
from headway.ports import Batch
from headway.progress.state import State
from headway.protocol import events
from headway.stores.files import FileArtifactStore
from headway.stores.sqlite import SqliteEventStore
from tests.integration.terminals import Shown, terminal
from tests.unit.workloads.video.proof import chapters, quotes, strays
from workloads.video.job import PLAN

DATA = Path(workloads.video.__file__).parent / "data"
MISSION, LANDING = DATA / "apollo-11-mission.vtt", DATA / "apollo-11-landing.vtt"
ROOT = DATA.parents[2]

PATIENCE_S = 100
"""For a machine that is busy with other things; nothing here waits for the sake of waiting."""


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-W", "error", "-m", "workloads.video", *map(str, arguments)]


def environment(folder: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "HEADWAY_URL": f"sqlite:///{folder / 'runs.db'}", **more}


def run(folder: Path, *arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """The command to its end, its reports in ``folder``/runs.db and its summary in ``folder``/out."""
    return subprocess.run(
        command(*arguments, "--out", folder / "out"),
        cwd=ROOT,
        env=environment(folder, **more),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@contextmanager
def store(folder: Path) -> Iterator[SqliteEventStore]:
    opened = SqliteEventStore(folder / "runs.db")
    try:
        yield opened
    finally:
        opened.close()


def only_run(opened: SqliteEventStore) -> str:
    (found,) = opened.list_runs().headers
    return found.run_id


def state(folder: Path) -> State:
    """The state of the only run, folded from its log."""
    with store(folder) as opened:
        return open_run(opened, only_run(opened)).state


@pytest.fixture(scope="module")
def mission(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("mission")
    return folder, run(folder)


Mission = tuple[Path, subprocess.CompletedProcess[str]]


def test_the_mission_is_summarised_and_the_run_completes(mission: Mission) -> None:
    folder, done = mission
    assert (done.returncode, done.stderr) == (0, "")
    ended = state(folder)
    assert (ended.kind, ended.status, ended.progress) == ("video-summary", "completed", 1.0)
    assert ended.title == "apollo-11-mission.vtt"
    assert [(stage.path, stage.weight, stage.status) for stage in ended.stages] == [
        (path, weight, "completed") for path, weight in PLAN.items()
    ]
    assert [entry.text for entry in ended.highlights] == [f"{ended.result['chapters']} chapters found"]
    assert ended.findings.total == 0


def test_its_result_says_what_the_mission_is_like(mission: Mission) -> None:
    result = state(mission[0]).result
    assert (result["words"], result["duration"], result["speakers"]) == (122_640, 703_079.0, 11)
    assert (result["chapters"] > 20, result["sentences"] > 200) == (True, True)


def test_its_summary_is_kept_as_an_artifact(mission: Mission) -> None:
    folder, done = mission
    (artifact,) = state(folder).artifacts
    assert (artifact.name, artifact.media_type) == ("summary.md", "text/markdown")
    assert artifact.sha256 is not None
    with FileArtifactStore(folder / "runs.db-artifacts").open(artifact.sha256) as kept:
        assert kept.read() == (folder / "out" / "summary.md").read_bytes()
    run_id = state(folder).run_id
    place = f"Kept: {folder / 'out' / 'summary.md'}, and as artifact summary.md of run {run_id}"
    assert place in done.stdout.splitlines()
    assert f"headway artifacts {run_id} --get summary.md" in done.stdout.splitlines()[-1]


def test_every_sentence_of_it_stands_at_its_time_in_the_source(mission: Mission) -> None:
    folder, _ = mission
    summary = (folder / "out" / "summary.md").read_text()
    assert len(quotes(summary)) == state(folder).result["sentences"]
    assert strays(summary, MISSION.read_text()) == []
    assert any(len(time) == len("195:17:54") for time, _, _ in quotes(summary))


def test_every_chapter_of_it_is_represented(mission: Mission) -> None:
    folder, _ = mission
    found = chapters((folder / "out" / "summary.md").read_text())
    assert len(found) == state(folder).result["chapters"]
    assert all(quotes(chapter) for chapter in found)


def test_it_covers_more_and_repeats_less_than_what_took_no_work(mission: Mission) -> None:
    _, done = mission
    lines = re.findall(r"^(.+?)  +coverage (\d\.\d+)  redundancy (\d\.\d+)$", done.stdout, re.MULTILINE)
    figures = {name: (float(coverage), float(redundancy)) for name, coverage, redundancy in lines}
    own = figures.pop("this summary")
    assert set(figures) == {"the first as many", "random ones"}
    for coverage, redundancy in figures.values():
        assert own[0] > coverage
        assert own[1] < redundancy


def test_without_a_terminal_its_progress_is_plain_lines(mission: Mission) -> None:
    _, done = mission
    assert done.stdout.replace("\n", "").isprintable()
    lines = re.findall(
        r"^ *(\d+) %  \d\d:\d\d(?:, \d\d:\d\d left)?  +(running|completed)  +(\w+)", done.stdout, re.MULTILINE
    )
    percents = [int(percent) for percent, _, _ in lines]
    assert percents == sorted(percents)
    assert [stage for _, status, stage in lines if status == "completed"] == list(PLAN)
    assert "# apollo-11-mission.vtt" in done.stdout


def test_its_log_tells_of_every_chunk_in_order(mission: Mission) -> None:
    folder, _ = mission
    with store(folder) as opened:
        told = [
            msgspec.json.decode(record.body)["data"]
            for record in opened.read(only_run(opened), limit=500, types=["stage.progress"]).records
        ]
    chunks = [data for data in told if data.get("unit") == "chunk"]
    assert chunks
    currents = [data["current"] for data in chunks]
    assert currents == sorted(currents)
    assert (currents[-1], chunks[-1]["total"], chunks[-1]["message"]) == (144, 144, "Chunk 144 of 144")


def test_the_summary_is_the_same_whatever_the_hash_seed(tmp_path: Path) -> None:
    summaries = set()
    for seed in ("1", "2"):
        folder = tmp_path / seed
        folder.mkdir()
        assert run(folder, LANDING, "--quiet", PYTHONHASHSEED=seed).returncode == 0
        summaries.add((folder / "out" / "summary.md").read_bytes())
    assert len(summaries) == 1


def test_the_same_job_runs_without_a_store(tmp_path: Path) -> None:
    done = run(tmp_path, LANDING, HEADWAY_URL="none:")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == f"Kept: {tmp_path / 'out' / 'summary.md'}"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_bad_input_says_what_to_do_here_and_to_who_watches(tmp_path: Path) -> None:
    talk = tmp_path / "talk.vtt"
    talk.write_text("00:01.000 --> 00:02.000\nhello\n")
    done = run(tmp_path, talk)
    ended = state(tmp_path)
    assert done.returncode == 1
    assert ended.status == "failed"
    assert ended.error is not None
    assert ended.error.code == "bad-input"
    assert ended.error.message.startswith("The WEBVTT header is missing. Put a line that says WEBVTT")
    assert done.stderr == f"video: {ended.error.message}\n"
    assert ended.stages[0].error is not None
    assert ended.stages[0].error.message == ended.error.message


def test_a_place_that_cannot_be_written_to_is_told_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("in the way")
    done = run(tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("video: ")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "runs.db").exists()


def test_a_cancel_asked_of_the_store_ends_the_run_and_leaves_no_file(tmp_path: Path) -> None:
    begun = subprocess.Popen(
        command("--out", tmp_path / "out"), cwd=ROOT, env=environment(tmp_path), stdout=subprocess.PIPE, text=True
    )
    assert begun.stdout is not None
    with begun, store(tmp_path) as opened:
        for line in begun.stdout:
            if "running    summary" in line:
                break
        asked = events.draft(events.RunCancelRequested(by="tester"), at="2026-11-20T19:41:03.120Z")
        opened.append(Batch(run_id=only_run(opened), reporter="watcher", first=1, events=(asked,)))
        begun.communicate(timeout=PATIENCE_S)
    assert begun.returncode == 130
    assert state(tmp_path).status == "cancelled"
    assert list((tmp_path / "out").iterdir()) == []
    assert list((tmp_path / "runs.db-artifacts").rglob("*.md")) == []


def shown(folder: Path, *arguments: str | Path) -> AbstractContextManager[Shown]:
    """The command in a terminal."""
    urls = {"HEADWAY_URL": f"sqlite:///{folder / 'runs.db'}"}
    given = (*map(str, arguments), "--out", str(folder / "out"))
    return terminal(*given, cwd=ROOT, environment=urls, module="workloads.video")


def test_a_terminal_shows_what_headway_watch_shows(tmp_path: Path) -> None:
    with shown(tmp_path, LANDING) as screen:
        assert screen.end() == 0
        assert b"\x1b[?1049h" in screen.raw, "it was drawn on the second page"
        text = screen.raw.rpartition(b"\x1b[?1049l")[2].decode()
        assert list(screen.modes_now()) == list(screen.modes)
        run_id = state(tmp_path).run_id
        told = [line.split() for line in text.splitlines() if f" {run_id} " in line and "headway" in line.split()[0]]
        assert "✓ completed" in text
        assert "Look at it again:" in text
        url = f"sqlite:///{tmp_path / 'runs.db'}"
        assert [words[1:] for words in told] == [
            ["watch", run_id, "--url", url],
            ["replay", run_id, "--url", url],
            ["artifacts", run_id, "--get", "summary.md", "-o", "-", "--url", url, "|", "less"],
        ]


def test_whoever_quits_the_screen_leaves_the_job_at_work(tmp_path: Path) -> None:
    with shown(tmp_path) as screen:
        screen.wait_for("● summary")
        screen.press("q")
        screen.wait_for("it goes on without the screen")
        assert screen.end() == 0
    assert state(tmp_path).status == "completed"


def test_ctrl_c_ends_with_130_and_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    with shown(tmp_path) as screen:
        screen.wait_for("● summary")
        screen.press("\x03")
        screen.wait_for("video: cancelled")
        assert screen.end() == 130
        assert list(screen.modes_now()) == list(screen.modes)
    assert state(tmp_path).status == "cancelled"
    assert list((tmp_path / "out").iterdir()) == []


def test_ctrl_c_after_the_screen_was_left_cancels_the_run(tmp_path: Path) -> None:
    with shown(tmp_path) as screen:
        screen.wait_for("● summary")
        screen.press("q")
        screen.wait_for("it goes on without the screen")
        screen.press("\x03")
        screen.wait_for("video: cancelled")
        assert screen.end() == 130
    assert state(tmp_path).status == "cancelled"


def make_strange(path: Path) -> None:
    """Another program's database, where the store would be."""
    with closing(sqlite3.connect(path)) as other:
        other.executescript("CREATE TABLE theirs (x); PRAGMA application_id = 7")


def test_a_run_that_cannot_be_watched_leaves_the_job_at_work(tmp_path: Path) -> None:
    make_strange(tmp_path / "runs.db")
    with shown(tmp_path, LANDING) as screen:
        screen.wait_for("video: it goes on without the screen")
        assert screen.end() == 0
        assert list(screen.modes_now()) == list(screen.modes)
        told = screen.raw.rpartition(b"\x1b[?1049l")[2].decode()
        assert "belongs to another application" in told.splitlines()[0]
        assert f"Kept: {tmp_path / 'out' / 'summary.md'}\r\n" in told


def test_a_job_that_cannot_be_asked_to_stop_says_what_ends_it(tmp_path: Path) -> None:
    make_strange(tmp_path / "runs.db")
    with shown(tmp_path) as screen:
        screen.wait_for("video: it goes on without the screen")
        screen.press("\x03")
        screen.wait_for("Ctrl-C once more ends it")
        assert "cancelled" not in screen.text
        screen.press("\x03")
        screen.wait_for("video: cancelled")
        assert screen.end() == 130


def test_without_a_place_for_reports_there_is_no_screen(tmp_path: Path) -> None:
    with terminal(
        str(LANDING),
        "--out",
        str(tmp_path),
        cwd=ROOT,
        environment={"HEADWAY_URL": "none:"},
        module="workloads.video",
    ) as screen:
        assert screen.end() == 0
        assert b"\x1b[?" not in screen.raw
