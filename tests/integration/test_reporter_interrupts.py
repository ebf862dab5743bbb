"""Signals at any line of the reporter.

After Ctrl-C the run has an end, and what was reported before is there once and in order; and a handler may report.
"""

from __future__ import annotations

import linecache
import os
import sys
import threading
import time
from contextvars import copy_context
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec
import pytest
import tqdm

import headway.reporter
from headway.reporter import leaving
from headway.reporter import run as run_module
from headway.reporter.bridges.tqdm_bars import capture_tqdm
from headway.reporter.run import Run
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
        copy_context().run(job.work)  # where it stays entered at an unavoidable line, other tests are not
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


def act(run: Run) -> None:
    """What takes a lock in the thread that does it, or did so once."""
    run.stage("a").start().complete()
    with run._timing.waiting():
        run.screenshot(b"no picture")
    capture_tqdm(run).close()


class Handler:
    """Acts at every line of the reporter that this thread comes to, as a signal's handler may."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.lines = 0

    def __call__(self, frame: FrameType, event: str, arg: object) -> Any:
        return self._trace if frame.f_code.co_filename.startswith(HOME) else None

    def _trace(self, frame: FrameType, event: str, arg: object) -> Any:
        if event == "line":
            self.lines += 1
            act(self._run)
        return self._trace


@pytest.mark.skipif(sys.gettrace() is not None, reason="somebody else traces")
def test_a_signal_handler_at_any_line_may_do_what_it_has_interrupted() -> None:
    untouched = dict(vars(tqdm.tqdm))
    with make_run(FlakySink()) as run:
        act(run)  # which imports what it needs
        handler = Handler(run)

        def work() -> None:
            sys.settrace(handler)
            try:
                act(run)
            finally:
                sys.settrace(None)

        job = threading.Thread(target=work, daemon=True)
        job.start()
        job.join(60)
        assert not job.is_alive(), f"it waits for itself after {handler.lines} lines"
        assert handler.lines > 100
        assert dict(vars(tqdm.tqdm)) == untouched
        assert run.flush(30)
