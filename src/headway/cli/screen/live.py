"""The loop of a live screen: news, keys, signals and the clock in, pictures out, at most ten a second."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from headway.cli.screen.keys import Keys
from headway.cli.screen.rows import Row
from headway.cli.screen.signals import Signals, die_of
from headway.cli.screen.terminal import Terminal

News = TypeVar("News")
News_co = TypeVar("News_co", covariant=True)
News_contra = TypeVar("News_contra", contravariant=True)

INTERVAL_S = 0.1
"""Between two pictures: more of them nobody sees."""

SECOND_S = 1.0
"""Times are shown in seconds, so a picture is never older."""

PATIENCE_S = 0.3
"""How long the first news may take before an empty screen is drawn."""

ESCAPE_S = 0.05
"""How long what follows an escape may take; then it was the key."""


class Feed(Protocol[News_co]):
    """Where news come from, without waiting.

    Attributes:
        over: Nothing more will come.
    """

    over: bool

    def start(self, signals: Signals) -> None:
        """Begin; ``signals.wake`` is to be called when there is something to take."""

    def take(self) -> Sequence[News_co]:
        """What has come. Raises what went wrong for good."""

    def due_s(self) -> float | None:
        """In how many seconds there is something to take, if that is known."""

    def stop(self) -> None:
        """End it."""


class Drawing(NamedTuple):
    """A picture: the rows of the screen, and what the terminal's own progress should be."""

    rows: Sequence[Row]
    taskbar: str = ""


class Display(Protocol[News_contra]):
    """What is shown.

    Attributes:
        quit: Whether whoever watches has had enough.
    """

    quit: bool

    def take(self, news: News_contra) -> None:
        """Take the next of what the feed has."""

    def key(self, key: str) -> None:
        """Take a key."""

    def draw(self, columns: int, rows: int) -> Drawing:
        """The picture of now."""


class Live(Generic[News]):
    """Shows a display on a terminal until nothing more comes or whoever watches has had enough.

    Args:
        terminal: Where.
        display: What.
        feed: The news.
    """

    def __init__(self, terminal: Terminal, display: Display[News], feed: Feed[News]) -> None:
        self._terminal = terminal
        self._display = display
        self._feed = feed
        self._signals = Signals()
        self._keys = Keys()
        self._typed = terminal.keys
        self._drawn = time.monotonic() - SECOND_S + PATIENCE_S
        self._dirty = False

    def run(self) -> None:
        """Show it. Afterwards the terminal is as it was.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed.
            HeadwayError: No more frames can come.
        """
        try:
            with self._signals, self._terminal:
                self._feed.start(self._signals)
                while not self._is_over():
                    self._step()
        finally:
            self._feed.stop()
        if self._signals.ended is not None:
            die_of(self._signals.ended)

    def _is_over(self) -> bool:
        return self._display.quit or self._feed.over or self._signals.ended is not None

    def _step(self) -> None:
        self._wait()
        self._obey()
        for news in self._feed.take():
            self._display.take(news)
            self._dirty = True
        now = time.monotonic()
        if now - self._drawn >= (INTERVAL_S if self._dirty else SECOND_S):
            self._draw()
            self._drawn, self._dirty = now, False

    def _wait(self) -> None:
        files = [self._signals.wakes] + ([] if self._typed is None else [self._typed])
        ready, _, _ = select.select(files, [], [], self._patience_s())
        if self._signals.wakes in ready:
            self._signals.drain()
            self._dirty = True
        if self._typed in ready:
            self._read_keys(self._typed)
        elif self._keys.pending:
            self._press(self._keys.flush())

    def _patience_s(self) -> float:
        if self._keys.pending:
            return ESCAPE_S
        due_s = self._feed.due_s()
        next_picture = self._drawn + (INTERVAL_S if self._dirty else SECOND_S) - time.monotonic()
        return max(0.0, next_picture if due_s is None else min(next_picture, due_s))

    def _read_keys(self, file: int) -> None:
        try:
            data = os.read(file, 4096)
        except OSError:  # the terminal is gone
            data = b""
        if not data:
            self._typed = None
        self._press(self._keys.feed(data))

    def _press(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._display.key(key)
        if keys:
            self._dirty, self._drawn = True, float("-inf")  # whoever presses a key sees at once what it does

    def _obey(self) -> None:
        if self._signals.stopped:
            self._terminal.leave()
            self._signals.stop()
            self._signals.resumed = True
        if self._signals.resumed:
            self._signals.resumed = False
            self._terminal.enter()
            self._dirty = True
        if self._signals.resized:
            self._signals.resized = False
            self._dirty = True

    def _draw(self) -> None:
        size = self._terminal.size()
        drawing = self._display.draw(*size)
        self._terminal.paint(drawing.rows, size, drawing.taskbar)
