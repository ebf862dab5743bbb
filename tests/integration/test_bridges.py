"""Real programs whose output is captured, and what their runs say of it afterwards."""

import os
import pty
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import headway
from tests.unit.reporter.bridges.recorded import Recorded

SOURCE = Path(headway.__file__).parents[1]

PATIENCE_S = 60
"""For a machine that is busy with other things; nothing here waits for the sake of waiting."""


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    return Recorded(tmp_path)


def program(body: str) -> list[str]:
    """A job that captures its output, as a command."""
    script = f"""
import atexit, contextlib, ctypes, logging, os, subprocess, sys, threading
import headway
from headway.reporter.bridges.output import OutputCapture

def pipes():
    # The store opens and closes files meanwhile, which may be gone when they are looked at.
    found = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):
            found.append(os.readlink("/proc/self/fd/" + name))
    return sorted(link for link in found if link.startswith("pipe:"))

run = headway.run("bridges", run_id="bridged", target=sys.argv[1]).start()
{textwrap.dedent(body)}
run.complete()
"""
    return [sys.executable, "-W", "error", "-c", script]


def environment() -> dict[str, str]:
    """As a job finds it: its output is buffered where that is no terminal."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def outcome(recorded: Recorded, body: str, *, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*program(body), recorded.target],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=PATIENCE_S,
        check=False,
        env=environment(),
    )
    assert done.returncode == code, done.stderr
    return done


# What is written past Python


def test_children_and_c_code_are_logged_and_still_shown(recorded: Recorded) -> None:
    done = outcome(
        recorded,
        """
        print("before")
        ctypes.CDLL(None).puts(b"before, from C")
        with OutputCapture(run, fd=True):
            print("python", flush=True)
            subprocess.run(["sh", "-c", "echo child; echo failing >&2; printf '\\\\377\\\\n'"], check=True)
            print("python again", flush=True)
            ctypes.CDLL(None).puts(b"from C")
            os.write(2, b"raw")
        print("not captured")
        subprocess.run(["echo", "not captured either"], check=True)
        """,
    )
    assert recorded.lines("stdout") == ["python", "child", "\ufffd", "python again", "from C"]
    assert recorded.lines("stderr") == ["failing", "raw"]
    shown = done.stdout.splitlines()
    assert sorted(shown[:2]) == ["before", "before, from C"]
    assert shown[2:5] == ["python", "child", "\ufffd"]
    assert sorted(shown[5:]) == ["from C", "not captured", "not captured either", "python again"]
    assert done.stderr == "failing\nraw"


def test_a_child_that_writes_more_than_a_pipe_holds_is_logged_whole(recorded: Recorded) -> None:
    done = outcome(
        recorded,
        """
        with OutputCapture(run, fd=True):
            subprocess.run(["seq", "100000"], check=True)
        """,
    )
    numbers = [str(number) for number in range(1, 100_001)]
    assert done.stdout.splitlines() == numbers
    assert recorded.lines("stdout") == numbers


def test_without_a_thread_to_read_what_is_written_past_python_it_goes_where_it_went(recorded: Recorded) -> None:
    done = outcome(
        recorded,
        """
        start = threading.Thread.start
        def not_for_output(self):
            if self.name == "headway-output":
                raise RuntimeError("can't start new thread")
            start(self)
        threading.Thread.start = not_for_output
        before = pipes()
        with OutputCapture(run, fd=True):
            subprocess.run(["seq", "100000"], check=True)
            print("python")
        assert pipes() == before
        """,
    )
    assert len(done.stdout.splitlines()) == 100_001
    assert recorded.lines("stdout") == ["python"]


def test_older_handlers_and_given_descriptors_go_through_the_capture(recorded: Recorded) -> None:
    outcome(
        recorded,
        """
        older = logging.StreamHandler(sys.stderr)
        with OutputCapture(run, fd=True):
            older.emit(logging.makeLogRecord({"msg": "by the older handler"}))
            subprocess.run(["echo", "by descriptor"], stdout=sys.stdout, check=True)
        """,
    )
    assert recorded.lines("stderr") == ["by the older handler"]
    assert recorded.lines("stdout") == ["by descriptor"]


def test_nested_captures_show_everything_once(recorded: Recorded) -> None:
    for outer, inner in ((False, True), (True, False), (True, True)):
        recorded.path.unlink(missing_ok=True)
        done = outcome(
            recorded,
            f"""
            with OutputCapture(run, fd={outer}):
                with OutputCapture(run, fd={inner}):
                    print("python", flush=True)
                    subprocess.run(["echo", "child"], check=True)
                print("after", flush=True)
            print("end")
            """,
        )
        assert done.stdout == "python\nchild\nafter\nend\n", (outer, inner)
        assert recorded.lines("stdout").count("python") == 2
        assert recorded.lines("stdout").count("child") == outer + inner
        assert recorded.lines("stdout").count("after") == 1
        assert "end" not in recorded.lines("stdout")


def test_after_an_exception_everything_is_as_it_was(recorded: Recorded) -> None:
    done = outcome(
        recorded,
        """
        run.flush()
        before, pipes_before = sys.stdout, pipes()
        for error in (ValueError, KeyboardInterrupt, SystemExit):
            try:
                with OutputCapture(run, fd=True):
                    os.write(1, b"half a line, ")
                    raise error
            except error:
                pass
        assert sys.stdout is before
        assert pipes() == pipes_before
        assert [thread for thread in threading.enumerate() if thread.name == "headway-output"] == []
        os.write(1, b"free")
        """,
    )
    assert recorded.lines("stdout") == ["half a line, "] * 3
    assert done.stdout == "half a line, " * 3 + "free"


def test_a_capture_that_nobody_ends_is_ended_with_the_interpreter(recorded: Recorded) -> None:
    done = outcome(
        recorded,
        """
        atexit.register(run.complete)
        OutputCapture(run, fd=True).__enter__()
        os.write(1, b"last words")
        sys.exit(3)
        """,
        code=3,
    )
    assert recorded.lines("stdout") == ["last words"]
    assert done.stdout == "last words"


def test_a_child_that_outlives_the_capture_is_shown_and_not_harmed(recorded: Recorded) -> None:
    done = outcome(
        recorded,
        """
        with OutputCapture(run, fd=True):
            child = subprocess.Popen(["sh", "-c", "echo during; read go; echo after; exit 5"], stdin=subprocess.PIPE)
            while not run.state.log.lines:
                run.flush()
        child.communicate(b"go\\n")
        assert child.returncode == 5
        for thread in threading.enumerate():
            if thread.name == "headway-output":
                thread.join()
        """,
    )
    assert recorded.lines("stdout") == ["during"]
    assert done.stdout == "during\nafter\n"


def test_who_kept_a_stand_in_goes_on_with_the_stream(recorded: Recorded) -> None:
    done = outcome(
        recorded,
        """
        with OutputCapture(run, fd=True):
            kept = sys.stdout
            print("during", file=kept)
        for number in range(3):
            print("after", number, kept.fileno(), file=kept, flush=True)
        """,
    )
    assert recorded.lines("stdout") == ["during"]
    assert done.stdout.splitlines() == ["during", "after 0 1", "after 1 1", "after 2 1"]


FORK = """
import os, sys
from headway.reporter.bridges.output import OutputCapture

class Run:
    def log(self, text, *, stream):
        os.write(SAVED, f"{os.getpid() == PARENT} {stream} {text}".encode())

SAVED, PARENT = os.dup(2), os.getpid()
with OutputCapture(Run(), fd=True):
    os.write(1, b"past it ")
    sys.stdout.write("in Python ")  # and with it the pipe is read
    sys.stderr.flush()
    print("drained", file=sys.stderr)
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        os.write(1, b"again\\n")
        print("again")
    else:
        print("the child's")
"""


def test_what_a_parent_began_to_write_is_only_the_parents() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORK], capture_output=True, text=True, check=True, timeout=PATIENCE_S
    )
    assert sorted(done.stderr.splitlines()) == [
        "False stdout the child's",
        "True stderr drained",
        "True stdout in Python again",
        "True stdout past it again",
        "drained",
    ]


def test_a_fork_writes_through_its_parents_capture_and_leaves_the_parents_text_alone(recorded: Recorded) -> None:
    done = outcome(
        recorded,
        """
        with OutputCapture(run, fd=True):
            print("parent", end="", flush=True)
            child = os.fork()
            if not child:
                os.write(1, b"child\\n")
                print("child's Python", flush=True)
                os._exit(0)
            os.waitpid(child, 0)
            print(" again", flush=True)
        """,
    )
    logged = recorded.lines("stdout")
    assert logged.count("parent again") == 1
    assert logged.count("child") == 1
    assert min(logged) == "child"
    assert "child's Python\n" in done.stdout


def test_a_fork_that_leaves_the_block_too_changes_nothing_for_the_parent(recorded: Recorded) -> None:
    done = outcome(
        recorded,
        """
        with OutputCapture(run, fd=True):
            child = os.fork()
            if child:
                os.waitpid(child, 0)
                os.write(1, b"parent\\n")
        os.write(1, b"free\\n")
        if not child:
            os._exit(0)
        """,
    )
    assert recorded.lines("stdout") == ["parent"]
    assert sorted(done.stdout.splitlines()) == ["free", "free", "parent"]


def test_in_a_terminal_the_job_still_sees_one(recorded: Recorded) -> None:
    controller, terminal = pty.openpty()
    try:
        done = subprocess.run(
            [
                *program("""
with OutputCapture(run, fd=True):
    print(sys.stdout.isatty(), sys.stdout.fileno(), sys.stderr.isatty())
    print("\\r 50%", end="")
    print("\\r100%")
"""),
                recorded.target,
            ],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            timeout=PATIENCE_S,
            check=False,
        )
        shown = os.read(controller, 4096)
    finally:
        os.close(controller)
        os.close(terminal)
    assert done.returncode == 0, shown
    assert shown == b"True 1 True\r\n\r 50%\r100%\r\n"
    assert recorded.lines("stdout") == ["True 1 True", "100%"]


def test_what_is_not_installed_is_named(tmp_path: Path) -> None:
    script = """
import sys
sys.modules["tqdm"] = sys.modules["rich"] = None
from headway.errors import MissingExtra
from headway.reporter.bridges.rich_bars import capture_rich
from headway.reporter.bridges.tqdm_bars import capture_tqdm
for capture in (capture_tqdm, capture_rich):
    try:
        capture()
    except MissingExtra as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "capture_tqdm() needs tqdm, which is not installed: pip install tqdm",
        "capture_rich() needs rich, which is not installed: pip install rich",
    ]


def test_neither_is_imported_by_us() -> None:
    script = """
import sys
import headway.reporter.bridges.rich_bars, headway.reporter.bridges.tqdm_bars
assert not {"tqdm", "rich"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.soak
@pytest.mark.skipif(not os.environ.get("HEADWAY_SOAK"), reason="installs packages")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("package", ["tqdm==4.50.2", "tqdm==4.60.0", "tqdm==4.66.5", "rich==12.6.0", "rich==13.3.5"])
def test_older_versions(tmp_path: Path, package: str) -> None:
    name = package.partition("=")[0]
    folder = tmp_path / "packages"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
    subprocess.run([*install, package], check=True)
    tests = Path(__file__).with_name(f"test_bridges_{name}.py")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            str(tests),
            "-k",
            "not asynchronous and not delay",
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(SOURCE)]), "HEADWAY_SOAK": ""},
        cwd=SOURCE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
