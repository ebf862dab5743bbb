"""Keywords: the words that set one chapter apart from the whole.

A word's score is its share of the Kullback-Leibler divergence of the chapter's words from all words,
p ln(p / q): how much more often it is said here, weighed by how often it is said at all.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from workloads.video import tokens
from workloads.video.sentences import Sentence

PER_CHAPTER = 5


def keywords(sections: Sequence[Sequence[Sentence]]) -> list[tuple[str, ...]]:
    """The keywords of each section, the strongest first, spelled as they most often are.

    With a single section, which differs from nothing, they are its most frequent words.
    """
    counts = [Counter(word for one in section for word in tokens.content(one.words)) for section in sections]
    whole = sum(counts, Counter[str]())
    spelling = _spelling(one.text for section in sections for one in section)
    return [tuple(spelling[word] for word in _strongest(count, whole)) for count in counts]


def _strongest(count: Counter[str], whole: Counter[str]) -> list[str]:
    here, everywhere = count.total(), whole.total()

    def score(word: str) -> float:
        share = count[word] / here
        return share * math.log(share * everywhere / whole[word])

    ranking = sorted(count, key=lambda word: (-score(word), -count[word], word))
    return ranking[:PER_CHAPTER]


def _spelling(texts: Iterable[str]) -> dict[str, str]:
    """For each word in lower case its most frequent spelling; small letters win a draw."""
    seen: Counter[str] = Counter()
    for text in texts:
        seen.update(tokens.spelled(text))
    ranking = sorted(seen, key=lambda word: (seen[word], word))
    # the best comes last, and stays; capitals sort before small letters
    return {word.lower(): word for word in ranking}
