"""What the job needs of a run: the few calls that it makes, as Headway's public interface has them."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal, Protocol, TypeVar

Item = TypeVar("Item")
Severity = Literal["critical", "high", "medium", "low"]


class Stage(Protocol):
    """One step of the run."""

    def track(self, items: Iterable[Item], /) -> Iterable[Item]:
        """Count the items as they are taken; raises where a cancel takes effect."""

    def update(self, *, progress: float | None = None, message: str | None = None) -> object:
        """Say more of where it stands."""

    def fail(self, error: str, /, *, code: str) -> object:
        """End it; the text is for everybody who watches."""


class Run(Protocol):
    """One execution of the job."""

    def stage(
        self, path: str, /, *, total: int | None = None, unit: str | None = None
    ) -> AbstractContextManager[Stage]:
        """Open a stage of the plan."""

    def highlight(self, text: str, /) -> object:
        """Tell a watcher something nice to know."""

    def finding(self, title: str, /, *, severity: Severity) -> object:
        """Tell of something that is not as it should be."""

    def artifact(self, name: str, content: Path, /) -> bool:
        """Keep a file; whether it was kept."""

    def result(self, value: Mapping[str, object], /) -> object:
        """Say what came out."""
