"""How good a summary is, in two numbers, and next to two that took no work.

*Coverage* is the share of the transcript's content that the summary names: the tf-idf weight of the
content words that stand in it, of the weight of all content words (the weighted concept coverage of
Gillick and Favre, 2009, with words for concepts). *Redundancy* is how alike each sentence is to the one
most like it in the summary: the cosine of their tf-idf vectors over all words (Carbonell and Goldstein's
similarity), averaged over the sentences. Both are between 0 and 1; idf counts sentences.
"""

import random
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workloads.video import tokens, vectors
from workloads.video.sentences import Sentence

# Drawn anew for each seed; one draw may be lucky.
SEEDS = range(1, 11)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """More coverage is better, less redundancy is better."""

    coverage: float
    redundancy: float


class Judge:
    """Measures selections of sentences against the whole transcript.

    Args:
        spoken: Every sentence of the transcript.
        weights: How rare each word is among them.
    """

    def __init__(self, spoken: Sequence[Sentence], weights: Mapping[str, float]) -> None:
        self._weights = weights
        counts = Counter(word for one in spoken for word in tokens.content(one.words))
        self._mass = {word: count * weights[word] for word, count in counts.items()}

    def measure(self, selection: Sequence[Sentence]) -> Quality:
        """The coverage and redundancy of a selection; of an empty one both are 0."""
        return Quality(coverage=self._coverage(selection), redundancy=self._redundancy(selection))

    def _coverage(self, selection: Sequence[Sentence]) -> float:
        said = {word for one in selection for word in one.words}
        covered = sum(mass for word, mass in self._mass.items() if word in said)
        return covered / sum(self._mass.values()) if self._mass else 0.0

    def _redundancy(self, selection: Sequence[Sentence]) -> float:
        places = [vectors.vector(one.words, self._weights) for one in selection]
        nearest = [0.0] * len(places)
        for at, place in enumerate(places):
            for before in range(at):
                like = vectors.cosine(place, places[before])
                nearest[at] = max(nearest[at], like)
                nearest[before] = max(nearest[before], like)
        return sum(nearest) / len(nearest) if nearest else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The quality of a summary, of the first as many sentences, and of as many random ones (the mean)."""

    summary: Quality
    first: Quality
    drawn: Quality

    def problems(self) -> list[str]:
        """In which respect the summary is worse than one that took no work; nothing, as a rule."""
        rivals = (("the first as many sentences", self.first), ("as many random sentences", self.drawn))
        return [
            problem
            for name, rival in rivals
            for worse, problem in (
                (self.summary.coverage < rival.coverage, f"The summary covers less than {name}"),
                (self.summary.redundancy > rival.redundancy, f"The summary repeats itself more than {name}"),
            )
            if worse
        ]


def rivals(spoken: Sequence[Sentence], count: int) -> list[Sequence[Sentence]]:
    """Summaries of ``count`` sentences that took no work: the first ones, then a draw of lots for each seed."""
    draws = [random.Random(seed) for seed in SEEDS]  # noqa: S311 - lots, not secrets
    return [spoken[:count], *(lots.sample(spoken, min(count, len(spoken))) for lots in draws)]


def verdict(summary: Quality, rivals: Sequence[Quality]) -> Verdict:
    """Put together the measurements of a summary and of its :func:`rivals`."""
    first, *draws = rivals
    return Verdict(
        summary=summary,
        first=first,
        drawn=Quality(
            coverage=statistics.fmean(one.coverage for one in draws),
            redundancy=statistics.fmean(one.redundancy for one in draws),
        ),
    )
