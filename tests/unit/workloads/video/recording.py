"""A run that keeps what it was told."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from workloads.video.reporting import Item, Severity


class Stopped(Exception):
    """The recording run was told to stop here."""


class RecordingStage:
    """Counts what is tracked; ``stop`` ends it at the first item."""

    def __init__(self, total: int | None, unit: str | None, *, stop: bool) -> None:
        self.total = total
        self.unit = unit
        self.seen = 0
        self.progress: list[float] = []
        self.messages: list[str] = []
        self.status = "running"
        self.failures: list[tuple[str, str]] = []
        self._stop = stop

    def track(self, items: Iterable[Item], /) -> Iterator[Item]:
        """As a reporter's stage does it."""
        for item in items:
            if self._stop:
                raise Stopped
            yield item
            self.seen += 1

    def update(self, *, progress: float | None = None, message: str | None = None) -> None:
        """Keep what was said."""
        if progress is not None:
            self.progress.append(progress)
        if message is not None:
            self.messages.append(message)

    def fail(self, error: str, /, *, code: str) -> None:
        """Keep it."""
        self.failures.append((error, code))


class RecordingRun:
    """Does nothing and remembers everything; ``stop`` names the stage that a cancel hits."""

    def __init__(self, stop: str | None = None) -> None:
        self.stages: dict[str, RecordingStage] = {}
        self.highlights: list[str] = []
        self.findings: list[tuple[str, Severity]] = []
        self.artifacts: dict[str, bytes] = {}
        self.results: list[Mapping[str, object]] = []
        self._stop = stop

    @contextmanager
    def stage(self, path: str, /, *, total: int | None = None, unit: str | None = None) -> Iterator[RecordingStage]:
        """Open a stage, once."""
        assert path not in self.stages
        stage = self.stages[path] = RecordingStage(total, unit, stop=path == self._stop)
        try:
            yield stage
        except BaseException:
            stage.status = "broken"
            raise
        stage.status = "completed"

    def highlight(self, text: str, /) -> None:
        """Keep it."""
        self.highlights.append(text)

    def finding(self, title: str, /, *, severity: Severity) -> None:
        """Keep it."""
        self.findings.append((title, severity))

    def artifact(self, name: str, content: Path, /) -> bool:
        """Keep what is in it now."""
        self.artifacts[name] = content.read_bytes()
        return True

    def result(self, value: Mapping[str, object], /) -> None:
        """Keep it."""
        self.results.append(value)
