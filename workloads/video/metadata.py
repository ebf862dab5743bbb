"""What can be told of a video before anything is understood of it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from workloads.video.transcript import Cue


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """``duration_ms`` runs from the recording's beginning to the end of its last cue.

    ``cues`` are those of the source; ``words`` are runs of characters between spaces, as a word
    processor counts them; ``speakers`` names each with the number of times they speak, the most
    talkative first.
    """

    duration_ms: int
    cues: int
    words: int
    speakers: tuple[tuple[str, int], ...]


def describe(cues: Iterable[Cue]) -> Metadata:
    """Measure a transcript in one pass over its cues."""
    duration, words = 0, 0
    numbers: set[int] = set()
    speakers: Counter[str] = Counter()
    for cue in cues:
        duration = max(duration, cue.end_ms)
        words += len(cue.text.split())
        numbers.add(cue.number)
        if cue.speaker:
            speakers[cue.speaker] += 1
    ranking = sorted(speakers.items(), key=lambda item: (-item[1], item[0]))
    return Metadata(duration_ms=duration, cues=len(numbers), words=words, speakers=tuple(ranking))
