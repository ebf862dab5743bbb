"""One program, from its start to the end of its run.

Theory of operation. The thread that calls moves the program's output (``pump``); a second one reads it for the log
(``feeding``); where Headway is the command, a third one waits for signals (``signals``); the reporter's own calls when
a cancel was asked for. All that they do to the program is a line to its supervisor, which has the clocks for the
time-out and the time of grace: nothing that is stuck in here keeps a program running.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence

from headway.runners.artifacts import keep_files
from headway.runners.backlog import FILE_BYTES, Backlog
from headway.runners.control import Control
from headway.runners.display import Display
from headway.runners.feeding import Feeder
from headway.runners.kept import Kept
from headway.runners.options import LOG_LIMIT_BYTES, Options
from headway.runners.outcome import Outcome, outcome
from headway.runners.program import PIPE_BYTES, Launch, Program, pipe
from headway.runners.pump import Pump, Stream
from headway.runners.recognition.pattern import Pattern
from headway.runners.recognition.recogniser import Recogniser
from headway.runners.reporting import Reporting
from headway.runners.sentinel import Sentinel
from headway.runners.signals import HeldSignals
from headway.runners.supervisor import given_environment
from headway.runners.telling import STREAMS, Telling
from headway.runners.terminal import InnerTerminal

logger = logging.getLogger("headway")


class Execution:
    """Runs one program, once.

    Args:
        options: What to run, and how.
        reporting: Where to report.
        patterns: The user's own, made of the options' expressions.
        signals: Those to pass on, held back already; None to leave signals alone.
    """

    def __init__(
        self, options: Options, reporting: Reporting, patterns: Sequence[Pattern], signals: HeldSignals | None
    ) -> None:
        self._options = options
        self._reporting = reporting
        self._signals = signals
        self._control = Control(self._say, grace_s=options.grace_s, signals=signals is not None)
        self._limit = options.log_limit_bytes or LOG_LIMIT_BYTES
        self._backlog = Backlog(self._limit + FILE_BYTES)
        self._sentinels: list[Sentinel] = []
        self._streams: list[Stream] = []
        self._patterns = patterns
        self._recognisers = [self._recogniser() for _ in STREAMS]
        self._telling = Telling(reporting.scope, reporting.run)
        self._inner: InnerTerminal | None = None

    def run(self) -> Outcome:
        """Run it to its end; then the run has ended, too, or the stage that was made for it."""
        feeder = Feeder(self._backlog, self._recognisers, self._telling, self._reporting.run.flush)
        feeder.start()
        try:
            self._run_program()
        finally:
            self._control.release_terminal()
            self._backlog.end()
            feeder.finish()
            ended = self._end()
        return ended

    def _run_program(self) -> None:
        theirs = self._open_streams()
        try:
            program = Program(self._launch(), *theirs)
        except OSError as error:
            self._control.fail(error.errno or 0)
            self._close_streams()
            return
        finally:
            for descriptor in set(theirs):
                os.close(descriptor)
        try:
            self._accompany(program)
            program.wait()
        finally:
            program.close()
            self._close_streams()

    def _accompany(self, program: Program) -> None:
        control = self._control
        pump = Pump(program, self._streams, self._backlog, control.hear, control.note_sentinel)
        control.take(program, pump.hurry)
        if self._inner is not None:
            pump.keyboard = control.take_terminal(self._inner)
        self._reporting.run.on_cancel(self._cancel)
        if self._signals is not None:
            self._signals.listen(control.signal)
        try:
            pump.run()
        except BaseException:
            control.cancel("interrupted")
            pump.run()  # until it is gone; who cannot wait for that interrupts again
            raise

    def _cancel(self) -> None:
        self._control.cancel("cancelled")

    def _say(self, text: str) -> None:
        """What whoever watches should know, and whoever has typed the command; a job sees it in the outcome."""
        logger.log(logging.INFO if self._signals is None else logging.WARNING, "%s", text)
        self._reporting.scope.note(text)

    def _recogniser(self) -> Recogniser:
        options = self._options
        silent = self._reporting.url == "none:"
        return Recogniser(
            recognise=options.recognise and not silent,
            patterns=() if silent else self._patterns,
            terminal=options.tty,
        )

    # Streams

    def _open_streams(self) -> tuple[int, int]:
        """Open them; the descriptors that become the program's."""
        if self._options.tty:
            self._inner = InnerTerminal()
            self._add_stream(self._inner.master, 1)
            return self._inner.slave, self._inner.slave
        theirs = []
        for shown in (1, 2):
            ours, end = pipe(PIPE_BYTES)
            self._add_stream(ours, shown)
            theirs.append(end)
        return theirs[0], theirs[1]

    def _add_stream(self, descriptor: int, shown: int) -> None:
        options = self._options
        sentinel = None if options.sentinel is None else Sentinel(options.sentinel)
        if sentinel is not None:
            self._sentinels.append(sentinel)
        display = Display(shown if options.show else None)
        number = len(self._streams)
        self._streams.append(Stream(number, descriptor, display, Kept(self._limit), sentinel))

    def _close_streams(self) -> None:
        for stream in self._streams:
            stream.close()
            if stream.display.trouble is not None:
                logger.warning("the output could not be shown to its end: %s", stream.display.trouble)

    # Beginning and end

    def _launch(self) -> Launch:
        options = self._options
        return Launch(
            command=options.command,
            environment=self._environment(),
            folder=None if options.folder is None else str(options.folder),
            timeout_s=options.timeout_s,
            grace_s=options.grace_s,
            tty=options.tty,
            leave_running=options.leave_running,
            held_signals=frozenset() if self._signals is None else self._signals.ours,
        )

    def _environment(self) -> Mapping[str, str]:
        options = self._options
        given = given_environment() if options.environment is None else options.environment
        added = {"HEADWAY_RUN_ID": self._reporting.run.id}
        if self._reporting.url is not None:
            added["HEADWAY_URL"] = self._reporting.url
        if options.artifacts is not None:
            added["HEADWAY_ARTIFACTS"] = str(options.artifacts.absolute())
        return {**given, **added}

    def _end(self) -> Outcome:
        if any(sentinel.finish() for sentinel in self._sentinels):
            self._control.note_sentinel()
        run = self._reporting.run
        self._keep_raw()
        if self._options.artifacts is not None:
            keep_files(self._reporting.scope, self._options.artifacts)
        self._telling.finish()
        facts = self._control.facts()
        if facts.trouble:
            level = logging.INFO if self._signals is None else logging.WARNING
            logger.log(level, "%s cannot be run: %s", self._options.command[0], os.strerror(facts.trouble))
        ended = outcome(run.id, facts, tail=self._telling.tail, left_running=self._control.left)
        self._reporting.end(ended)
        if self._signals is not None and any(map(self._is_unseen, self._streams)):
            logger.warning("the command draws its bars only on a terminal: --tty gives it one of its own")
        return ended

    def _is_unseen(self, stream: Stream) -> bool:
        """Whether somebody looked at a stream and missed bars in it."""
        return stream.display.terminal and not self._options.tty and self._recognisers[stream.number].unseen

    def _keep_raw(self) -> None:
        """Keep a stream's bytes where the log does not show all of them."""
        for stream in self._streams:
            kept = stream.kept
            if kept is not None and kept.total and not self._recognisers[stream.number].exact:
                name = f"{STREAMS[stream.number]}.log"
                self._reporting.scope.artifact(name, kept.content(), media_type="application/octet-stream")
            if kept is not None:
                kept.close()
