"""Chapters: where the talk pauses and its words change.

The topic shift is TextTiling's depth score (Hearst, 1997, "TextTiling: Segmenting Text into
Multi-paragraph Subtopic Passages") over blocks of cues: how far the likeness of the words before and after
a gap dips below the peaks on either side. To it comes the pause in that gap, on a logarithmic scale,
since a pause of an hour is not 60 times the sign that a minute is. Both are counted in standard
deviations from their mean over the transcript, and added.
"""

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from workloads.video import tokens, vectors
from workloads.video.transcript import Cue

# Cues on each side of a gap that are compared. About a chunk's worth: less is noise in short radio calls.
BLOCK = 40
# A chapter has at least so many cues, so that it has something to be summarised from, and at least this
# share of them all: nobody reads a list of a hundred chapters.
SHORTEST = 40
SHARE = 1 / 60
# How many standard deviations a gap must stand out, both signs together.
THRESHOLD = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """The cues from position ``first`` up to, not including, ``end``."""

    first: int
    end: int


def chapters(cues: Sequence[Cue], ticks: Iterable[int]) -> list[Chapter]:
    """Divide the cues into chapters that leave none out.

    Args:
        cues: In the order of their start times.
        ticks: ``range(len(cues))``, perhaps wrapped so as to tell how far the comparing has come.
    """
    likeness = list(_likeness([tokens.content(tokens.words(cue.text)) for cue in cues], ticks))[1:]
    shift, pause = _standard(_depths(likeness)), _standard(_pauses(cues))
    scores = [a + b for a, b in zip(shift, pause, strict=True)]
    cuts = [0, *sorted(_boundaries(scores, len(cues))), len(cues)]
    return [Chapter(first=first, end=end) for first, end in pairwise(cuts)]


def _likeness(spoken: Sequence[list[str]], ticks: Iterable[int]) -> Iterator[float]:
    """How alike the words of the block before and after each cue's start are."""
    weights = vectors.rarity(spoken)
    before: Counter[str] = Counter()
    after = Counter(word for cue in spoken[:BLOCK] for word in cue)
    for at in ticks:
        yield vectors.cosine(vectors.weigh(before, weights), vectors.weigh(after, weights))
        before.update(spoken[at])
        after.subtract(spoken[at])
        if at >= BLOCK:
            before.subtract(spoken[at - BLOCK])
        if at + BLOCK < len(spoken):
            after.update(spoken[at + BLOCK])
        # counts that fell to zero would make every later vector longer
        before, after = +before, +after


def _depths(likeness: Sequence[float]) -> list[float]:
    left, right = _climb(likeness), _climb(likeness[::-1])[::-1]
    return [a + b - 2 * value for a, value, b in zip(left, likeness, right, strict=True)]


def _climb(likeness: Sequence[float]) -> list[float]:
    """The peak reached from each value by walking left for as long as it goes up."""
    peaks: list[float] = []
    for at, value in enumerate(likeness):
        peaks.append(peaks[-1] if at and likeness[at - 1] > value else value)
    return peaks


def _pauses(cues: Sequence[Cue]) -> list[float]:
    """The logarithm of the silence before each cue but the first, in seconds."""
    silences, quiet_from = [], cues[0].end_ms
    for cue in cues[1:]:
        silences.append(math.log1p(max(0, cue.start_ms - quiet_from) / 1000))
        quiet_from = max(quiet_from, cue.end_ms)
    return silences


def _standard(values: Sequence[float]) -> list[float]:
    spread = statistics.pstdev(values) if values else 0.0
    if not spread:
        return [0.0] * len(values)
    mean = statistics.fmean(values)
    return [(value - mean) / spread for value in values]


def _boundaries(scores: Sequence[float], total: int) -> list[int]:
    """The gaps that stand out most, each far enough from the others and from both ends."""
    apart = max(SHORTEST, round(total * SHARE))
    chosen: list[int] = []
    for at in sorted(range(1, total), key=lambda at: (-scores[at - 1], at)):
        if scores[at - 1] < THRESHOLD:
            break
        if all(abs(at - other) >= apart for other in (0, total, *chosen)):
            chosen.append(at)
    return chosen
