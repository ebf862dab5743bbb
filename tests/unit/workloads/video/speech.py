"""Made-up transcripts for the tests of the video workload."""

from workloads.video import tokens
from workloads.video.sentences import Sentence
from workloads.video.transcript import Cue


def cue(number: int, text: str, start_s: float, speaker: str | None = None) -> Cue:
    """A cue of one second."""
    start_ms = round(start_s * 1000)
    return Cue(number=number, start_ms=start_ms, end_ms=start_ms + 1000, speaker=speaker, text=text)


def sentence(text: str, at: int = 0, speaker: str | None = None) -> Sentence:
    """A sentence that fills the cue at a position, one cue a second."""
    words = tuple(tokens.words(text))
    return Sentence(text=text, start_ms=at * 1000, cue=at, last_cue=at, speaker=speaker, words=words)
