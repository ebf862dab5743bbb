"""Texts as vectors of their words, weighed by how rare each word is.

Weights are tf-idf with the smoothed idf that scikit-learn uses, ln((1 + n) / (1 + df)) + 1: a word that
stands everywhere keeps a little weight, so that two texts of such words alone can still be alike.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping

Vector = dict[str, float]


def rarity(documents: Iterable[Iterable[str]]) -> dict[str, float]:
    """The idf of every word in the documents, in the order in which they first occur."""
    total = 0
    found: Counter[str] = Counter()
    for document in documents:
        total += 1
        found.update(dict.fromkeys(document).keys())
    return {word: math.log((1 + total) / (1 + count)) + 1 for word, count in found.items()}


def vector(words: Iterable[str], weights: Mapping[str, float]) -> Vector:
    """The tf-idf vector of some words, of length 1; empty if none of them has a weight.

    >>> vector(["go", "go"], {"go": 2.0})
    {'go': 1.0}
    """
    return weigh(Counter(words), weights)


def weigh(counts: Mapping[str, int], weights: Mapping[str, float]) -> Vector:
    """The same from words that are counted already."""
    raw = {word: count * weights[word] for word, count in counts.items() if word in weights}
    length = math.sqrt(sum(value * value for value in raw.values()))
    return {word: value / length for word, value in raw.items()} if length else {}


def cosine(one: Vector, other: Vector) -> float:
    """How alike two vectors of length 1 are, from 0 (no word in common) to 1."""
    if len(other) < len(one):
        one, other = other, one
    return sum(value * other[word] for word, value in one.items() if word in other)
