"""Runs of a file, and what each showed at any moment."""

import gzip
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import msgspec

from headway.progress.remaining import EndedStage, PastRun, RunningStage, Situation, StageSpan

TICKS = 100
"""Parts of a run after each of which it is looked at, whatever happens."""
LONGEST_S = 3e13
"""A million years: what is longer is no duration, and its square no number."""
GZIP, BOM = b"\x1f\x8b", b"\xef\xbb\xbf"


class _StageLine(msgspec.Struct):
    name: str
    start: float
    end: float


class _RunLine(msgspec.Struct):
    kind: str
    started: float
    total: float
    stages: list[_StageLine] = []
    size: float | dict[str, float] | None = None


class Replay:
    """One run of the file, and what it shows at any moment.

    Attributes:
        kind: The file's.
        total: Its true duration.
        past: What later runs may know of it.
        stages: In the order in which they began, none before the run did.
    """

    def __init__(self, line: _RunLine) -> None:
        self.kind, self.total = line.kind, line.total
        seen: Counter[str] = Counter()
        self.stages: list[EndedStage] = []
        for name, start, end in sorted(map(_tidied, line.stages), key=lambda stage: stage[1]):
            self.stages.append(EndedStage(name, start, end, seen[name]))
            seen[name] += 1
        self._begins = [stage.begun for stage in self.stages]
        self._by_end = tuple(sorted(self.stages, key=lambda stage: stage.ended))
        self._ends = [stage.ended for stage in self._by_end]
        self.past = PastRun(
            duration=line.total,
            started=line.started,
            ended=line.started + line.total,
            size=_size(line.size),
            stages=tuple(StageSpan(stage.path, stage.begun, stage.ended) for stage in self.stages),
        )

    def submitted(self) -> Situation:
        """Before it has started."""
        return Situation(elapsed=0.0, size=self.past.size)

    def at(self, now: float) -> Situation:
        """So many seconds after its start."""
        ended = bisect_right(self._ends, now)
        return Situation(
            elapsed=now, size=self.past.size, running=self._running(now, ended), ended=self._by_end[:ended]
        )

    def _running(self, now: float, ended: int) -> tuple[RunningStage, ...]:
        begun = bisect_right(self._begins, now)
        found: list[RunningStage] = []
        # From the newest on, and no further than the oldest that runs: a run may have thousands of stages behind it.
        for stage in reversed(self.stages[:begun]):
            if len(found) == begun - ended:
                break
            if stage.ended > now:
                found.append(RunningStage(stage.path, stage.begun, stage.occurrence))
        return tuple(reversed(found))

    def moments(self) -> list[float]:
        """When something happens in it, and every hundredth of it; not the end itself."""
        times = {self.total * tick / TICKS for tick in range(TICKS)}
        return sorted(time for time in times.union(self._begins, self._ends) if time < self.total)


def _tidied(stage: _StageLine) -> tuple[str, float, float]:
    """A stage as a live run shows it: it does not begin before the run, nor end before it began."""
    start = max(stage.start, 0.0)
    return stage.name, start, max(stage.end, start)


def _size(size: float | dict[str, float] | None) -> dict[str, float]:
    if size is None:
        return {}
    return size if isinstance(size, dict) else {"size": size}


def load(path: Path) -> dict[str, list[Replay]]:
    """The runs of a file by kind, in the order in which they started; gzipped or not, whatever it is called.

    Raises:
        ValueError: A line is not a run of the form above, its duration is not above zero, or there is no run.
    """
    with path.open("rb") as file:
        packed = file.peek(len(GZIP))[: len(GZIP)] == GZIP
        with gzip.open(file) if packed else file as lines:
            kinds = replays(lines)
    if not kinds:
        raise ValueError("there are no runs in it")
    return kinds


def replays(lines: Iterable[str | bytes]) -> dict[str, list[Replay]]:
    """The same from lines of JSON, of which empty ones are left out."""
    kinds: dict[str, list[_RunLine]] = defaultdict(list)
    for number, text in enumerate(lines, 1):
        content = (text.encode() if isinstance(text, str) else text).removeprefix(BOM).strip()
        if content:
            line = _line(content, number)
            kinds[line.kind].append(line)
    return {kind: [Replay(line) for line in sorted(runs, key=lambda run: run.started)] for kind, runs in kinds.items()}


def _line(content: bytes, number: int) -> _RunLine:
    try:
        line = msgspec.json.decode(content, type=_RunLine)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"line {number}: {error}") from error
    if not 0 < line.total < LONGEST_S:
        raise ValueError(f"line {number}: its total must be above zero, and below a million years")
    return line
