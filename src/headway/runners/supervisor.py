"""The process between Headway and a program: it starts the program, and leaves nothing of it behind.

Run as a script, by its path: it imports nothing of Headway's, so that it is there within some hundredths of a second.

Theory of operation. On Linux the supervisor is a subreaper: whatever the program starts stays among its descendants,
also what leaves the process group, the session or its parent. So "everything that the program has started" is a
question that has an answer, and stopping it is: SIGTERM to all, a time of grace, SIGKILL until there is none left. The
supervisor outlives Headway's own death (also by SIGKILL), which it learns from the end of the control channel and from
the death of its parent, and stops everything then. If it dies itself, the kernel kills the program.

It stays in the process group that it was started in, and so does the program, unless it gets a terminal of its own:
what the terminal sends (Ctrl-C, Ctrl-Z) reaches the program as it would without Headway. The supervisor ignores it.

Both sides speak in lines: a word and numbers. To here: ``signal NUMBER WHOM`` (0 the program, 1 its process group),
``stop NUMBER``, ``finish`` (what it was started for is done: it may end by itself, soon), ``raw`` (the terminal's modes
are Headway's from now on) and ``cooked`` (they are not any more). From here: ``started PID``, ``unable ERRNO``,
``stopped PID`` (as by Ctrl-Z), ``timeout``, ``stopping`` (what ends now was stopped), ``ended STATUS`` (as ``waitpid``
gives it), ``leftover COUNT`` (the program has ended, but not what it has started) and ``gone COUNT`` (the end; so many
could not be stopped, or were to be left).
"""

from __future__ import annotations

import errno
import os
import select
import signal
import sys
import time
from collections.abc import Iterable

DRAIN_S = 1.0
"""What the program left running may end by itself within this time, as the last of a pipeline does."""

KILL_S = 5.0
"""For how long SIGKILL is repeated: what has not ended then hangs in the kernel."""

KILL_AGAIN_S = 0.02
"""Between two rounds of SIGKILL: processes may have started others meanwhile."""

PAUSE_S = 0.05
"""A program that still stands after this time was stopped alone: after a Ctrl-Z and ``fg`` all go on together."""

IGNORED = (
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGTTOU,
    signal.SIGTTIN,
)
"""Signals that are the program's business, or Headway's."""

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def given_environment() -> dict[str, str]:
    """The environment as this process got it: Python adds ``LC_CTYPE`` to it where no locale is set."""
    variables = dict(os.environ)
    try:
        with open("/proc/self/environ", "rb") as file:  # noqa: PTH123 -- pathlib would double the supervisor's start
            given = b"\0" + file.read()
    except OSError:
        return variables
    if b"\0LC_CTYPE=" not in given and variables.get("LC_CTYPE") == "C.UTF-8":
        del variables["LC_CTYPE"]
    return variables


def prctl(option: int, value: int) -> None:
    """Set an option of this process, where the system has such."""
    if sys.platform.startswith("linux"):
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


# Processes


class Seen(tuple[int, str]):
    """A process's parent, and when it was started: together with its number it is no other's."""

    __slots__ = ()


def processes() -> dict[int, Seen]:
    """All processes of this machine that can be seen."""
    if not os.path.isdir("/proc/self"):  # noqa: PTH112 -- as above
        return _listed_by_ps()
    found = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 -- as above
        if name.isdigit():
            seen = _look(int(name))
            if seen is not None:
                found[int(name)] = seen
    return found


def _look(pid: int) -> Seen | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 -- as above
            fields = file.read().rpartition(b")")[2].split()
    except OSError:  # it has ended
        return None
    return None if fields[0] in (b"Z", b"X") else Seen((int(fields[1]), fields[19].decode()))


def is_stopped(pid: int) -> bool:
    """Whether a process stands, as after Ctrl-Z."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 -- as above
            return file.read().rpartition(b")")[2].split()[0] == b"T"
    except OSError:
        return False


def _listed_by_ps() -> dict[int, Seen]:
    with os.popen("ps -A -o pid= -o ppid= -o lstart=") as output:  # noqa: S605, S607 -- nothing in it is anybody's
        rows = [line.split(maxsplit=2) for line in output]
    return {int(row[0]): Seen((int(row[1]), row[2])) for row in rows if len(row) == 3}


def descendants(root: int) -> dict[int, Seen]:
    """What a process has started, and what that has; not those that have ended and are not reaped yet."""
    everything = processes()
    children: dict[int, list[int]] = {}
    for pid, seen in everything.items():
        children.setdefault(seen[0], []).append(pid)
    found: dict[int, Seen] = {}
    waiting = [root]
    while waiting:
        for pid in children.get(waiting.pop(), ()):
            if pid not in found:
                found[pid] = everything[pid]
                waiting.append(pid)
    return found


def send(pid: int, number: int, seen: Seen) -> None:
    """Send a signal to the process that was seen, and to no other that has got its number meanwhile."""
    try:
        if not hasattr(os, "pidfd_open") or not os.path.isdir("/proc/self"):  # noqa: PTH112 -- as above
            os.kill(pid, number)
            return
        handle = os.pidfd_open(pid)
        try:
            again = _look(pid)
            if again is not None and again[1] == seen[1]:
                signal.pidfd_send_signal(handle, number)
        finally:
            os.close(handle)
    except OSError:  # it has ended, or has become another user's
        return


# The program


class Order:
    """What is to be run, and how, as Headway has put it on the command line."""

    def __init__(self, arguments: list[str]) -> None:
        numbers, self.folder, self.blocked, marker, *self.command = arguments
        assert marker == "--"
        descriptors, flags, timeout, grace = numbers.split(";")
        self.orders, self.answers, self.stdout, self.stderr = (int(number) for number in descriptors.split(","))
        self.tty, self.leave = "t" in flags, "l" in flags
        self.timeout_s = float(timeout) if timeout else None
        self.grace_s = float(grace)


def start(order: Order, dispositions: dict[int, object]) -> tuple[int, int]:
    """Start the program: its number, and 0 or what the system says against it."""
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(told)
            _become(order, dispositions)
        except OSError as error:
            os.write(tell, b"%d" % (error.errno or errno.ENOEXEC))
        finally:
            os._exit(127)
    os.close(tell)
    with os.fdopen(told, "rb") as answer:
        said = answer.read()
    return pid, int(said or 0)


def _become(order: Order, dispositions: dict[int, object]) -> None:
    supervisor = os.getppid()
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != supervisor:  # it died before this was heard
        os._exit(127)
    if order.tty:
        _take_terminal(order.stdout)
    os.dup2(order.stdout, 1)
    os.dup2(order.stderr, 2)
    if order.folder:
        os.chdir(order.folder)
    for number, before in dispositions.items():
        signal.signal(number, signal.SIG_IGN if before is signal.SIG_IGN else signal.SIG_DFL)
    # Python itself ignores these, and has no way to know what they were before.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [int(number) for number in order.blocked.split(",") if number])
    _execute(order.command, given_environment())


def _take_terminal(terminal: int) -> None:
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    os.dup2(terminal, 0)


def _execute(command: list[str], environment: dict[str, str]) -> None:
    try:
        os.execvpe(command[0], command, environment)  # noqa: S606 -- it is what was asked for
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
    # A script that does not say what is to run it is the shell's, as for every shell.
    path = command[0]
    if "/" not in path:
        folders = os.get_exec_path(environment)
        path = next(found for folder in folders if os.access(found := os.path.join(folder, path), os.X_OK))  # noqa: PTH118 -- as above
    os.execve("/bin/sh", ["sh", path, *command[1:]], environment)  # noqa: S606 -- as above


# The supervisor


class Supervisor:
    """Watches one program, from its start until nothing of it is left.

    Args:
        order: What is to be run.
    """

    def __init__(self, order: Order) -> None:
        self._order = order
        self._parent = os.getppid()
        self._heard = b""
        self._listening = True
        self._program = 0
        self._ended = False
        self._stopping = False
        self._told_to_stop = False
        self._timeout_at = self._finish_at = self._drain_at = self._kill_at = self._give_up_at = float("inf")
        self._pause_at = float("inf")
        self._modes = _Modes(order.tty)
        self._bell, ring = os.pipe()
        for end in (self._bell, ring):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(ring, warn_on_full_buffer=False)

    def run(self) -> None:
        """Start the program, and stay until nothing of it is left."""
        dispositions: dict[int, object] = {number: signal.signal(number, signal.SIG_IGN) for number in IGNORED}
        signal.signal(signal.SIGCHLD, _ring)
        signal.signal(_PARENT_DIED, _ring)
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        prctl(PR_SET_PDEATHSIG, _PARENT_DIED)
        self._program, trouble = start(self._order, dispositions)
        self._leave_to_the_program()
        if trouble:
            self._say(f"unable {trouble}")
            return
        self._say(f"started {self._program}")
        if self._order.timeout_s is not None:
            self._timeout_at = time.monotonic() + self._order.timeout_s
        self._say(f"gone {self._watch()}")

    def _leave_to_the_program(self) -> None:
        """Hold nothing open whose end others wait for."""
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in {0, self._order.stdout, self._order.stderr}:
            os.dup2(nothing, descriptor, inheritable=False)

    def _watch(self) -> int:
        """Until everything has ended, or is given up: how many processes are left."""
        while self._reap():
            now = time.monotonic()
            if now >= self._give_up_at or (now >= self._drain_at and self._order.leave and not self._stopping):
                return len(descendants(os.getpid()))
            self._act(now)
            self._wait()
        return 0

    def _act(self, now: float) -> None:
        if now >= self._timeout_at and not self._ended:
            self._timeout_at = float("inf")
            self._say("timeout")
            self._stop(signal.SIGTERM)
        if now >= min(self._drain_at, self._finish_at):
            self._stop(signal.SIGTERM)
        if now >= self._pause_at:
            self._pause_at = float("inf")
            if is_stopped(self._program):
                self._say(f"stopped {self._program}")
        if now >= self._kill_at:
            self._give_up_at = min(self._give_up_at, now + KILL_S)
            self._kill_at = now + KILL_AGAIN_S
            self._send_to(descendants(os.getpid()), signal.SIGKILL)

    def _wait(self) -> None:
        ends = (self._kill_at, self._give_up_at) if self._stopping else (self._drain_at, self._finish_at)
        due = min(self._timeout_at, self._pause_at, *ends)
        self._listen_for(max(0.0, due - time.monotonic()))
        if os.getppid() != self._parent and self._listening:
            self._be_alone()

    def _listen_for(self, seconds: float) -> None:
        poll = select.poll()
        poll.register(self._bell, select.POLLIN)
        if self._listening:
            poll.register(self._order.orders, select.POLLIN)
        ready = poll.poll(None if seconds == float("inf") else int(seconds * 1000) + 1)
        for descriptor, _ in ready:
            if descriptor == self._bell:
                os.read(self._bell, 4096)
            else:
                self._listen()

    def _listen(self) -> None:
        heard = os.read(self._order.orders, 4096)
        if not heard:
            self._be_alone()
        *lines, self._heard = (self._heard + heard).split(b"\n")
        for line in lines:
            self._obey(*line.decode().split())

    def _obey(self, word: str, *numbers: str) -> None:
        match word:
            case "signal":
                self._pass_on(int(numbers[0]), to_group=numbers[1] == "1")
            case "stop":
                self._stop(int(numbers[0]))
            case "finish":
                self._finish_at = time.monotonic() + DRAIN_S
            case "raw" | "cooked":
                self._modes.remember(word)

    def _be_alone(self) -> None:
        """Headway is gone: nobody else will stop the program."""
        self._listening = False
        self._modes.restore()
        self._stop(signal.SIGTERM)

    def _pass_on(self, number: int, *, to_group: bool) -> None:
        """Send a signal as a terminal does, to the program's process group, or to the program alone."""
        if self._ended:
            return
        self._told_to_stop = number in (signal.SIGSTOP, signal.SIGTSTP)
        try:
            if not to_group:
                os.kill(self._program, number)
                return
            group = os.getpgid(self._program)
        except ProcessLookupError:
            return
        self._send_to({pid: seen for pid, seen in descendants(os.getpid()).items() if _group_of(pid) == group}, number)

    def _stop(self, number: int) -> None:
        """Begin to stop everything: now a request, after the time of grace SIGKILL."""
        if self._stopping:
            return
        self._stopping = True
        self._say("stopping")
        self._kill_at = time.monotonic() + self._order.grace_s
        found = descendants(os.getpid())
        self._send_to(found, number)
        self._send_to(found, signal.SIGCONT)  # what is stopped could not hear it

    def _send_to(self, found: dict[int, Seen], number: int) -> None:
        for pid, seen in found.items():
            send(pid, number, seen)

    def _reap(self) -> bool:
        """Take leave of those that have ended; false if there is nobody left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self._program:
                self._hear_of_program(status)

    def _hear_of_program(self, status: int) -> None:
        if os.WIFSTOPPED(status):
            if not self._told_to_stop:
                self._pause_at = time.monotonic() + PAUSE_S
            return
        self._ended = True
        self._say(f"ended {status}")
        left = len(descendants(os.getpid()))
        if left and not self._stopping:
            self._drain_at = time.monotonic() + DRAIN_S
            self._say(f"leftover {left}")

    def _say(self, what: str) -> None:
        try:
            os.write(self._order.answers, what.encode() + b"\n")
        except OSError:  # nobody listens any more
            return


class _Modes:
    """The modes of the outer terminal: put back if Headway dies and has left them changed."""

    def __init__(self, tty: bool) -> None:
        self._terminal: int | None = None
        self._ours: list[object] | None = None
        if tty and os.isatty(0):
            import termios

            self._terminal = os.dup(0)
            self._before = termios.tcgetattr(0)

    def remember(self, word: str) -> None:
        """Headway has changed them just now, or put them back."""
        if self._terminal is None:
            return
        import termios

        self._ours = termios.tcgetattr(self._terminal) if word == "raw" else None

    def restore(self) -> None:
        """Put them back, unless somebody else, such as the shell, has changed them since."""
        if self._terminal is None or self._ours is None:
            return
        import termios

        try:
            if termios.tcgetattr(self._terminal) == self._ours:
                termios.tcsetattr(self._terminal, termios.TCSANOW, self._before)
        except termios.error:  # it is gone, too
            return


_PARENT_DIED = signal.SIGRTMAX - 3 if sys.platform.startswith("linux") else signal.SIGCHLD


def _ring(*_: object) -> None:
    """Nothing: the wake-up descriptor has told the loop."""


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return -1


def main(arguments: Iterable[str]) -> None:
    """Run what the arguments say."""
    order = Order(list(arguments))
    for descriptor in (order.orders, order.answers, order.stdout, order.stderr):
        os.set_inheritable(descriptor, False)
    Supervisor(order).run()


if __name__ == "__main__":
    main(sys.argv[1:])
