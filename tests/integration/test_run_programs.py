"""Programs that are really installed, run as they are: pip, curl, wget, tqdm, rich."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest

from headway.protocol import codec, events
from tests.data.terminal.record import PROGRAMS, RICH_PROGRAMS, wheel
from tests.integration.jobs import until
from tests.integration.running import Running

SIZE = 10_000_000
PIECE = 30_000


class Slow(BaseHTTPRequestHandler):
    """Serves a folder, in pieces with pauses between: what is downloaded must be seen to come."""

    def do_GET(self) -> None:
        content = (Path(self.server.folder) / self.path.strip("/")).read_bytes()  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        for start in range(0, len(content), PIECE):
            self.wfile.write(content[start : start + PIECE])
            Event().wait(0.01)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- its name
        """Say nothing."""


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "data.bin").write_bytes(bytes(SIZE))
    wheel(folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        server.folder = str(folder)  # type: ignore[attr-defined]
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path)
    yield found
    found.close()


def progress(running: Running, stage: str) -> list[float]:
    """How far a stage was, each time that it was told."""
    found = []
    for event in running.events("stage.progress"):
        data = codec.data_of(event)
        assert isinstance(data, events.StageProgress)
        if event.stage == stage and data.current is not None and data.total:
            found.append(data.current / data.total)
    return found


def assert_moves(shares: list[float]) -> None:
    assert shares == sorted(shares)
    assert any(0.02 < share < 0.98 for share in shares), shares


def needs(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"needs {program}")
    return found


@pytest.mark.parametrize("options", [["--tty"], []])
def test_curl(running: Running, url: str, options: list[str]) -> None:
    running.run(options, [needs("curl"), "-o", "x", f"{url}/data.bin"])
    assert running.stages["curl"].status == "completed"
    assert running.stages["curl"].unit == "B"
    assert_moves(progress(running, "curl"))
    assert len(running.log()) == 3
    running.run(options, [needs("curl"), "-#", "-o", "x", f"{url}/data.bin"])
    assert_moves(progress(running, "progress"))


@pytest.mark.parametrize("options", [["--tty"], []])
def test_wget(running: Running, url: str, options: list[str]) -> None:
    running.run(options, [needs("wget"), "-O", "x.bin", f"{url}/data.bin"])
    assert running.stages["x.bin"].status == "completed"
    assert_moves(progress(running, "x.bin"))
    assert sum("%" in line for line in running.log()) == 1


def test_pip(running: Running, url: str) -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-cache-dir", "--no-deps", "--disable-pip-version-check"]
    running.run(["--tty"], [*command, "-d", "got", f"{url}/demo-1.0-py3-none-any.whl"])
    stage = running.stages["Downloading demo-1.0-py3-none-any.whl"]
    assert (stage.status, stage.current, stage.total, stage.unit) == ("completed", 1.5, 1.5, "MB")
    assert_moves(progress(running, stage.path))
    assert running.log()[-1] == "Successfully downloaded demo"
    assert sum("━" in line for line in running.log()) == 1


@pytest.mark.parametrize("options", [["--tty"], []])
def test_tqdm(running: Running, options: list[str]) -> None:
    running.run(options, [sys.executable, "-c", PROGRAMS["nested-named"]])
    assert {path: stage.status for path, stage in running.stages.items()} == {
        "Epoch": "completed",
        "Epoch/Batch": "completed",
    }
    assert (running.stages["Epoch"].current, running.stages["Epoch"].total) == (3, 3)
    assert len(running.log()) == 3
    assert running.state.progress == 1


def test_rich(running: Running) -> None:
    pytest.importorskip("rich")
    running.run(["--tty"], [sys.executable, "-c", RICH_PROGRAMS["tasks"]])
    assert {path: stage.status for path, stage in running.stages.items()} == {
        "Download": "completed",
        "Install": "completed",
    }
    assert_moves(progress(running, "Install"))
    assert len(running.log()) == 7


def test_what_is_being_drawn_is_told_at_once(running: Running) -> None:
    program = "import sys; print('\\rDone 1/10\\rDone 3/10', end='', flush=True); input()"
    process = running.start([], [sys.executable, "-c", program], stdin=subprocess.PIPE)
    until(lambda: running.begun and "Done" in running.stages and running.stages["Done"].current == 3, "the progress")
    process.communicate(b"\n")
    assert running.log() == ["Done 3/10"]


def test_recognition_can_be_switched_off(running: Running) -> None:
    running.run(["--no-recognise"], [sys.executable, "-c", PROGRAMS["single"] + "\nprint('::error::x')"])
    assert running.stages == {}
    assert running.events("error") == []
    assert running.log("stdout") == ["done", "::error::x"]
    assert len(running.log("stderr")) == 1


def test_a_pattern_extends_it(running: Running) -> None:
    script = 'for n in 1 2 3 4; do echo "epoch $n of 4, loss 0.$n"; done'
    pattern = r"epoch (?P<current>\d+) of (?P<total>\d+), (?P<message>.*)"
    running.shell(script, "--pattern", pattern, "--pattern", r"(?P<stage>nothing) (?P<percent>\d+)")
    stage = running.stages["progress"]
    assert (stage.current, stage.total, stage.message, stage.status) == (4, 4, "loss 0.4", "completed")
    assert running.log() == [f"epoch {n} of 4, loss 0.{n}" for n in range(1, 5)]


def test_commands_for_a_ci_system(running: Running) -> None:
    script = "echo '::group::Build'; echo inside; echo '::endgroup::'; echo '::error file=a.c,line=3::broken'; exit 1"
    running.shell(script, code=1)
    assert running.stages["Build"].status == "completed"
    error = codec.data_of(running.events("error")[0])
    assert isinstance(error, events.Error)
    assert (error.message, error.code) == ("a.c:3: broken", "output-error")
    inside = [event.stage for event in running.events("log")]
    assert inside == ["Build", None]


def test_the_terminals_own_progress(running: Running) -> None:
    running.shell("for n in 10 50 90; do printf '\\033]9;4;1;%d\\007' $n; done; printf '\\033]9;4;0;0\\033\\\\'")
    assert running.stages["progress"].status == "completed"
    assert running.log() == []
