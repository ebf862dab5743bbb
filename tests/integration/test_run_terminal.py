"""Commands on terminals: their own with ``--tty``, or the one that Headway was started in."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect  # type: ignore[import-untyped]
import psutil  # type: ignore[import-untyped]
import pytest

from tests.integration.jobs import until
from tests.integration.running import COMMAND, Running, all_gone, wait_for_file


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path)
    yield found
    found.close()


@contextmanager
def typing(running: Running, *arguments: str, size: tuple[int, int] = (30, 100)) -> Iterator[pexpect.spawn]:
    """``headway run`` on a terminal, with somebody who types."""
    program, *rest = [*COMMAND, "run", *arguments]
    child = pexpect.spawn(
        program, rest, cwd=str(running.folder), env=running.environment(), dimensions=size, timeout=30, echo=False
    )
    try:
        yield child
    finally:
        child.close(force=True)


@contextmanager
def shell(running: Running) -> Iterator[pexpect.spawn]:
    """An interactive shell with job control, which knows ``headway``."""
    child = pexpect.spawn("bash", ["--norc", "-i"], cwd=str(running.folder), env=running.environment(), timeout=30)
    child.sendline(f"PS1='ready> '; bind 'set enable-bracketed-paste off'; headway() {{ {' '.join(COMMAND)} \"$@\"; }}")
    child.expect_exact("ready> ")
    child.expect_exact("ready> ")
    try:
        yield child
    finally:
        child.close(force=True)


IS_TERMINAL = "import os; print([os.isatty(n) for n in (0, 1, 2)], os.get_terminal_size(), os.getsid(0) == os.getpid())"


def test_the_command_has_a_terminal_of_its_own(running: Running) -> None:
    with typing(running, "--tty", "--", sys.executable, "-c", IS_TERMINAL) as child:
        child.expect_exact("[True, True, True] os.terminal_size(columns=100, lines=30) True\r\n")
        child.expect(pexpect.EOF)
        child.wait()
        assert child.exitstatus == 0
    assert running.log() == ["[True, True, True] os.terminal_size(columns=100, lines=30) True"]
    assert not running.state.artifacts


def test_also_where_there_is_none_outside(running: Running) -> None:
    ended = running.python(IS_TERMINAL, "--tty")
    assert ended.out == b"[True, True, True] os.terminal_size(columns=80, lines=24) True\r\n"


def test_input_from_a_file_is_typed_and_ended(running: Running) -> None:
    program = "import sys; print(sys.stdin.read().upper())"
    assert running.python(program, "--tty", stdin=b"one\ntwo").out == b"ONE\r\nTWO\r\n"
    assert running.python(program, "--tty", stdin=b"").out == b"\r\n"
    lines = b"".join(b"%d\n" % number for number in range(20_000))
    assert running.python("import sys; print(len(sys.stdin.readlines()))", "--tty", stdin=lines).out == b"20000\r\n"


KEYS = """
import os, sys, termios, tty
tty.setraw(0)
print("ready", flush=True)
pressed = b""
while not pressed.endswith(b"q"):
    pressed += os.read(0, 100)
print(pressed, flush=True)
"""


def test_every_key_is_passed_on(running: Running) -> None:
    with typing(running, "--tty", "--", sys.executable, "-c", KEYS) as child:
        child.expect_exact("ready")
        child.send(b"a\x03\x1a\x1c\x04\x11\x13\r\n\x1b[A\xc3\xa4\0q")
        child.expect_exact(repr(b"a\x03\x1a\x1c\x04\x11\x13\r\n\x1b[A\xc3\xa4\0q"))
        child.expect(pexpect.EOF)


SIZES = """
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGWINCH])
def say():
    size = os.get_terminal_size(0)
    print(f"{size.columns}x{size.lines}", flush=True)
say()
for _ in range(2):
    signal.sigwait([signal.SIGWINCH])
    say()
"""


@pytest.mark.parametrize("options", [["--tty"], []])
def test_a_change_of_size_reaches_the_command(running: Running, options: list[str]) -> None:
    with typing(running, *options, "--", sys.executable, "-c", SIZES) as child:
        child.expect_exact("100x30")
        child.setwinsize(40, 120)
        child.expect_exact("120x40")
        child.setwinsize(10, 20)
        child.expect_exact("20x10")
        child.expect(pexpect.EOF)


def test_ctrl_c_on_the_commands_terminal_cancels_the_run(running: Running) -> None:
    with typing(running, "--tty", "--", "sh", "-c", "echo ready; exec sleep 1000") as child:
        child.expect_exact("ready")
        child.sendintr()
        child.expect(pexpect.EOF)
        child.wait()
        assert child.exitstatus == 130
    assert running.state.status == "cancelled"


COUNTING = """
import signal, sys
times = []
signal.signal(signal.SIGINT, lambda *_: times.append(1))
print("ready", flush=True)
while not times:
    signal.pause()
signal.sigtimedwait([signal.SIGUSR1], 0.5)
print("times", len(times), flush=True)
sys.exit(9)
"""


def test_ctrl_c_cancels_the_run_and_comes_once(running: Running) -> None:
    with typing(running, "--", sys.executable, "-c", COUNTING) as child:
        child.expect_exact("ready")
        child.sendintr()
        child.expect_exact("times 1")
        child.expect(pexpect.EOF)
        child.wait()
        assert child.exitstatus == 130
    assert running.state.status == "cancelled"


def test_a_program_that_asks_gets_answers(running: Running) -> None:
    with typing(running, "--", sys.executable, "-c", "print('Hello ' + input('name? '))") as child:
        child.expect_exact("name? ")
        child.sendline("Ada")
        child.expect_exact("Hello Ada")
        child.expect(pexpect.EOF)
    assert running.log() == ["name? Hello Ada"]


def test_a_program_can_read_the_terminal_itself(running: Running) -> None:
    with typing(running, "--", "sh", "-c", "printf 'secret? ' > /dev/tty; read x < /dev/tty; echo got $x") as child:
        child.expect_exact("secret? ")
        child.sendline("xyzzy")
        child.expect_exact("got xyzzy")
        child.expect(pexpect.EOF)


@pytest.mark.parametrize("options", [["--tty"], []])
def test_ctrl_z_and_going_on_in_a_shell(running: Running, options: list[str]) -> None:
    with shell(running) as bash:
        bash.sendline(f"headway run {' '.join(options)} -- sh -c 'echo be''gun; read x; echo got $x'")
        bash.expect_exact("begun")
        if options:  # every key is the command's
            until(lambda: running.begun, "the run")
            headway = next(each for each in psutil.Process(bash.pid).children() if "headway" in each.cmdline())
            headway.send_signal(signal.SIGTSTP)
        else:
            bash.sendcontrol("z")
        bash.expect("Stopped")
        bash.expect_exact("ready> ")
        bash.sendline("echo still $((1 + 1)); stty -a | grep -o ' echo '")
        bash.expect_exact("still 2")
        bash.expect_exact(" echo ")
        bash.sendline("fg")
        bash.expect_exact('"$@"')
        bash.sendline("there")
        bash.expect_exact("got there")
        bash.expect_exact("ready> ")
        bash.sendline("echo code $?")
        bash.expect_exact("code 0")
    assert running.state.status == "completed"


def test_a_program_that_stops_itself_gives_the_shell_back(running: Running) -> None:
    with shell(running) as bash:
        bash.sendline("headway run -- sh -c 'echo be''gun; kill -STOP $$; echo went o''n'")
        bash.expect_exact("begun")
        bash.expect("Stopped")
        bash.sendline("fg")
        bash.expect_exact("went on")
        bash.expect_exact("ready> ")


def test_in_the_background_it_runs_on(running: Running) -> None:
    with shell(running) as bash:
        bash.sendline("headway run --tty -- sh -c 'sleep 0.3; echo do''ne; tty' & wait; echo co''de $?")
        bash.expect_exact("done")
        bash.expect_exact("/dev/pts/")
        bash.expect_exact("code 0")


def modes(terminal: int) -> list[object]:
    return list(termios.tcgetattr(terminal))


@contextmanager
def on_terminal(running: Running, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """``headway run`` in the foreground of a terminal of its own, and that terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    take = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", take, *COMMAND, "run", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=running.environment(),
        cwd=running.folder,
        start_new_session=True,
    )
    try:
        yield process, theirs
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


ENDINGS = {
    "by itself": "open('ready', 'w').write('x'); input()",
    "killed": "import os; open('ready', 'w').write('x'); input(); os.kill(os.getpid(), 9)",
    "raw": "import tty; tty.setraw(0); open('ready', 'w').write('x'); import os; os.read(0, 1)",
}


@pytest.mark.parametrize("name", ENDINGS)
def test_the_terminal_is_left_as_it_was(running: Running, name: str) -> None:
    ours, theirs = pty.openpty()
    before = modes(theirs)
    process = subprocess.Popen(
        [*COMMAND, "run", "--tty", "--", sys.executable, "-c", ENDINGS[name]],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=running.environment(),
        cwd=running.folder,
    )
    wait_for_file(running.folder / "ready")
    os.write(ours, b"\r")
    assert process.wait(30) == (137 if name == "killed" else 0)
    assert modes(theirs) == before
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL, signal.SIGINT])
def test_the_terminal_is_left_as_it_was_whatever_happens(running: Running, number: signal.Signals) -> None:
    program = "import time; open('ready', 'w').write('x'); time.sleep(1000)"
    with on_terminal(running, "--tty", "--", sys.executable, "-c", program) as (process, terminal):
        cooked = modes(terminal)
        wait_for_file(running.folder / "ready")
        until(lambda: modes(terminal) != cooked, "the raw mode")
        everything = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        process.wait(30)
        all_gone(everything)
        assert modes(terminal) == cooked


def test_a_hang_up_ends_everything(running: Running) -> None:
    program = "import time; open('ready', 'w').write('x'); time.sleep(1000)"
    child = pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], "run", "--tty", "--", sys.executable, "-c", program],
        cwd=str(running.folder),
        env=running.environment(),
    )
    wait_for_file(running.folder / "ready")
    everything = psutil.Process(child.pid).children(recursive=True)
    os.close(child.child_fd)
    child.closed = True
    all_gone([*everything, psutil.Process(child.pid)])
    os.waitpid(child.pid, 0)
    assert running.state.status == "cancelled"


BAR = "Working \u2501\u2501\u2501\u2501\u2501\u2501\u2501\u2501 100% 0:00:01"
HINT = "--tty gives it one of its own"


@pytest.mark.parametrize(("options", "hinted"), [((), True), (("--tty",), False), (("--no-recognise",), False)])
def test_bars_that_are_not_drawn_without_a_terminal(running: Running, options: tuple[str, ...], hinted: bool) -> None:
    with typing(running, *options, "--", "echo", BAR) as child:
        child.expect(pexpect.EOF)
        shown = child.before.decode()
    assert (BAR in shown, shown.count(HINT)) == (True, int(hinted))


def test_nobody_is_told_of_bars_who_does_not_look(running: Running) -> None:
    assert running.run([], ["echo", BAR]).err == b""
