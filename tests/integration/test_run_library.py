"""``headway.runners.command``: from a job, in a run or with a run of its own."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

import headway
from headway import runners
from headway.errors import Cancelled, InvalidInput, InvalidTarget
from headway.protocol import events
from tests.integration.jobs import tell, until
from tests.integration.running import Running, wait_for_file


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path)
    yield found
    found.close()


def python(program: str) -> list[str]:
    return [sys.executable, "-uc", program]


def test_a_command_is_a_run_of_its_own(running: Running, capfd: pytest.CaptureFixture[str]) -> None:
    outcome = runners.command(python("print('hello')"), kind="greeting", title="Hello", target=running.url)
    assert (outcome.ok, outcome.code, outcome.exit_code, outcome.tail) == (True, 0, 0, "hello")
    assert running.state.run_id == outcome.run_id
    assert (running.state.kind, running.state.title, running.state.status) == ("greeting", "Hello", "completed")
    assert running.log() == ["hello"]
    assert capfd.readouterr() == ("", "")


def test_it_is_shown_if_that_is_wanted(running: Running, capfd: pytest.CaptureFixture[str]) -> None:
    runners.command(["sh", "-c", "echo out; echo err >&2"], target="none:", show=True)
    assert capfd.readouterr() == ("out\n", "err\n")


def test_in_a_run_it_is_a_stage(running: Running) -> None:
    with headway.run("job", target=running.url) as run, run.stage("outer"):
        outcome = runners.command(python("print('x'); print('\\r1/2 y', end='\\r'); print('2/2 y')"), kind="inner")
        assert outcome.run_id == run.id
        failed = runners.command(["sh", "-c", "exit 3"], title="Fails")
        assert (failed.ok, failed.exit_code, failed.error_code) == (False, 3, "exit-3")
    assert running.state.status == "completed"
    found = {path: stage.status for path, stage in running.stages.items()}
    assert found == {
        "outer": "completed",
        "outer/inner": "completed",
        "outer/inner/progress": "completed",
        "outer/sh": "failed",
    }
    assert running.stages["outer/sh"].title == "Fails"
    assert running.lines()[0] == ("stdout", "x")


def test_the_program_can_help_with_the_callers_run(running: Running) -> None:
    program = "import os, headway\nwith headway.attach(os.environ['HEADWAY_RUN_ID']) as run: run.highlight('inside')"
    with headway.run("job", target=running.url):
        assert runners.command(python(program)).ok
    assert [highlight.text for highlight in running.state.highlights] == ["inside"]


def test_its_environment_and_folder_can_be_given(running: Running) -> None:
    (running.folder / "there").mkdir()
    outcome = runners.command(
        python("import os; print(os.environ.get('A'), os.environ.get('HOME'), os.getcwd())"),
        env={"A": "b"},
        cwd=running.folder / "there",
        target="none:",
    )
    assert outcome.tail == f"b None {running.folder / 'there'}"
    assert runners.command(["true"], cwd=running.folder / "nowhere", target="none:").code == 127


def test_a_cancel_stops_it(running: Running) -> None:
    program = "import time; print('begun'); time.sleep(1000)"

    def cancel() -> None:
        until(lambda: running.begun and running.log(), "the beginning")
        tell(running.store, events.RunCancelRequested(by="somebody"), running.run_id)

    canceller = threading.Thread(target=cancel)
    with pytest.raises(Cancelled), headway.run("job", target=running.url) as run:
        canceller.start()
        outcome = runners.command(python(program))
        assert (outcome.cancelled, outcome.code) == (True, 130)
        run.check()
    canceller.join()
    assert running.state.status == "cancelled"


CALLER = """
import sys
from headway import runners
program = "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(1000)"
try:
    runners.command([sys.executable, "-uc", program])
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize(("number", "said"), [(signal.SIGINT, b"interrupted\n"), (signal.SIGKILL, b"")])
def test_an_interrupt_or_the_end_of_the_caller_stops_it(running: Running, number: signal.Signals, said: bytes) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", CALLER], cwd=running.folder, env=running.environment(), stdout=subprocess.PIPE
    )
    pid = int(wait_for_file(running.folder / "pid"))
    process.send_signal(number)
    assert process.communicate(timeout=30)[0] == said
    until(lambda: not Path(f"/proc/{pid}").exists(), "the program's end")
    if number == signal.SIGINT:
        assert running.state.status == "cancelled"


def test_several_side_by_side(running: Running) -> None:
    async def main() -> list[runners.Outcome]:
        commands = (python(f"import time; print({n}); time.sleep(0.1); print({n})") for n in range(8))
        return await asyncio.gather(
            *(asyncio.to_thread(runners.command, command, kind=f"k{n}") for n, command in enumerate(commands))
        )

    with headway.run("job", target=running.url):
        outcomes = asyncio.run(main())
    assert [outcome.tail for outcome in outcomes] == [f"{n}\n{n}" for n in range(8)]
    assert {path: stage.status for path, stage in running.stages.items()} == {f"k{n}": "completed" for n in range(8)}


def test_its_time_is_limited() -> None:
    begin = time.monotonic()
    outcome = runners.command(["sleep", "1000"], timeout=0.2, target="none:")
    assert (outcome.timed_out, outcome.code, outcome.ok, outcome.signal) == (True, 124, False, "TERM")
    assert time.monotonic() - begin < 10


def test_descriptors_and_processes_are_given_back(running: Running) -> None:
    runners.command(["true"], target="none:")
    children = psutil.Process().children()
    before = len(list(Path("/proc/self/fd").iterdir())), threading.active_count()
    for _ in range(20):
        runners.command(["true"], target="none:")
        runners.command(["nowhere-to-be-found"], target="none:", tty=True)
    assert (len(list(Path("/proc/self/fd").iterdir())), threading.active_count()) == before
    assert psutil.Process().children() == children


def test_what_breaks_a_rule_is_refused() -> None:
    with pytest.raises(InvalidInput):
        runners.command("ls -l", target="none:")
    with pytest.raises(InvalidInput):
        runners.command(["ls"], timeout=-1, target="none:")
    with pytest.raises(InvalidInput):
        runners.command(["ls"], patterns=["("], target="none:")
    with pytest.raises(InvalidTarget):
        runners.command(["ls"], target="nonsense")
    with pytest.raises(TypeError, match="colour"):
        runners.command(["ls"], colour="red")  # type: ignore[call-arg]


def test_files_and_a_sentinel(running: Running) -> None:
    outcome = runners.command(
        ["sh", "-c", "echo x > out/a.txt; echo READY; sleep 1000"],
        artifacts=running.folder / "out",
        cwd=running.folder,
        sentinel="READY",
        target=running.url,
    )
    assert (outcome.ok, outcome.sentinel, outcome.code) == (True, True, 0)
    assert running.artifact("a.txt") == b"x\n"
