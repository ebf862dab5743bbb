"""How central each sentence is to those around it: LexRank, from sumy, with our own words."""

from collections.abc import Sequence
from typing import Protocol

import numpy
from sumy.models.dom import ObjectDocumentModel, Paragraph
from sumy.models.dom import Sentence as Node
from sumy.summarizers.lex_rank import LexRankSummarizer

from workloads.video import tokens
from workloads.video.sentences import Sentence

# Sumy stops at a change of 0.1, which is after two or three steps: before the ranks have settled.
PRECISION = 1e-6
# Ranks beyond this are the noise of adding in another order, and must not decide between equals.
DIGITS = 9


class _Rated(Protocol):
    order: int
    rating: float


class _Words:
    """The tokenizer that sumy asks for."""

    @staticmethod
    def to_words(text: str) -> list[str]:
        return tokens.content(tokens.words(text))


def centrality(sentences: Sequence[Sentence]) -> list[float]:
    """The LexRank of each sentence among them all, from 0 to 1 (the most central).

    The time is quadratic in the number of sentences.
    """
    document = ObjectDocumentModel([Paragraph([Node(one.text, _Words) for one in sentences])])
    ranks = [0.0] * len(sentences)

    def keep(rated: Sequence[_Rated]) -> Sequence[_Rated]:
        """Take the place of sumy's choice of the best so many: we choose ourselves."""
        for one in rated:
            ranks[one.order] = float(one.rating)
        return rated

    summarizer = LexRankSummarizer()
    summarizer.epsilon = PRECISION
    # of sentences that have nothing in common the ranks are 0 / 0
    with numpy.errstate(invalid="ignore"):
        summarizer(document, keep)
    return _scaled(ranks)


def _scaled(ranks: Sequence[float]) -> list[float]:
    known = [0.0 if rank != rank else rank for rank in ranks]  # noqa: PLR0124 - true of NaN alone
    top = max(known, default=0.0)
    return [round(rank / top, DIGITS) if top else 0.0 for rank in known]
