import io
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

import headway
from headway.reporter.bridges.output import OutputCapture
from tests.unit.reporter.bridges.recorded import Recorded


class Terminal(io.TextIOWrapper):
    """A terminal that remembers what it was shown."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def isatty(self) -> bool:
        return True

    @property
    def shown(self) -> str:
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode("utf-8", "backslashreplace")


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Terminal]]:
    """Makes a terminal the standard output; pytest puts its own there just before each test."""
    with Terminal() as stream:

        def plug() -> Terminal:
            monkeypatch.setattr(sys, "stdout", stream)
            return stream

        yield plug


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    return Recorded(tmp_path)


def test_both_streams_are_logged_and_still_shown(
    recorded: Recorded, plugged: Callable[[], Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = plugged()
    with Terminal() as errors:
        monkeypatch.setattr(sys, "stderr", errors)
        with recorded.run() as run:
            print("before")
            with OutputCapture(run):
                print("one", "two")
                print("oops", file=sys.stderr)
                print("last", end="")
            print("after")
            assert sys.stdout is terminal
            assert sys.stderr is errors
        assert errors.shown == "oops\n"
    assert recorded.lines("stdout") == ["one two", "last"]
    assert recorded.lines("stderr") == ["oops"]
    assert terminal.shown == "before\none two\nlastafter\n"


def test_a_line_belongs_to_the_stage_of_the_thread_that_wrote_it(
    recorded: Recorded, plugged: Callable[[], Terminal]
) -> None:
    plugged()
    with recorded.run() as run, OutputCapture(run):
        with run.stage("pack"):
            print("packing")
            thread = threading.Thread(target=print, args=("side by side",))
            thread.start()
            thread.join()
        print("packed")
    assert recorded.lines("stdout", stage="pack") == ["packing"]
    assert recorded.lines("stdout") == ["side by side", "packed"]


def test_the_stand_in_answers_as_the_stream_does(recorded: Recorded, plugged: Callable[[], Terminal]) -> None:
    terminal = plugged()
    with recorded.run() as run, OutputCapture(run):
        assert sys.stdout.isatty()
        assert sys.stdout.encoding == "utf-8"
        assert not sys.stdout.closed
        assert sys.stdout.writable()
        assert sys.stdout.write("four") == 4
        sys.stdout.writelines(["a\n", "b\n"])
        sys.stdout.flush()
        with pytest.raises(OSError, match="fileno"):
            sys.stdout.fileno()
        with pytest.raises(TypeError):
            sys.stdout.write(5)  # type: ignore[arg-type]
        with pytest.raises(AttributeError):
            getattr(sys.stdout, "nothing")  # noqa: B009 -- the type has none either
        cast(io.TextIOWrapper, sys.stdout).reconfigure(errors="replace")
    assert terminal.errors == "replace"
    assert recorded.lines("stdout") == ["foura", "b"]


def test_bytes_are_decoded_across_writes_and_bad_ones_replaced(
    recorded: Recorded, plugged: Callable[[], Terminal]
) -> None:
    terminal = plugged()
    with recorded.run() as run, OutputCapture(run):
        sys.stdout.buffer.write("Käse ".encode()[:2])
        sys.stdout.buffer.write("Käse ".encode()[2:])
        sys.stdout.buffer.writelines([b"\xff\xfe", b"!\n", b"end \xc3"])
    assert recorded.lines("stdout") == ["Käse \ufffd\ufffd!", "end \ufffd"]
    assert terminal.shown == "Käse \\xff\\xfe!\nend \\xc3"


def test_lone_surrogates_become_replacement_characters(recorded: Recorded, plugged: Callable[[], Terminal]) -> None:
    terminal = plugged()
    terminal.reconfigure(errors="surrogateescape")
    with recorded.run() as run, OutputCapture(run):
        print("name: \udcff.txt")
    assert recorded.lines("stdout") == ["name: \ufffd.txt"]


def test_redraws_collapse(recorded: Recorded, plugged: Callable[[], Terminal]) -> None:
    terminal = plugged()
    with recorded.run() as run, OutputCapture(run):
        for percent in range(101):
            sys.stdout.write(f"\r{percent:3}%")
        print("\ndone")
    assert recorded.lines("stdout") == ["100%", "done"]
    assert terminal.shown.count("\r") == 101


def test_threads_lines_are_whole(recorded: Recorded, plugged: Callable[[], Terminal]) -> None:
    plugged()
    both = threading.Barrier(2)

    def write(letter: str) -> None:
        for _ in range(50):
            for part in (letter, letter, f"{letter}\n"):
                sys.stdout.write(part)
                both.wait()  # the other one writes between any two parts

    with recorded.run() as run, OutputCapture(run):
        threads = [threading.Thread(target=write, args=(letter,)) for letter in "xy"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(recorded.lines("stdout")) == ["xxx"] * 50 + ["yyy"] * 50


def test_what_a_thread_left_unended_is_logged_when_it_is_gone(
    recorded: Recorded, plugged: Callable[[], Terminal]
) -> None:
    plugged()
    with recorded.run() as run, OutputCapture(run):
        for number in range(3):
            thread = threading.Thread(target=sys.stdout.write, args=(f"thread {number}",))
            thread.start()
            thread.join()
        print("main")
        sys.stdout.write("the end")
    assert recorded.lines("stdout") == ["thread 0", "thread 1", "thread 2", "main", "the end"]


def test_nested_captures_log_twice_and_show_once(recorded: Recorded, plugged: Callable[[], Terminal]) -> None:
    terminal = plugged()
    with recorded.run() as run, OutputCapture(run):
        with OutputCapture(run):
            print("inner")
        print("outer")
    assert recorded.lines("stdout") == ["inner", "inner", "outer"]
    assert terminal.shown == "inner\nouter\n"


def test_whatever_happens_the_stream_is_put_back(recorded: Recorded, plugged: Callable[[], Terminal]) -> None:
    terminal = plugged()

    def interrupted(run: headway.Run) -> None:
        with OutputCapture(run):
            sys.stdout.write("half a line")
            raise KeyboardInterrupt

    with recorded.run() as run:
        with pytest.raises(KeyboardInterrupt):
            interrupted(run)
        assert sys.stdout is terminal
    assert recorded.lines("stdout") == ["half a line"]


def test_captures_that_end_in_the_wrong_order_do_no_harm(recorded: Recorded, plugged: Callable[[], Terminal]) -> None:
    terminal = plugged()
    with recorded.run() as run:
        first, second = OutputCapture(run), OutputCapture(run)
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        print("second alone")
        second.__exit__(None, None, None)
        print("nobody")
    assert recorded.lines("stdout") == ["second alone"]
    assert terminal.shown == "second alone\nnobody\n"


def test_who_kept_the_stand_in_goes_on_with_the_stream(recorded: Recorded, plugged: Callable[[], Terminal]) -> None:
    terminal = plugged()
    with recorded.run() as run:
        with OutputCapture(run):
            kept = logging.StreamHandler(sys.stdout)
            kept.emit(logging.makeLogRecord({"msg": "during"}))
        kept.emit(logging.makeLogRecord({"msg": "after"}))
    assert recorded.lines("stdout") == ["during"]
    assert terminal.shown == "during\nafter\n"


def test_somebody_elses_stand_in_is_left_in_place(
    recorded: Recorded, plugged: Callable[[], Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    plugged()
    other = io.StringIO()
    with recorded.run() as run, OutputCapture(run):
        monkeypatch.setattr(sys, "stdout", other)
    assert sys.stdout is other


def test_a_terminal_that_is_gone_raises_as_ever_and_the_log_has_the_text(
    recorded: Recorded, plugged: Callable[[], Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    plugged()
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", buffering=1) as broken:
        monkeypatch.setattr(sys, "stdout", broken)
        with recorded.run() as run, OutputCapture(run), pytest.raises(BrokenPipeError):
            print("anyone?")
        with pytest.raises(BrokenPipeError):
            broken.close()
    assert recorded.lines("stdout") == ["anyone?"]


def test_a_process_without_streams_is_left_alone(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with recorded.run() as run, OutputCapture(run):
        assert sys.stdout is None


class Talkative:
    """A run that prints whenever something is logged, as a warning may."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, text: str, *, stream: str) -> None:
        print(f"warning about {text!r}")
        self.lines.append(f"{stream}: {text}")


def test_what_reporting_prints_is_not_reported(plugged: Callable[[], Terminal]) -> None:
    terminal = plugged()
    run = Talkative()
    with OutputCapture(run):  # type: ignore[arg-type]
        print("hello")
    assert run.lines == ["stdout: hello\n"]
    assert terminal.shown.count("warning") == 1


def test_what_headways_threads_print_is_not_reported(recorded: Recorded, plugged: Callable[[], Terminal]) -> None:
    terminal = plugged()
    with recorded.run() as run, OutputCapture(run):
        thread = threading.Thread(target=print, args=("circle",), name="headway-sender")
        thread.start()
        thread.join()
    assert recorded.lines("stdout") == []
    assert terminal.shown == "circle\n"
