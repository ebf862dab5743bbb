"""A history, prepared for estimates: made once for each history, asked many times."""

from collections import defaultdict
from math import exp, log

from headway.progress.remaining.anchor import Anchor, Features, Past, Rule
from headway.progress.remaining.distribution import USUAL_SPREAD, quantile
from headway.progress.remaining.history import History, PastRun
from headway.progress.remaining.recency import recency
from headway.progress.remaining.series import FEWEST, Member, Series, family
from headway.progress.remaining.size import Sized, SizeModel

SMALLEST_SHARE = 0.01
"""Errors are judged as a share of the whole run: less than a hundredth of it does not matter."""
SHORTEST = 1e-6
"""Seconds: what is shorter than a clock's tick took that long."""
LONGEST = 3e13
"""Seconds: a million years, which is no duration of anything."""
STAKE = 0.5
"""The same error matters more in a short run: it is judged as a share of what the run took (that would be 1) and of
what was promised (that would be 0); this is the geometric mean of both."""
LARGEST_STAKE = 20.0
"""As a logarithm; keeps a run that took no time at all from counting for everything."""

Event = tuple[str, str, int]
"""What happened, to the stage of which path, and how often before in this run."""
START: Event = ("started", "", 0)


class Profile:
    """What a history tells about runs of its kind.

    The tables of a stage are made when it is first asked about (a few milliseconds for a hundred runs); asking again
    costs microseconds. Not to be shared between threads while a stage is asked about for the first time.

    Attributes:
        kind: The history's.
        runs: How many runs it has, above zero.
        floor: Seconds that do not matter in runs of this kind.
    """

    def __init__(self, history: History, rule: Rule | None = None, names: frozenset[str] = frozenset()) -> None:
        """Prepare a history.

        Args:
            history: At least one run.
            rule: How to condense durations, if not in the learned way; then all runs count alike and size is ignored.
            names: The numbers that are to be looked at: those which the runs to come say of their size.
        """
        runs = history.runs
        self.kind, self.runs = history.kind, len(runs)
        self._rule = rule
        self._prior = USUAL_SPREAD if history.spread is None else history.spread
        self._durations = [min(max(run.duration, SHORTEST), LONGEST) for run in runs]
        self.floor = SMALLEST_SHARE * sorted(self._durations)[len(runs) // 2]
        self._weights = [1.0] * len(runs) if rule else recency(self._durations)
        self._sizes = [{name: run.size[name] for name in run.size.keys() & names} for run in runs]
        self._learn_size()
        self._asked: dict[str, float] = {}
        if self._size.learned and not rule:
            # What varies with the size hides a change of level, so that is looked for in what the size leaves.
            rest = [duration / exp(sized.whole) for duration, sized in zip(self._durations, self._sized, strict=True)]
            self._weights = recency(rest)
            self._learn_size()
        self._told = self._size.of(self._asked)
        self._spans = [_spans(run) for run in runs]
        self._events = [_events(spans) for spans in self._spans]
        self._families = {path: family(path) for path in {path for spans in self._spans for path, _, _ in spans}}
        self._anchors: dict[Event, Anchor | None] = {}
        self._series: dict[str, Series | None] = {}

    def _learn_size(self) -> None:
        logs = [log(duration) for duration in self._durations]
        self._size = SizeModel(self._sizes, logs, self._weights)
        self._sized = [self._size.of(size) for size in self._sizes]
        rest = [y - sized.whole for y, sized in zip(logs, self._sized, strict=True)]
        middle = quantile(sorted(zip(rest, self._weights, strict=True)), 0.5)
        stakes = [exp(min(STAKE * (middle - y), LARGEST_STAKE)) for y in rest]
        self._stakes = [weight * stake for weight, stake in zip(self._weights, stakes, strict=True)]

    def sized(self, size: dict[str, float]) -> Sized:
        """What its size tells of a run; a run that is asked about again has the same."""
        if size != self._asked:
            self._asked, self._told = dict(size), self._size.of(size)
        return self._told

    def anchor(self, event: Event) -> Anchor | None:
        """What is known about the time after an event; None if no past run had it."""
        if event not in self._anchors:
            self._anchors[event] = self._made_anchor(event)
        return self._anchors[event]

    def _made_anchor(self, event: Event) -> Anchor | None:
        having = [index for index, events in enumerate(self._events) if event in events]
        if not having:
            return None
        at = [self._events[index][event] for index in having]
        past = Past(
            left=[max(self._durations[index] - t, 0.0) for index, t in zip(having, at, strict=True)],
            features=[self.features(self._sized[index], t) for index, t in zip(having, at, strict=True)],
            weights=[self._weights[index] for index in having],
            stakes=[self._stakes[index] for index in having],
        )
        return Anchor(past, self._prior, self.floor, self._rule)

    def features(self, sized: Sized, at: float) -> Features:
        """Those by which the time left is foretold, of a run in which the event came after so many seconds."""
        return sized.varying, sized.whole, log(min(max(at, 0.0), LONGEST) + self.floor)

    def family(self, path: str) -> str:
        """What the path has in common with the other members of its series."""
        name = self._families.get(path)
        if name is None:
            name = self._families[path] = family(path)
        return name

    def series(self, name: str) -> Series | None:
        """What is known about a family of stages; None if it is no series in most of the past runs."""
        if name not in self._series:
            self._series[name] = self._made_series(name)
        return self._series[name]

    def _made_series(self, name: str) -> Series | None:
        members = []
        for spans, duration, size, weight in zip(self._spans, self._durations, self._sizes, self._weights, strict=True):
            ends = sorted(end for path, _, end in spans if self._families[path] == name)
            if len(ends) >= FEWEST:
                members.append(Member(size, duration, ends, weight))
        if self._rule or 2 * len(members) <= self.runs:
            return None
        return Series(members, self._prior, self.floor)


def _spans(run: PastRun) -> list[tuple[str, float, float]]:
    """Its stages' paths, beginnings and ends, in seconds from its start, as a clock can have told them."""
    return [(span.path, min(max(span.start, 0.0), LONGEST), min(max(span.end, 0.0), LONGEST)) for span in run.stages]


def _events(spans: list[tuple[str, float, float]]) -> dict[Event, float]:
    """When each stage of a run began and ended, in seconds from its start."""
    seen: dict[str, int] = defaultdict(int)
    events = {START: 0.0}
    for path, begin, end in spans:
        events["begun", path, seen[path]] = begin
        events["ended", path, seen[path]] = end
        seen[path] += 1
    return events
