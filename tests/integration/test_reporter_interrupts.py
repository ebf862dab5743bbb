"""Ctrl-C at any line of the reporter: the run has an end, and what was reported before is there once and in order."""

from __future__ import annotations

import linecache
import os
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec
import pytest

import headway.reporter
from headway.reporter import leaving
from headway.reporter import run as run_module
from tests.unit.reporter.flaky import FlakySink, events_of, make_run

HOME = str(Path(headway.reporter.__file__).parent)
STEP = 1 if os.environ.get("HEADWAY_SOAK") else 5
KEYS = {"note": "text", "highlight": "text", "stage.degraded": "reason", "error": "message"}


class Interrupt:
    """Raises KeyboardInterrupt at the nth line of the reporter that this thread comes to.

    Not where a ``with`` begins or ends: there the interpreter lets nothing come between, and a tracer would.
    """

    def __init__(self, nth: int) -> None:
        self._left = nth
        self.lines = 0
        self.where = ""

    def __call__(self, frame: FrameType, event: str, arg: object) -> Any:
        return self._trace if frame.f_code.co_filename.startswith(HOME) else None

    def _trace(self, frame: FrameType, event: str, arg: object) -> Any:
        code = frame.f_code
        line = linecache.getline(code.co_filename, frame.f_lineno).strip()
        if event == "line" and not line.startswith(("with ", "async with ")):
            self.lines += 1
            if self.lines == self._left:
                self.where = f"{Path(code.co_filename).name}:{frame.f_lineno} {code.co_name}: {line}"
                raise KeyboardInterrupt
        return self._trace


class Job:
    """What it has begun to say, and what it has said."""

    def __init__(self, sink: FlakySink) -> None:
        self._sink = sink
        self.begun: list[str] = []
        self.said: list[str] = []
        self.inside = False

    def say(self, report: Any, key: str) -> None:
        self.begun.append(key)
        report(key)
        self.said.append(key)

    def work(self) -> None:
        with make_run(self._sink, plan={"a": 1, "b": 2}) as run:
            self.inside = True
            run.on_cancel(lambda: None)
            with run.stage("a") as stage:
                for n in stage.track(range(3)):
                    self.say(run.note, f"note {n}")
                stage.update(message="nearly")
                stage.advance(2)
            self.say(run.highlight, "half")
            with run.stage("b", optional=True) as stage:
                self.say(stage.degrade, "less")
            with run.shielded():
                self.say(run.error, "oops")
            assert run.flush(30)
            run.result({"n": 3})


def interrupted(nth: int) -> tuple[Interrupt, Job, FlakySink, BaseException | None]:
    """A job that is interrupted at the nth line, and caught, as in an interpreter that goes on."""
    sink = FlakySink()
    job, interrupt, left = Job(sink), Interrupt(nth), None
    sys.settrace(interrupt)
    try:
        job.work()
    except KeyboardInterrupt as error:
        left = error
    finally:
        sys.settrace(None)
    run_module._close_all()
    return interrupt, job, sink, left


def senders() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "headway-sender"}


@pytest.mark.skipif(sys.gettrace() is not None, reason="somebody else traces")
@pytest.mark.timeout(600)
def test_an_interrupt_at_any_line_leaves_a_run_with_an_end() -> None:
    others = senders()
    lines = interrupted(0)[0].lines
    assert lines > 500
    unavoidable = ("try:", "return self")  # the first line of ``__exit__``, and the last of ``__enter__``
    for nth in range(1, lines, STEP):
        interrupt, job, sink, left = interrupted(nth)
        where = f"{nth}: {interrupt.where}"
        assert not leaving.running, where
        until = time.monotonic() + 30
        while senders() - others:
            assert time.monotonic() < until, where
            threading.Event().wait(0.002)
        if not job.inside and not sink.store.list_runs().headers:
            continue
        log = events_of(sink.store)
        told = [msgspec.json.decode(event.data)[KEYS[event.type]] for event in log if event.type in KEYS]
        assert told in (job.said, job.begun), where
        if not ("_exit__" in where or "_enter__" in where) or not where.endswith(unavoidable):
            assert sink.store.header("run").status in ("completed", "cancelled"), where
        assert (left is None) == (interrupt.where == ""), where
