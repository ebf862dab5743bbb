"""Sections: chapters with what is said in them and what they are about."""

from collections.abc import Sequence
from dataclasses import dataclass

from workloads.video.chapters import Chapter
from workloads.video.keywords import keywords
from workloads.video.sentences import Sentence
from workloads.video.transcript import Cue


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A chapter with its keywords and its sentences: all of them, or those that a summary took.

    ``cues`` is how many cues it spans; a sentence belongs to the section that it begins in.
    """

    start_ms: int
    first: int
    cues: int
    keywords: tuple[str, ...]
    sentences: tuple[Sentence, ...]


def sections(cues: Sequence[Cue], spoken: Sequence[Sentence], parts: Sequence[Chapter]) -> list[Section]:
    """Put the sentences into their chapters; a chapter in which nothing is said joins the one before it."""
    joined = _with_words(parts, {one.cue for one in spoken})
    said = [tuple(one for one in spoken if part.first <= one.cue < part.end) for part in joined]
    return [
        Section(
            start_ms=cues[part.first].start_ms,
            first=part.first,
            cues=part.end - part.first,
            keywords=words,
            sentences=inside,
        )
        for part, inside, words in zip(joined, said, keywords(said), strict=True)
    ]


def _with_words(parts: Sequence[Chapter], spoken: set[int]) -> list[Chapter]:
    joined: list[Chapter] = []
    first = parts[0].first
    for part in parts:
        if spoken.isdisjoint(range(part.first, part.end)):
            if joined:
                joined[-1] = Chapter(first=joined[-1].first, end=part.end)
                first = part.end
        else:
            joined.append(Chapter(first=first, end=part.end))
            first = part.end
    return joined
