"""Plain lines instead of a screen: one for each change, and one for every few percent."""

from __future__ import annotations

from collections.abc import Iterator

from headway.cli.amount import percent_text, size_text, taken_text
from headway.cli.answering import open_questions
from headway.cli.screen.cells import cell_text
from headway.cli.screen.reports import answer_command, question_text
from headway.cli.screen.rows import plain_text
from headway.cli.screen.stages import duration_of, said_of
from headway.cli.screen.watched import Picture
from headway.progress.remaining import format_duration, format_estimate
from headway.progress.state import Eta, StageState, State

STEP = 5
"""Percent between two lines, when nothing else changes."""

WORD = 10
SEVERITY = 8


class Lines:
    """Tells what changed from one picture to the next. All lines are safe.

    Args:
        eta_range: Tell between which times the end is expected.
        hide_seconds: Leave the seconds out of the time left while they mean nothing.
        url: Told with commands to type, if the run is not where they look by default.
    """

    def __init__(self, *, eta_range: bool = False, hide_seconds: bool = False, url: str | None = None) -> None:
        self._eta_range = eta_range
        self._hide_seconds = hide_seconds
        self._url = url
        self._run_id: str | None = None
        self._status: tuple[str, int, bool] | None = None
        self._stages: dict[str, str] = {}
        self._findings: dict[str, tuple[str, str | None]] = {}
        self._percent = 0
        self._seq = 0
        self._trouble: str | None = None
        self._waiting = False

    def changes(self, picture: Picture) -> Iterator[str]:
        """The lines for what is new in a picture."""
        yield from self._reach(picture)
        state = picture.state
        if state is None or not state.seq:
            return
        times = self._times(picture, state)
        for word, text in self._news(picture, state):
            yield f"{times}  {word:{WORD}} {text}".rstrip()
        self._seq = state.seq

    def _reach(self, picture: Picture) -> Iterator[str]:
        if picture.trouble != self._trouble:
            self._trouble = picture.trouble
            yield f"trying again: {cell_text(picture.trouble)}" if picture.trouble else "the store is back"
        if picture.state is None and not self._waiting:
            self._waiting = True
            yield f"waiting for run {cell_text(picture.run_id)}" if picture.run_id else "waiting for a run"

    def _times(self, picture: Picture, state: State) -> str:
        view = picture.view
        elapsed = taken_text(view.elapsed)
        left = "" if view.eta is None else self._left(view.eta)
        return f"{percent_text(state.progress):>4}  {elapsed:>5}  {left:{26 if self._eta_range else 10}}"

    def _left(self, eta: Eta) -> str:
        left = format_estimate(eta.remaining, eta.low, eta.high, hide_seconds=self._hide_seconds)
        left += " wait" if eta.basis == "queue" else " left"
        return f"{left} ({format_duration(eta.low)}-{format_duration(eta.high)})" if self._eta_range else left

    def _news(self, picture: Picture, state: State) -> Iterator[tuple[str, str]]:
        if state.run_id != self._run_id:
            self._run_id = state.run_id
            yield "run", "  ".join(filter(None, (state.run_id, cell_text(state.kind), cell_text(state.title or ""))))
        moved = list(self._stage_news(picture, state))
        yield from moved or self._step(picture, state)
        yield from self._finding_news(state)
        yield from self._said(state)
        yield from self._files(state)
        yield from self._asked(picture, state)
        yield from self._status_news(picture, state)
        if moved:
            self._percent = int(state.progress * 100)

    def _status_news(self, picture: Picture, state: State) -> Iterator[tuple[str, str]]:
        status = (state.status, state.attempt, state.cancel_requested and not picture.ended)
        if status == self._status:
            return
        before, self._status = self._status, status
        if before is not None or state.status != "running":
            error = "" if state.error is None else f"{cell_text(state.error.message)} ({cell_text(state.error.code)})"
            attempt = f"attempt {state.attempt}" if state.attempt > 1 else ""
            word = "cancelling" if status[2] and state.status == "running" else state.status
            yield word, "  ".join(filter(None, (attempt, error)))

    def _stage_news(self, picture: Picture, state: State) -> Iterator[tuple[str, str]]:
        for stage in state.stages:
            if stage.status != self._stages.get(stage.path, "pending"):
                self._stages[stage.path] = stage.status
                yield stage.status, _stage_text(stage, picture.until)

    def _step(self, picture: Picture, state: State) -> Iterator[tuple[str, str]]:
        percent = int(state.progress * 100)
        stage = next((stage for stage in state.stages if stage.path == state.stage), None)
        if percent >= self._percent + STEP and stage is not None:
            self._percent = percent
            yield stage.status, _stage_text(stage, picture.until)

    def _finding_news(self, state: State) -> Iterator[tuple[str, str]]:
        for entry in state.findings.recent:
            known = (entry.severity, entry.title)
            if entry.seq > self._seq and self._findings.get(entry.id) != known:
                self._findings[entry.id] = known
                yield "finding", f"{entry.severity:{SEVERITY}}  {cell_text(entry.title or entry.id)}"

    def _said(self, state: State) -> Iterator[tuple[str, str]]:
        said = [(entry.seq, "highlight", entry.text) for entry in state.highlights]
        said += [(entry.seq, "note", entry.text) for entry in state.notes]
        said += [(entry.seq, "error", entry.message) for entry in state.errors.recent]
        for seq, word, text in sorted(said):
            if seq > self._seq:
                yield word, cell_text(text)

    def _files(self, state: State) -> Iterator[tuple[str, str]]:
        pictures = {shot.artifact for shot in state.screenshots} | {shot.thumbnail for shot in state.screenshots}
        for shot in state.screenshots:
            if shot.seq > self._seq:
                yield "screenshot", "  ".join(map(cell_text, filter(None, (shot.caption, shot.artifact))))
        for entry in state.artifacts:
            if entry.seq > self._seq and entry.name not in pictures:
                size = "" if entry.size is None else f"  {size_text(entry.size)}"
                yield "artifact", f"{cell_text(entry.name)}{size}"

    def _asked(self, picture: Picture, state: State) -> Iterator[tuple[str, str]]:
        for entry in open_questions(state, picture.now):
            if entry.seq > self._seq:
                yield "question", question_text(entry)
                yield "", answer_command(state.run_id, entry, self._url)


def _stage_text(stage: StageState, now: float) -> str:
    title = cell_text(stage.title or stage.path)
    return "  ".join(filter(None, (title, duration_of(stage, now), plain_text(said_of(stage, counted=True)))))
