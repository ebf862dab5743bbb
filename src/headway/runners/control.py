"""What is done to a running program, and what is known of it: by cancels, signals, and its supervisor's words."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

from headway.runners.outcome import Facts
from headway.runners.program import Program, Word
from headway.runners.pump import Keyboard
from headway.runners.signals import stop_ourselves
from headway.runners.supervisor import is_stopped
from headway.runners.terminal import InnerTerminal, OuterTerminal, in_foreground


class Control:
    """One program's. Safe in any thread.

    Args:
        say: Called with what people should know.
        grace_s: How long after an interrupt an end is taken to come from it.
        signals: Whether signals are passed on, and we may stop when the program is stopped.

    Attributes:
        left: How many processes the program left behind that were not stopped.
    """

    def __init__(self, say: Callable[[str], None], *, grace_s: float, signals: bool) -> None:
        self._say = say
        self._grace_s = grace_s
        self._signals = signals
        self._program: Program | None = None
        self._inner: InnerTerminal | None = None
        self._keyboard: Keyboard | None = None
        self._outer = OuterTerminal()
        self._hurry: Callable[[], None] = lambda: None
        self._running = False
        self._status: int | None = None
        self._trouble = 0
        self._reason: str | None = None
        self._stopped = False
        self._timed_out = False
        self._sentinel = False
        self._interrupted_at: float | None = None
        self._ended_at = 0.0
        self.left = 0

    def take(self, program: Program, hurry: Callable[[], None]) -> None:
        """The program is started; ``hurry`` makes who shows its output wait for nobody."""
        self._program = program
        self._hurry = hurry

    def take_terminal(self, inner: InnerTerminal) -> Keyboard:
        """The program has a terminal of its own: what is typed goes there once it has started."""
        self._inner = inner
        self._keyboard = Keyboard(inner, self.note_interrupt)
        return self._keyboard

    def _hold_terminal(self) -> None:
        """Let every key through. Not before the supervisor is there, which has seen how the terminal was."""
        if self._keyboard is not None:
            self._keyboard.reading = not os.isatty(0) or in_foreground()
            if self._outer.make_raw():
                self._note("raw")

    def release_terminal(self) -> None:
        """Leave the terminal outside as it was."""
        if self._outer.raw:
            self._outer.restore()
            self._note("cooked")

    def facts(self) -> Facts:
        """What is known by now."""
        interrupted = self._interrupted_at is not None and self._ended_at - self._interrupted_at <= self._grace_s
        return Facts(
            status=self._status,
            trouble=self._trouble,
            stopped_for=self._reason if self._stopped else None,
            interrupted=interrupted,
            timed_out=self._timed_out,
            sentinel=self._sentinel,
        )

    def cancel(self, reason: str, number: int = signal.SIGTERM) -> None:
        """Stop the program and everything that it has started."""
        self._reason = self._reason or reason
        self._hurry()
        if self._program is not None:
            self._program.stop(number)

    def note_sentinel(self) -> None:
        """The program has said that it is done."""
        self._sentinel = True
        if self._program is not None:
            self._program.finish()

    def note_interrupt(self) -> None:
        """Somebody has interrupted the program, in its terminal."""
        self._interrupted_at = time.monotonic()

    def fail(self, trouble: int) -> None:
        """It could not be started."""
        self._trouble = trouble

    # What the supervisor says

    def hear(self, word: Word) -> None:
        """Take in a word of the supervisor's."""
        match word.word:
            case "started":
                self._running = True
                self._hold_terminal()
            case "unable":
                self._trouble = word.number
            case "stopping":
                self._note_stop()
            case "timeout":
                self._timed_out = True
                self._say("the command takes too long and is being stopped")
            case "ended":
                self._status = word.number
                self._ended_at = time.monotonic()
            case "leftover":
                self.left = word.number
            case "gone":
                self._note_left(word.number)
            case "stopped":
                self._stop_with(word.number)

    def _note_stop(self) -> None:
        if self._status is None:
            self._stopped = True
        else:
            one = self.left == 1
            left = "a process that it left behind is" if one else f"{self.left} processes that it left behind are"
            self._say(f"the command has ended; {left} being stopped")

    def _note_left(self, count: int) -> None:
        self.left = count
        if count:
            left = "a process" if count == 1 else f"{count} processes"
            self._say(f"{left} that the command has started {'is' if count == 1 else 'are'} left running")

    def _stop_with(self, pid: int) -> None:
        """The program was stopped, as by Ctrl-Z: so are we, if there is a shell that makes us go on.

        If we were stopped, too, and go on since, so does the program.
        """
        if self._signals and in_foreground() and is_stopped(pid):
            self._let_go()
            os.kill(os.getpid(), signal.SIGSTOP)

    # Signals

    def signal(self, number: int, everybody: bool) -> None:
        """A signal came; ``everybody``: the program has it, too, if it is in our process group."""
        has_it = everybody and self._inner is None and self._running
        match number:
            case signal.SIGINT:
                self._interrupt(has_it=has_it)
            case signal.SIGTERM | signal.SIGHUP:
                self.cancel(f"stopped by {signal.Signals(number).name}", number)
            case signal.SIGTSTP:
                self._pause(has_it=has_it)
            case signal.SIGCONT:
                self._go_on()
            case signal.SIGWINCH if self._inner is not None:
                self._inner.resize()
            case _ if not has_it:
                self._send(number, to_group=number == signal.SIGQUIT)

    def _interrupt(self, *, has_it: bool) -> None:
        if self._interrupted_at is not None:  # for the second time: whoever does it means it
            self.cancel("interrupted")
            return
        self.note_interrupt()
        if not has_it:
            self._send(signal.SIGINT, to_group=True)

    def _pause(self, *, has_it: bool) -> None:
        if not has_it:
            self._send(signal.SIGTSTP if self._inner is None else signal.SIGSTOP, to_group=True)
        self._let_go()
        stop_ourselves()

    def _let_go(self) -> None:
        if self._keyboard is not None:
            self._keyboard.reading = False
        self.release_terminal()

    def _go_on(self) -> None:
        if self._inner is not None:
            self._inner.resize()
        self._hold_terminal()
        self._send(signal.SIGCONT, to_group=True)

    def _send(self, number: int, *, to_group: bool) -> None:
        if self._program is not None:
            self._program.send(number, to_group=to_group)

    def _note(self, word: str) -> None:
        if self._program is not None:
            self._program.note_modes(word)
