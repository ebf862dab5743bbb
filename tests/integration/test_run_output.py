"""What a command says: seen as it is, logged as lines, kept as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.jobs import until
from tests.integration.running import Ended, Running, finish, wait_for_file


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path)
    yield found
    found.close()


def writing(running: Running, data: bytes, descriptor: int = 1) -> Ended:
    """Run a program that writes this, and ends."""
    (running.folder / "data").write_bytes(data)
    return running.shell(f"cat data >&{descriptor}")


ODD = [
    b"plain\n",
    b"no end",
    b"",
    b"\n\n\n",
    "zwölf Boxkämpfer 😀\n".encode(),
    b"bad \xff\xfe utf-8 \xc3\n",
    b"cut off \xf0\x9f",
    b"nul \0 in the middle\0\n\0",
    b"\x1b[31mred\x1b[0m and \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\n",
    b"one\rtwo\rthree\nfour\r\nfive\r",
    b"\x07\x08\x0b\x0c\x7f\x80\x9b\n",
    bytes(range(256)) * 20,
    b"\x1b[?1049h\x1b[2J\x1b[Hediting\x1b[?1049l",
    b"x" * 300_000 + b"\n" + b"y" * 20_000,
]


@pytest.mark.parametrize("data", ODD, ids=range(len(ODD)))
@pytest.mark.parametrize("descriptor", [1, 2])
def test_bytes_are_shown_unchanged_on_the_same_stream(running: Running, data: bytes, descriptor: int) -> None:
    ended = writing(running, data, descriptor)
    assert (ended.out, ended.err) == ((data, b"") if descriptor == 1 else (b"", data))


@pytest.mark.parametrize("data", ODD, ids=range(len(ODD)))
def test_what_the_log_cannot_show_is_kept_as_it_was(running: Running, data: bytes) -> None:
    writing(running, data, 2)
    logged = "\n".join(running.log("stderr")).encode()
    if running.artifact("stderr.log") is None:
        assert logged in (data, data[:-1])
        assert data[-1:] in (b"\n", data[-1:])
    else:
        assert running.artifact("stderr.log") == data
        assert logged not in (data, data[:-1])
    assert running.artifact("stdout.log") is None


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"a\nb\n\nc", ["a", "b", "", "c"]),
        (b"a \xff b\n", ["a � b"]),
        (b"one\rtwo\rthree\nfour\r\n", ["three", "four"]),
        (b"\0\n", ["\0"]),
        (b"\x1b[31mred\x1b[0m\n", ["\x1b[31mred\x1b[0m"]),
        (b"\x1b[?1049hscreen\n\x1b[?1049lafter\n", ["after"]),
        (b"man\bn\n", ["man"]),
    ],
)
def test_lines_are_logged(running: Running, data: bytes, lines: list[str]) -> None:
    writing(running, data)
    assert running.log("stdout") == lines


def test_a_character_may_come_in_pieces(running: Running) -> None:
    text = "ä€😀\n".encode()
    ended = running.python(f"import os, time\nfor byte in {text!r}:\n    os.write(1, bytes([byte])); time.sleep(0.02)")
    assert ended.out == text
    assert running.log() == ["ä€😀"]
    assert not running.state.artifacts


IN_TURN = """
import array, fcntl, os, termios, time
def say(descriptor, text):
    os.write(descriptor, text)
    waiting = array.array("i", [1])
    while waiting[0]:
        fcntl.ioctl(descriptor, termios.FIONREAD, waiting)
        time.sleep(0.0005)
    time.sleep(0.001)
for number in range(50):
    say(1, b"out %d\\n" % number)
    say(2, b"err %d\\n" % number)
"""


def test_streams_are_kept_apart_and_in_order(running: Running) -> None:
    running.python(IN_TURN)
    expected = [line for n in range(50) for line in (("stdout", f"out {n}"), ("stderr", f"err {n}"))]
    assert running.lines() == expected


def test_output_is_seen_and_logged_while_the_command_runs(running: Running) -> None:
    process = running.start(
        [], [sys.executable, "-uc", "print('begun'); input(); print('done')"], stdin=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    until(lambda: running.begun and running.log() == ["begun"], "the line")
    assert running.state.status == "running"
    assert process.stdin is not None
    process.stdin.write(b"\n")
    assert finish(process).out == b"done\n"


def test_input_is_the_commands(running: Running) -> None:
    data = os.urandom(300_000)
    assert running.run([], ["cat"], stdin=data).out == data
    assert running.artifact("stdout.log") == data


def test_other_descriptors_are_handed_on(running: Running) -> None:
    read, write = os.pipe()
    program = f"import os; os.write({write}, b'through')"
    command = [sys.executable, "-m", "headway", "run", "--", sys.executable, "-c", program]
    subprocess.run(command, env=running.environment(), pass_fds=[write], check=True)
    assert os.read(read, 100) == b"through"
    os.close(read)
    os.close(write)


def test_whoever_reads_no_more_ends_the_command(running: Running) -> None:
    process = running.start([], ["yes"])
    assert process.stdout is not None
    assert process.stdout.readline() == b"y\n"
    process.stdout.close()
    process.stdout = None
    assert finish(process).code == 128 + 13
    assert running.ending == ("failed", "signal-PIPE")
    assert set(running.log("stdout")) <= {"y", ""}
    # It may have filled the pipe again while that was read: that is not in the log, and said.
    assert all(line.endswith("bytes of output are left out here]") for line in running.log("log"))


def test_what_was_written_before_the_reader_left_is_logged(running: Running) -> None:
    process = running.start([], ["sh", "-c", "seq 1 50000; echo > written"])
    assert process.stdout is not None
    assert process.stdout.readline() == b"1\n"
    wait_for_file(running.folder / "written")
    process.stdout.close()
    process.stdout = None
    assert finish(process).code == 0
    assert running.log("stdout") == [str(number) for number in range(1, 50_001)]


def test_a_closed_output_is_logged_all_the_same(running: Running) -> None:
    script = f"exec 1>&- 2>&-; exec {sys.executable} -m headway run -- sh -c 'echo one; echo two >&2'"
    subprocess.run(["sh", "-c", script], env=running.environment(), check=True)
    assert sorted(running.lines()) == [("stderr", "two"), ("stdout", "one")]


def test_a_full_disk_is_said_and_the_log_goes_on(running: Running) -> None:
    with Path("/dev/full").open("wb") as full:
        process = running.start([], ["echo", "hello"], stdout=full.fileno())
        ended = finish(process)
    assert (ended.code, ended.err) == (
        0,
        b"headway: the output could not be shown to its end: No space left on device\n",
    )
    assert running.log() == ["hello"]


def test_a_stuck_terminal_does_not_keep_a_cancelled_command_running(running: Running) -> None:
    process = running.start(["--grace", "1s"], ["yes"])  # nobody reads
    until(lambda: running.begun and running.log(), "the beginning")
    process.terminate()
    assert process.wait(20) == 130
    assert running.state.status == "cancelled"
    process.communicate()


def test_only_the_newest_is_kept(running: Running) -> None:
    lines = "for number in range(200_000): print(number)"
    ended = running.python(lines, "--log-limit", "100kB")
    assert ended.out.count(b"\n") == 200_000
    assert running.state.log.lines == 200_000
    kept = [line for line in running.log("stdout") if line]
    assert kept[-1] == "199999"
    assert 100_000 <= sum(len(line) + 1 for line in kept) <= 170_000  # the event in which they begin stays whole


def test_of_the_bytes_too(running: Running) -> None:
    data = b"".join(b"%d\0\xff\n" % number for number in range(50_000))
    (running.folder / "data").write_bytes(data)
    running.run(["--log-limit", "100kB"], ["cat", "data"])
    assert running.artifact("stdout.log") == data[-100_000:]


def test_more_is_kept_if_it_is_asked_for(running: Running) -> None:
    line = "x" * 99
    count = 120_000
    running.python(f"for _ in range({count}): print('{line}')", "--log-limit", "20MB")
    assert running.state.log.lines == count
    assert running.log() == [line] * count


def memory_of(running: Running, options: list[str], command: list[str]) -> int:
    """The most memory that ``headway run`` held, in bytes."""
    look = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    line = [sys.executable, "-m", "headway", "run", *options, "--", *command]
    told = subprocess.run(
        [sys.executable, "-c", look, *line], env=running.environment(), capture_output=True, check=True
    )
    return int(told.stdout) * (1024 if sys.platform != "darwin" else 1)


@pytest.mark.parametrize(
    "script",
    [
        "head -c 200000000 /dev/zero",
        "head -c 200000000 /dev/zero | tr '\\\\0' x",
        "yes 'a line of some length, as programs print them' | head -n 4000000 | cat",
        "yes '12/34' | head -n 10000000 | tr '\\\\n' '\\\\r'",
    ],
    ids=["nul", "one line", "lines", "drawn over"],
)
def test_memory_stays_flat(running: Running, script: str) -> None:
    little = memory_of(running, [], ["sh", "-c", script.replace("00000 ", "0000 ")])
    much = memory_of(running, [], ["sh", "-c", script])
    assert much - little < 40_000_000
    assert running.state.status == "completed"


def test_a_million_lines_are_all_there(running: Running) -> None:
    ended = running.run(["--log-limit", "100MB"], ["seq", "1000000"])
    assert ended.out.count(b"\n") == 1_000_000
    assert running.state.log.lines == 1_000_000
    assert running.log("stdout") == [str(number) for number in range(1, 1_000_001)]
