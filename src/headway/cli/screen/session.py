"""What a person does at the screen: keys in, pages out. It knows no terminal and no clock of its own.

Theory of operation. There is always one page (the run, its log, the help) and at most one prompt, which gets all keys
while it is open: a question to be confirmed, or a line that is typed. What a key asks of the run is done elsewhere, by
``Actions``, since the store may be slow; what came of it is told to the session later.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from headway.cli.answering import open_questions
from headway.cli.screen.cells import cell_text
from headway.cli.screen.layout import ScreenOptions, screen_rows
from headway.cli.screen.live import Drawing
from headway.cli.screen.pages import LogPage, help_rows
from headway.cli.screen.rows import ACCENT, BOLD, EMPTY, WARN, Row, Span, cut_row, row
from headway.cli.screen.taskbar import taskbar_text
from headway.cli.screen.watched import Delivery, Picture, Watched
from headway.progress.state import InputEntry

TOLD_S = 5.0
"""How long it is shown what came of a key."""

ANSWER_CHARS = 1_000


class Actions(Protocol):
    """What can be asked of the run. Nothing waits; what came of it is told by ``Session.tell``."""

    def cancel(self) -> None:
        """Ask for a cancel."""

    def answer(self, question: InputEntry, text: str) -> None:
        """Answer a question with what was typed."""


class Confirming:
    """A question that ``y`` confirms."""

    def __init__(self, question: str, confirmed: Callable[[], None]) -> None:
        self._question = question
        self._confirmed = confirmed

    def key(self, key: str) -> bool:
        """Take a key; true when the prompt is over."""
        if key in ("y", "Y"):
            self._confirmed()
        return key in ("y", "Y", "n", "N", "esc", "c", "enter")

    def row(self) -> Row:
        """The prompt."""
        return row(Span(f"{self._question}  ", f"{BOLD};{WARN}"), "y yes   n no")


class Typing:
    """A line that is typed and ends with Enter."""

    def __init__(self, question: str, entered: Callable[[str], None]) -> None:
        self._question = question
        self._entered = entered
        self._text = ""

    def key(self, key: str) -> bool:
        """Take a key; true when the prompt is over."""
        if key == "enter" and self._text:
            self._entered(self._text)
        elif key == "backspace":
            self._text = self._text[:-1]
        elif key == "clear":
            self._text = ""
        elif len(key) == 1 and len(self._text) < ANSWER_CHARS:
            self._text += key
        return key == "esc" or (key == "enter" and bool(self._text))

    def row(self) -> Row:
        """The prompt; of a long text its end."""
        return row(Span(f"{self._question} ", f"{BOLD};{ACCENT}"), cell_text(self._text)[-60:], Span("▏", ACCENT))


class Session:
    """The state of a screen that somebody sits at.

    Args:
        watched: The run.
        options: What is wanted to be seen.
        clock: Seconds.
        actions: What can be asked of the run; None if nothing can.
        more_keys: Keys of whoever plays the frames, and what they do; asked before ours.

    Attributes:
        watched: The run.
        quit: Whether whoever watches has had enough.
    """

    def __init__(
        self,
        watched: Watched,
        options: ScreenOptions,
        clock: Callable[[], float],
        actions: Actions | None = None,
        more_keys: MoreKeys | None = None,
    ) -> None:
        self.watched = watched
        self.quit = False
        self._options = options
        self._clock = clock
        self._actions = actions
        self._more = more_keys
        self._page: Literal["run", "log", "help"] = "run"
        self._log = LogPage(watched.log)
        self._prompt: Confirming | Typing | None = None
        self._told: tuple[float, str] | None = None

    def tell(self, text: str) -> None:
        """Show for a moment what came of a key."""
        self._told = (self._clock() + TOLD_S, text)

    def key(self, key: str) -> None:
        """Take a key."""
        if self._prompt is not None:
            if self._prompt.key(key):
                self._prompt = None
        elif key == "q":
            self.quit = True
        elif self._page == "help":
            self._page = "run"
        elif self._page == "log" and self._log.scroll(key):
            return
        elif self._more is None or not self._more.key(key):
            self._own_key(key)

    def _own_key(self, key: str) -> None:
        if key == "l":
            self._turn_to_log()
        elif key == "?":
            self._page = "help"
        elif key == "esc":
            self._page = "run"
        elif key == "c":
            self._ask_to_cancel()
        elif key == "a":
            self._ask_to_answer()

    def _turn_to_log(self) -> None:
        if self._page == "log":
            self._page = "run"
        else:
            self._page, self._log = "log", LogPage(self.watched.log)

    def _ask_to_cancel(self) -> None:
        picture = self.watched.picture()
        if self._actions is None or picture.state is None or picture.ended:
            return
        if picture.state.cancel_requested and picture.state.status != "lost":
            self.tell("a cancel was asked for already")
            return
        self._prompt = Confirming("Cancel this run?", self._actions.cancel)

    def _ask_to_answer(self) -> None:
        picture = self.watched.picture()
        waiting = [] if picture.state is None else open_questions(picture.state, picture.now)
        if not waiting or self._actions is None:
            return
        first, answer = waiting[0], self._actions.answer
        self._prompt = Typing(cell_text(first.prompt, 60), lambda text: answer(first, text))

    def take(self, news: Delivery) -> None:
        """Take the next frame."""
        self.watched.take(*news)

    def draw(self, columns: int, rows: int) -> Drawing:
        """The page, exactly as high as the screen."""
        picture = self.watched.picture()
        return Drawing(self._rows(columns, rows, picture), taskbar_text(picture))

    def _rows(self, columns: int, rows: int, picture: Picture) -> list[Row]:
        last = cut_row(self._last_row(), max(1, columns - 1))
        if self._page == "run":
            return screen_rows(picture, columns, rows, self._options, last)
        if self._page == "log":
            page = self._log.rows(columns, rows, colours=self._options.colours)
        else:
            page = help_rows(self._keys(), columns, rows)
        return [*page[:-1], last or page[-1]]

    def _last_row(self) -> Row:
        if self._prompt is not None:
            return self._prompt.row()
        if self._told is not None and self._clock() < self._told[0]:
            return row(Span(cell_text(self._told[1]), ACCENT))
        return EMPTY if self._more is None or self._page != "run" else self._more.row()

    def _keys(self) -> list[tuple[str, str]]:
        own = [("q", "quit; the run goes on"), ("l", "the log"), ("?", "this help")]
        asking = [("c", "cancel the run"), ("a", "answer its question")] if self._actions is not None else []
        return [*own, *asking, *(self._more.meanings if self._more is not None else ())]


class MoreKeys(Protocol):
    """Keys of whoever plays the frames.

    Attributes:
        meanings: The keys and what they do.
    """

    meanings: tuple[tuple[str, str], ...]

    def key(self, key: str) -> bool:
        """Take a key; false if it is none of these."""

    def row(self) -> Row:
        """What stands in the last row; nothing for what usually does."""
