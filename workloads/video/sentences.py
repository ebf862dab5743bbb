"""Sentences: cues cut where a sentence ends, and joined where one runs on into the next cue."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from workloads.video import tokens
from workloads.video.transcript import Cue

# A pause this long ends a sentence, whatever its punctuation says.
MAX_PAUSE_MS = 3_000
# Automatic captions have no full stops; nobody can read more than this at once, and a hostile file may
# hold megabytes in one cue.
MAX_CHARACTERS = 400

# The end of a sentence: its mark, closing quotes or brackets, a space, and then nothing in lower case.
_END = re.compile(r"(?<=[^\s.?!…])[.?!…]+[\"'\u201d\u2019)\]]*(?=\s+[^\sa-z])")
_CLOSED = re.compile(r"[.?!…][\"'\u201d\u2019)\]]*$")
# A point after these belongs to them.
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"\u201c])(?:[A-Za-z]|Mr|Mrs|Ms|Dr|St|Jr|Sr|Prof|Gen|Col|Capt|Lt|vs|No|Nos|approx|ca)$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """What one speaker said, word for word, and where it stands.

    ``cue`` and ``last_cue`` are positions in the list of cues that it was made from; ``start_ms`` is the
    start of the first of them. ``words`` are those of the text, and there is at least one.
    """

    text: str
    start_ms: int
    cue: int
    last_cue: int
    speaker: str | None
    words: tuple[str, ...]


def sentences(cues: Iterable[Cue]) -> Iterator[Sentence]:
    """Cut and join cues into sentences, in order; what holds no word is left out."""
    run: list[tuple[int, Cue]] = []
    for position, cue in enumerate(cues):
        if run and not _runs_on(run[-1][1], cue):
            yield from _cut(run)
            run = []
        run.append((position, cue))
    yield from _cut(run)


def _runs_on(before: Cue, cue: Cue) -> bool:
    """Whether a sentence may be under way from one cue to the next."""
    near = cue.start_ms - before.end_ms <= MAX_PAUSE_MS
    return near and cue.speaker == before.speaker and not _CLOSED.search(before.text)


def _cut(run: list[tuple[int, Cue]]) -> Iterator[Sentence]:
    """The sentences of cues that run on into each other, each with the cues that its ends lie in."""
    text = " ".join(cue.text for _, cue in run)
    starts = [0]
    for _, cue in run[:-1]:
        starts.append(starts[-1] + len(cue.text) + 1)
    at = 0
    for first, end in _pieces(text):
        while at + 1 < len(starts) and starts[at + 1] <= first:
            at += 1
        last = at
        while last + 1 < len(starts) and starts[last + 1] < end:
            last += 1
        words = tuple(tokens.words(text[first:end]))
        if words:
            position, cue = run[at]
            yield Sentence(
                text=text[first:end],
                start_ms=cue.start_ms,
                cue=position,
                last_cue=run[last][0],
                speaker=cue.speaker,
                words=words,
            )


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Where each sentence begins and ends, none longer than the limit."""
    begin = 0
    for mark in _END.finditer(text):
        if not _ABBREVIATION.search(text, max(0, mark.start() - 8), mark.start()):
            yield from _short(text, begin, mark.end())
            begin = mark.end() + 1
    yield from _short(text, begin, len(text))


def _short(text: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """The span, cut between words where it is too long."""
    while end - begin > MAX_CHARACTERS:
        space = text.rfind(" ", begin + 1, begin + MAX_CHARACTERS + 1)
        cut = space if space > begin else begin + MAX_CHARACTERS
        yield begin, cut
        begin = cut + (text[cut] == " ")
    if end > begin:
        yield begin, end
