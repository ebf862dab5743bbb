"""From signs in a program's output to reports of a run."""

from __future__ import annotations

from headway.reporter.bridges import shelf
from headway.reporter.bridges.bar import Bar
from headway.reporter.bridges.bar import Reading as BarReading
from headway.reporter.bridges.stage_name import stage_name
from headway.reporter.stage import Scope, Stage
from headway.runners.recognition.signs import (
    BarEnded,
    BarShown,
    GroupBegan,
    GroupEnded,
    Reading,
    Sign,
    TerminalProgress,
    Text,
    Told,
)

STREAMS = ("stdout", "stderr")
"""The streams' names in the log, by their numbers."""

TAIL_CHARS = 16 * 1024
"""What an outcome keeps of the last output."""

ERRORS = 200
"""Errors and warnings that become reports of their own; what comes after stays in the log alone."""

GROUPS = 200
"""Groups that become stages; what is in later ones goes into the stage around them."""

_NAMES = {"bar": "progress", "rich": "progress", "pattern": "progress", "tqdm": "tqdm", "terminal": "progress"}


class Telling:
    """Reports what one program's output says. For one thread.

    Args:
        scope: Where it belongs: a run, or a stage.
        run: Where there is room for stages if the scope is too deep.

    Attributes:
        tail: The last of the output, as logged.
    """

    def __init__(self, scope: Scope, run: Scope) -> None:
        self._scope = scope
        self._run = run
        self._group: Stage | None = None
        self._groups = 0
        self._errors = 0
        self._bars: dict[tuple[int, int], Bar | None] = {}
        self._stream = 0
        self._last: list[str] = []
        self._last_chars = 0

    @property
    def tail(self) -> str:
        """The last of the output, as logged."""
        return "\n".join(self._last)[-TAIL_CHARS:]

    def tell(self, stream: int, sign: Sign) -> None:
        """Report a sign of a stream."""
        self._stream = stream
        self._tell(sign)

    def left_out(self, count: int) -> None:
        """So much output came faster than the log takes it, and is not in it."""
        self._here.log(f"[{count:,} bytes of output are left out here]", stream="log", level="warning")

    def finish(self) -> None:
        """All is said: what is open ends."""
        for key in list(self._bars):
            self._end_bar(key)
        self._end_group()

    @property
    def _here(self) -> Scope:
        return self._scope if self._group is None else self._group

    def _tell(self, sign: Sign) -> None:
        match sign:
            case Text():
                self._log(sign)
            case BarShown():
                self._show_bar(sign)
            case BarEnded():
                self._end_bar((self._stream, sign.bar))
            case GroupBegan():
                self._begin_group(sign)
            case GroupEnded():
                self._end_group()
            case Told():
                self._pass_on(sign)
            case TerminalProgress():
                self._show_terminal_progress(sign)

    def _log(self, sign: Text) -> None:
        self._here.log(sign.text + "\n", stream=STREAMS[self._stream])
        self._last.append(sign.text[-TAIL_CHARS:])
        self._last_chars += len(self._last[-1])
        while self._last_chars - len(self._last[0]) > TAIL_CHARS:
            self._last_chars -= len(self._last.pop(0))

    def _show_bar(self, sign: BarShown) -> None:
        key = (self._stream, sign.bar)
        if key not in self._bars:
            outer = None if sign.inside is None else self._bars.get((self._stream, sign.inside))
            self._bars[key] = self._open(sign.reading, outer)
        bar = self._bars[key]
        if bar is not None:
            bar.show(_as_bars_have_it(sign.reading))

    def _begin_group(self, sign: GroupBegan) -> None:
        self._end_group()
        self._groups += 1
        if self._groups <= GROUPS:
            self._group = self._scope.stage(stage_name(sign.title, "group"), title=sign.title or None).start()

    def _pass_on(self, sign: Told) -> None:
        self._errors += 1
        if self._errors > ERRORS:
            return
        if sign.level == "error":
            self._here.error(sign.message, code="output-error", recoverable=True)
        else:  # a warning is no error: nobody is to be called for it
            self._here.note(f"warning: {sign.message}" if sign.level == "warning" else sign.message)

    def _show_terminal_progress(self, sign: TerminalProgress) -> None:
        key = (self._stream, 0)
        if sign.state == 0:
            self._end_bar(key)
            return
        said = {2: "in error", 4: "paused"}.get(sign.state, "")
        before = self._bars.get(key)
        percent = sign.percent if sign.percent is not None or before is None else before.current
        known = sign.state != 3 and percent is not None
        reading = Reading("terminal", "", percent or 0, 100 if known else None, "%" if known else None, said)
        self._tell(BarShown(0, None, reading))

    def _open(self, reading: Reading, outer: Bar | None) -> Bar | None:
        name = stage_name(reading.name, _NAMES.get(reading.style, reading.style))
        places = [*(outer.places if outer is not None else ()), self._here, self._run]
        taken = shelf.take(places, name)
        return None if taken is None else Bar(taken, self._here, outer, None)

    def _end_bar(self, key: tuple[int, int]) -> None:
        bar = self._bars.pop(key, None)
        if bar is not None:
            bar.end(None)

    def _end_group(self) -> None:
        group, self._group = self._group, None
        if group is not None:
            group.complete()


def _as_bars_have_it(reading: Reading) -> BarReading:
    return BarReading(
        description=reading.name,
        current=reading.current,
        total=reading.total,
        unit=reading.unit,
        remark=reading.remark,
    )
