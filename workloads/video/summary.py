"""The summary: chunk by chunk, the sentences that say most, and not the same thing twice.

How central a sentence is to its chunk is LexRank's answer (Erkan and Radev, 2004). Which of the central
ones are taken is decided by maximal marginal relevance (Carbonell and Goldstein, 1998): each is marked
down by how much it is like one that was taken before, in this chunk or an earlier one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from workloads.video import tokens, vectors
from workloads.video.ranking import centrality
from workloads.video.sections import Section
from workloads.video.sentences import Sentence

CHUNK_CUES = 60
# One sentence for this many cues of a chunk, and never less than one.
CUES_PER_SENTENCE = 30
# Ranking takes time by the square of the sentences, and one hostile cue may hold thousands.
CHUNK_SENTENCES = 240
# What reads well on its own: shorter ones are calls and answers, longer ones lists read aloud.
FEWEST_WORDS, MOST_WORDS = 8, 40
FEWEST_CONTENT_WORDS = 4
# More figures than this to a word, and it is a table read aloud.
MOST_FIGURES = 0.25
# Of central and new, how much central counts.
BALANCE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Some sentences of one section (by number, from 0), and how many of them the summary takes."""

    section: int
    sentences: tuple[Sentence, ...]
    take: int


def chunks(parts: Iterable[Section]) -> list[Chunk]:
    """Cut every section into chunks of about 60 cues; each holds a sentence or more, and none is left out."""
    return [chunk for number, part in enumerate(parts) for chunk in _of_section(number, part)]


def _of_section(number: int, part: Section) -> list[Chunk]:
    count = max(1, round(part.cues / CHUNK_CUES))
    take = max(1, round(part.cues / count / CUES_PER_SENTENCE))
    groups = groupby(part.sentences, key=lambda one: (one.cue - part.first) * count // part.cues)
    cut = [_pieces(list(group)) for _, group in groups]
    return [
        Chunk(section=number, sentences=tuple(piece), take=max(1, take // len(pieces)))
        for pieces in cut
        for piece in pieces
    ]


def _pieces(spoken: Sequence[Sentence]) -> list[Sequence[Sentence]]:
    """The sentences of a chunk, cut again if they are too many to rank at once."""
    return [spoken[at : at + CHUNK_SENTENCES] for at in range(0, len(spoken), CHUNK_SENTENCES)]


class Summary:
    """A summary that grows by a chunk at a time and remembers what it holds.

    Args:
        weights: How rare each word of the transcript is.
    """

    def __init__(self, weights: Mapping[str, float]) -> None:
        self._weights = weights
        self._taken: list[vectors.Vector] = []

    def add(self, chunk: Chunk) -> list[Sentence]:
        """Take the best sentences of a chunk, and give them in the order of the transcript.

        There is at least one; there may be fewer than the chunk's ``take``, if it has no more.
        """
        ranks = centrality(chunk.sentences)
        readable = _readable(chunk.sentences)
        places = {at: vectors.vector(chunk.sentences[at].words, self._weights) for at in readable}
        alike = {at: self._nearest(place) for at, place in places.items()}
        chosen: list[int] = []
        while alike and len(chosen) < chunk.take:
            best = max(alike, key=lambda at: (BALANCE * ranks[at] - (1 - BALANCE) * alike[at], -at))
            chosen.append(best)
            del alike[best]
            self._taken.append(places[best])
            alike = {at: max(like, vectors.cosine(places[at], places[best])) for at, like in alike.items()}
        return [chunk.sentences[at] for at in sorted(chosen)]

    def _nearest(self, place: vectors.Vector) -> float:
        return max((vectors.cosine(place, other) for other in self._taken), default=0.0)


def _readable(spoken: Sequence[Sentence]) -> list[int]:
    """Which sentences may stand in a summary; where none reads well, those that come nearest to it."""
    everything = range(len(spoken))
    well = [at for at in everything if _reads_well(spoken[at])]
    return well or [at for at in everything if len(spoken[at].words) * 2 >= FEWEST_WORDS] or list(everything)


def _reads_well(sentence: Sentence) -> bool:
    length = len(sentence.words)
    return (
        FEWEST_WORDS <= length <= MOST_WORDS
        and len(tokens.content(sentence.words)) >= FEWEST_CONTENT_WORDS
        and tokens.figures(sentence.text) <= MOST_FIGURES * length
    )
