"""Judge an estimator of remaining time by replaying real runs: `python -m headway.testing.eta FILE[.gz] [--json]`.

The file has one run a line: `kind`, `started` (Unix seconds), `total` (seconds), `stages` (a list of `name`, `start`,
`end`: seconds from the run's start, which may overlap) and optionally `size`, a number or an object of numbers.

**The rules of the game, as they are read here.** Runs of a kind are taken in the order in which they started. Each is
estimated from the at most 100 runs before it, and learned from only afterwards. With the data that the project
began with, this order gives the published figures of the simple rules (5.6 % and 3.3 % at submission; 4.0, 3.9 and
3.6 % in flight; 36.2 %; 82.7, 81.9 and 85.6 %). Runs overlap in reality, so `--clock` is stricter: a run is known
only when it had ended at the moment of the estimate.

At *submission* nothing is known of the run but its kind and size. At 25, 50 and 75 % of its true duration the estimator
sees when each stage so far began and ended, and nothing of what comes. Every error is the difference between estimated
and true remaining time, as a share of the run's true total.

- `n`: runs judged, the last 30 % of each kind.
- `submit`: the median error at submission, and the share of errors greater than the true total (`off2x`).
- `at`: median and 90th percentile of the error at 25, 50 and 75 %.
- `cold`: every window of one, two, three runs in a row, of all runs of a kind, as the whole history: the share of the
  next runs whose error at 50 % is at most 20 %.
- `coverage`: the share of true times inside the interval, at all four moments. `few`: the windows of two and three;
  `many`: the runs judged, where five or more are known.
- `negative`: estimates below zero, or percentiles out of order.
- `steps_back`: times that a bar of elapsed over elapsed plus remaining fell.
- `reversals`: how often the shown end of a run turned, earlier after later or the reverse: the mean over runs.

For the last two each judged run is replayed with an estimate at every event of a stage and at every hundredth of its
duration, through the countdown that a watcher sees. A figure that nothing could be measured for is null.
"""

import argparse
import gzip
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from headway.progress.remaining import (
    DEFAULT,
    KEPT_RUNS,
    Countdown,
    EndedStage,
    Estimate,
    Estimator,
    History,
    PastRun,
    RunningStage,
    Situation,
    StageSpan,
    estimator,
    estimators,
)

JUDGED = 0.7
"""Where the judged part of each kind begins: what comes before is for tuning."""
MOMENTS = (0.25, 0.5, 0.75)
WINDOWS = (1, 2, 3)
WITHIN = 0.2
MANY = 5
TICKS = 100
READABLE_S = 0.5
"""Seconds that a shown end must move to count as moved: half of the last digit that a watcher reads."""


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
    """

    def __init__(self, line: _RunLine) -> None:
        self.kind, self.total = line.kind, line.total
        stages = sorted(line.stages, key=lambda stage: stage.start)
        seen: Counter[str] = Counter()
        self._stages: list[EndedStage] = []
        for stage in stages:
            self._stages.append(EndedStage(stage.name, stage.start, stage.end, seen[stage.name]))
            seen[stage.name] += 1
        self._by_end = sorted(self._stages, key=lambda stage: stage.ended)
        self.past = PastRun(
            duration=line.total,
            started=line.started,
            ended=line.started + line.total,
            size=_size(line.size),
            stages=tuple(StageSpan(stage.name, stage.start, stage.end) for stage in stages),
        )

    def submitted(self) -> Situation:
        """Before it has started."""
        return Situation(elapsed=0.0, size=self.past.size)

    def at(self, now: float) -> Situation:
        """So many seconds after its start."""
        return Situation(
            elapsed=now,
            size=self.past.size,
            running=tuple(
                RunningStage(stage.path, stage.begun, stage.occurrence)
                for stage in self._stages
                if stage.begun <= now < stage.ended
            ),
            ended=tuple(stage for stage in self._by_end if stage.ended <= now),
        )

    def moments(self) -> list[float]:
        """When something happens in it, and every hundredth of it; not the end itself."""
        times = {self.total * tick / TICKS for tick in range(TICKS)}
        times.update(stage.begun for stage in self._stages)
        times.update(stage.ended for stage in self._stages)
        return sorted(time for time in times if 0 <= time < self.total)


def _size(size: float | dict[str, float] | None) -> dict[str, float]:
    if size is None:
        return {}
    return size if isinstance(size, dict) else {"size": size}


def load(path: Path) -> dict[str, list[Replay]]:
    """The runs of a file by kind, in the order in which they started.

    Raises:
        ValueError: A line is not a run of the form above, or its duration is not above zero.
    """
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        return replays(line for line in lines if line.strip())


def replays(lines: Iterable[str]) -> dict[str, list[Replay]]:
    """The same from lines of JSON."""
    kinds: dict[str, list[_RunLine]] = defaultdict(list)
    for number, text in enumerate(lines, 1):
        try:
            line = msgspec.json.decode(text, type=_RunLine)
        except msgspec.DecodeError as error:
            raise ValueError(f"run {number}: {error}") from error
        if not line.total > 0:
            raise ValueError(f"run {number}: its total must be above zero")
        kinds[line.kind].append(line)
    return {kind: [Replay(line) for line in sorted(runs, key=lambda run: run.started)] for kind, runs in kinds.items()}


@dataclass(slots=True)
class Tally:
    """What was seen of one kind, or of all."""

    submit: list[float] = field(default_factory=list)
    at: dict[float, list[float]] = field(default_factory=lambda: {moment: [] for moment in MOMENTS})
    cold: dict[int, list[bool]] = field(default_factory=lambda: {window: [] for window in WINDOWS})
    few: list[bool] = field(default_factory=list)
    many: list[bool] = field(default_factory=list)
    negative: int = 0
    steps_back: int = 0
    reversals: list[int] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Take over what another has seen."""
        self.submit += other.submit
        for moment, errors in other.at.items():
            self.at[moment] += errors
        for window, hits in other.cold.items():
            self.cold[window] += hits
        self.few += other.few
        self.many += other.many
        self.negative += other.negative
        self.steps_back += other.steps_back
        self.reversals += other.reversals

    def figures(self) -> dict[str, object]:
        """The figures of the JSON form."""
        return {
            "n": len(self.submit),
            "submit": {"median": percentile(self.submit, 0.5), "off2x": share(error > 1 for error in self.submit)},
            "at": {
                f"{moment:.0%}"[:-1]: {"median": percentile(errors, 0.5), "p90": percentile(errors, 0.9)}
                for moment, errors in self.at.items()
            },
            "cold": {str(window): share(hits) for window, hits in self.cold.items()},
            "coverage": {"few": share(self.few), "many": share(self.many)},
            "negative": self.negative,
            "steps_back": self.steps_back,
            "reversals": sum(self.reversals) / len(self.reversals) if self.reversals else None,
        }


def percentile(values: Sequence[float], p: float) -> float | None:
    """The percentile, interpolated between the values on either side; None of nothing."""
    if not values:
        return None
    ordered, place = sorted(values), (len(values) - 1) * p
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def share(hits: Iterable[bool]) -> float | None:
    """The share that is true; None of nothing."""
    all_hits = list(hits)
    return sum(all_hits) / len(all_hits) if all_hits else None


class Display(Protocol):
    """What a watcher sees of the estimates."""

    reversals: int

    def update(self, estimate: Estimate | None, now: float) -> None:
        """Take a new estimate."""

    def bar(self, now: float) -> float:
        """The share of the run's time that is over."""
        ...


class Unsmoothed:
    """A display that shows every estimate as it comes, to compare with."""

    def __init__(self) -> None:
        self.reversals = 0
        self._end: float | None = None
        self._later: bool | None = None

    def update(self, estimate: Estimate | None, now: float) -> None:
        """Show it."""
        if estimate is None:
            return
        end = now + estimate.remaining
        if self._end is not None and abs(end - self._end) > READABLE_S:
            later = end > self._end
            self.reversals += self._later is not None and later != self._later
            self._later = later
        self._end = end

    def bar(self, now: float) -> float:
        """What the estimate makes of it."""
        return now / self._end if self._end else 0.0


class Judge:
    """Replays the runs of one kind through one estimator."""

    def __init__(
        self,
        kind: str,
        runs: list[Replay],
        make: Callable[[], Estimator],
        *,
        display: Callable[[], Display] = Countdown,
        clock: bool = False,
    ) -> None:
        """Prepare to judge.

        Args:
            kind: The kind's name.
            runs: Its runs in order.
            make: Makes a new estimator; one is used for each run, so nothing can leak from one to the next.
            display: What stands between the estimates and the watcher.
            clock: Whether only runs that have ended by the clock are known.
        """
        self._kind, self._runs, self._make = kind, runs, make
        self._display, self._clock = display, clock
        self.tally = Tally()

    def judge(self, first: int, last: int) -> None:
        """Judge the runs from number `first` to before `last`."""
        for index in range(max(first, 1), last):
            self._submission(index)
            for moment in MOMENTS:
                self._moment(index, moment)
            self._replay(index)

    def cold(self, last: int) -> None:
        """Judge every run before `last` by the one, two and three before it."""
        for window in WINDOWS:
            for index in range(window, last):
                history = self._history([run.past for run in self._runs[index - window : index]])
                self._window(self._runs[index], history, window)

    def _window(self, run: Replay, history: History, window: int) -> None:
        chosen = self._make()
        for moment in (0.0, *MOMENTS):
            estimate = self._asked(chosen, run, moment, history)
            if estimate is None:
                continue
            true = run.total * (1 - moment)
            if moment == 0.5:
                self.tally.cold[window].append(abs(estimate.remaining - true) <= WITHIN * run.total)
            if window > 1:
                self.tally.few.append(estimate.low <= true <= estimate.high)

    def _known(self, index: int, elapsed: float) -> History:
        earlier = [run.past for run in self._runs[:index]]
        if self._clock:
            now = self._runs[index].past.started + elapsed
            earlier = sorted((run for run in earlier if run.ended <= now), key=lambda run: run.ended)
        return self._history(earlier)

    def _history(self, runs: list[PastRun]) -> History:
        return History(kind=self._kind, runs=tuple(runs[-KEPT_RUNS:]))

    def _asked(self, chosen: Estimator, run: Replay, moment: float, history: History) -> Estimate | None:
        situation = run.at(moment * run.total) if moment else run.submitted()
        estimate = chosen.estimate(situation, history)
        if estimate is not None:
            self.tally.negative += not 0 <= estimate.low <= estimate.remaining <= estimate.high
        return estimate

    def _submission(self, index: int) -> None:
        error = self._error(index, 0.0)
        if error is not None:
            self.tally.submit.append(error)

    def _moment(self, index: int, moment: float) -> None:
        error = self._error(index, moment)
        if error is not None:
            self.tally.at[moment].append(error)

    def _error(self, index: int, moment: float) -> float | None:
        run = self._runs[index]
        history = self._known(index, moment * run.total)
        estimate = self._asked(self._make(), run, moment, history)
        if estimate is None:
            return None
        true = run.total * (1 - moment)
        if len(history.runs) >= MANY:
            self.tally.many.append(estimate.low <= true <= estimate.high)
        return abs(estimate.remaining - true) / run.total

    def _replay(self, index: int) -> None:
        run, chosen, display = self._runs[index], self._make(), self._display()
        history = self._known(index, 0.0)
        bar = 0.0
        for now in run.moments():
            display.update(chosen.estimate(run.at(now), history), now)
            shown = display.bar(now)
            self.tally.steps_back += shown < bar
            bar = shown
        self.tally.reversals.append(display.reversals)


def judged(
    kinds: dict[str, list[Replay]],
    make: Callable[[], Estimator],
    *,
    display: Callable[[], Display] = Countdown,
    clock: bool = False,
) -> Iterator[tuple[str, Tally]]:
    """The tally of each kind: the last 30 % of its runs, and all windows of one, two and three."""
    for kind, runs in kinds.items():
        judge = Judge(kind, runs, make, display=display, clock=clock)
        judge.judge(int(JUDGED * len(runs)), len(runs))
        judge.cold(len(runs))
        yield kind, judge.tally


def report(kinds: dict[str, list[Replay]], make: Callable[[], Estimator], *, clock: bool = False) -> dict[str, object]:
    """The JSON form: `{"overall": M, "kinds": {name: M}}`."""
    overall = Tally()
    figures = {}
    for kind, tally in judged(kinds, make, clock=clock):
        overall.add(tally)
        figures[kind] = tally.figures()
    return {"overall": overall.figures(), "kinds": figures}


def table(kinds: dict[str, Tally]) -> list[str]:
    """Lines of text: a heading, then one line for each tally."""
    heading = (
        f"{'kind':<34}{'runs':>5} {'submit':>7}{'>2x':>6} {'25 %':>6}{'50 %':>6}{'75 %':>6} {'p90@50':>7}"
        f" {'1 run':>6}{'2':>6}{'3':>6} {'few':>6}{'many':>6} {'neg':>4}{'back':>5}{'turns':>6}"
    )
    return [heading, *(_line(kind, tally) for kind, tally in kinds.items())]


def _line(kind: str, tally: Tally) -> str:
    def shown(value: float | None, width: int) -> str:
        return f"{'–':>{width}}" if value is None else f"{100 * value:>{width}.1f}"

    turns = f"{sum(tally.reversals) / len(tally.reversals):>6.2f}" if tally.reversals else f"{'–':>6}"
    return (
        f"{kind[:33]:<34}{len(tally.submit):>5} {shown(percentile(tally.submit, 0.5), 7)}"
        f"{shown(share(error > 1 for error in tally.submit), 6)} "
        + "".join(shown(percentile(errors, 0.5), 6) for errors in tally.at.values())
        + f" {shown(percentile(tally.at[0.5], 0.9), 7)} "
        + "".join(shown(share(hits), 6) for hits in tally.cold.values())
        + f" {shown(share(tally.few), 6)}{shown(share(tally.many), 6)} {tally.negative:>4}{tally.steps_back:>5}{turns}"
    )


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m headway.testing.eta", description="Judge an estimator of remaining time by replaying runs."
    )
    parser.add_argument("file", type=Path, help="runs, one JSON object a line; may be gzipped")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON, shares from 0 to 1")
    parser.add_argument("--estimator", default=DEFAULT, choices=estimators(), help="which one to judge")
    parser.add_argument("--clock", action="store_true", help="know only runs that had ended by the clock")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; 2 if the file cannot be read or is not of the form."""
    options = _arguments(arguments)
    try:
        kinds = load(options.file)
    except (OSError, EOFError, ValueError) as error:
        sys.stderr.write(f"{options.file}: {error}\n")
        return 2

    def make() -> Estimator:
        return estimator(options.estimator)

    if options.json:
        sys.stdout.write(json.dumps(report(kinds, make, clock=options.clock)) + "\n")
        return 0
    tallies = dict(judged(kinds, make, clock=options.clock))
    overall = Tally()
    for tally in tallies.values():
        overall.add(tally)
    sys.stdout.write("\n".join(table({"overall": overall, **tallies})) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
