"""Keywords: the words that set one chapter apart from the others.

A word's score is its tf-idf with the chapters for documents: how often it is said here, times
ln((1 + n) / (1 + df)), so that a word of every chapter scores nothing.
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
    found = Counter(word for count in counts for word in count)
    rarity = {word: math.log((1 + len(counts)) / (1 + documents)) for word, documents in found.items()}
    spelling = _spelling(one.text for section in sections for one in section)
    return [
        tuple(spelling[word] for word in sorted(count, key=lambda word: _rank(word, count, rarity))[:PER_CHAPTER])
        for count in counts
    ]


def _rank(word: str, count: Counter[str], rarity: dict[str, float]) -> tuple[float, int, str]:
    """Sorts the strongest first; equals by how often they are said, then by the alphabet."""
    return -count[word] * rarity[word], -count[word], word


def _spelling(texts: Iterable[str]) -> dict[str, str]:
    """For each word in lower case its most frequent spelling; small letters win a draw."""
    seen: Counter[str] = Counter()
    for text in texts:
        seen.update(tokens.spelled(text))
    ranking = sorted(seen, key=lambda word: (seen[word], word))
    # the best comes last, and stays; capitals sort before small letters
    return {word.lower(): word for word in ranking}
