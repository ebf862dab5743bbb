"""A WebVTT or SubRip text, read into cues that the other stages can trust."""

import html
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import webvtt
from webvtt.errors import MalformedFileError
from webvtt.models import Caption

from workloads.video.problem import InputProblem

Format = Literal["vtt", "srt"]

# Where one speaker's words begin inside a cue. The name may not hold "<": a tag left open stays text.
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?[ \t]+([^\s<>][^<>]*)>")
# SubRip players know these; they are placement, not words.
_OVERRIDE = re.compile(r"\{\\[^{}]*\}")
# What the player shows as a speaker's name in files that have no voice tags: "MISSION CONTROL: Go."
_NAMED = re.compile(r"(?:-[ ]?|>>[ ]?)?([A-Z][A-Z0-9 .'/-]{1,30}):\s")
_SPACE = re.compile(r"\s+")
_TIMING = re.compile(r"(?m)^[ \t]*\d+(?::\d+)+([.,])\d+[ \t]*-->")

# Live captions scroll: each cue repeats the line before. They follow each other this closely.
_SCROLL_GAP_MS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """What one speaker says in one cue: times in milliseconds, plain text on one line, never empty.

    ``number`` counts the cues of the source from 1; a source cue with two voices gives two of these
    with the same number.
    """

    number: int
    start_ms: int
    end_ms: int
    speaker: str | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """Cues in the order of their start; ``unreadable`` is how many of the source's cues were refused."""

    cues: tuple[Cue, ...]
    unreadable: int


def sniff(text: str, extension: str) -> Format:
    """Tell WebVTT from SubRip by what stands in the text; the extension only words the complaint.

    Raises:
        InputProblem: It is neither; the message says what is missing.
    """
    if re.match(r"[\r\n]*WEBVTT(?:\s|$)", text):
        return "vtt"
    timing = _TIMING.search(text)
    if timing is None:
        raise InputProblem(_no_transcript(text))
    if timing[1] == "." or extension == ".vtt":
        raise InputProblem(
            "The WEBVTT header is missing. Put a line that says WEBVTT and an empty line at the top;"
            " or, if the file is SubRip, name it .srt and write the times with a comma."
        )
    return "srt"


def _no_transcript(text: str) -> str:
    if text.lstrip()[:9].lower().startswith(("<!doctype", "<html")):
        return "This is a web page, not a transcript. Give the address of the .vtt or .srt file itself."
    return "No cue was found: this is neither WebVTT nor SubRip. Export the captions as .vtt or .srt."


def parse(text: str, form: Format) -> Transcript:
    """Read every cue that can be read.

    Cues are put in the order of their start times, a cue that ends before it begins is taken to end
    where it begins, comments and styles are left out, tags and control characters are taken out of
    the text, and the lines that scrolling captions repeat are dropped.

    Raises:
        InputProblem: There is no cue in it that can be read.
    """
    try:
        captions = webvtt.from_buffer(io.StringIO(text.lstrip("\r\n"), newline=""), format=form).captions
    except MalformedFileError as error:
        raise InputProblem(
            "The first cue cannot be read: SubRip begins with a number on its own line,"
            " then 00:00:01,000 --> 00:00:02,000, then the text."
        ) from error
    captions.sort(key=lambda caption: caption.start_time.in_milliseconds())
    cues = tuple(_unscrolled(_cues(captions)))
    if not cues:
        raise InputProblem("There is no cue with text in it. Export the captions again, with their text.")
    return Transcript(cues=cues, unreadable=max(0, text.count("-->") - len(captions)))


def _cues(captions: Iterable[Caption]) -> Iterator[list[Cue]]:
    for number, caption in enumerate(captions, start=1):
        start = caption.start_time.in_milliseconds()
        end = max(start, caption.end_time.in_milliseconds())
        yield [
            Cue(number=number, start_ms=start, end_ms=end, speaker=speaker, text=line)
            for speaker, lines in _voices(caption.raw_text)
            for line in lines
        ]


def _voices(raw: str) -> Iterator[tuple[str | None, list[str]]]:
    """The lines of each speaker in a cue."""
    first, *voiced = _VOICE.split(raw)
    for speaker, spoken in [(None, first), *zip(voiced[::2], voiced[1::2], strict=True)]:
        lines = [line for line in map(_plain, Caption(text=spoken).text.split("\n")) if line]
        yield (_plain(speaker) if speaker else _named(lines)), lines


def _named(lines: list[str]) -> str | None:
    named = _NAMED.match(lines[0]) if lines else None
    return named[1].strip() if named else None


def _plain(line: str) -> str:
    """The line as a reader sees it: no entities, no marks, nothing that steers a terminal or a page."""
    shown = html.unescape(_OVERRIDE.sub("", line))
    kept = "".join(" " if unicodedata.category(char) in {"Cc", "Cf"} else char for char in shown)
    return _SPACE.sub(" ", kept).strip()


def _unscrolled(source: Iterable[list[Cue]]) -> Iterator[Cue]:
    """One cue for each speaker of a source cue, its lines joined, without those said before."""
    before: Cue | None = None
    for lines in source:
        fresh = lines[1:] if before is not None and _scrolls(before, lines) else lines
        yield from _joined(fresh)
        before = lines[-1] if lines else before


def _scrolls(before: Cue, lines: list[Cue]) -> bool:
    """Whether the first line only stands there since it was said before.

    A repeated line under which nothing new comes is taken for an echo if it flashes by (live captions
    show each line once more, for an instant); otherwise two people say the same word in turn.
    """
    if not lines or lines[0].text != before.text or lines[0].speaker != before.speaker:
        return False
    follows = lines[0].start_ms - before.end_ms <= _SCROLL_GAP_MS
    return follows and (len(lines) > 1 or lines[0].end_ms - lines[0].start_ms <= _SCROLL_GAP_MS)


def _joined(lines: list[Cue]) -> Iterator[Cue]:
    """Lines of the same speaker become one cue."""
    ahead: list[Cue] = []
    for line in [*lines, None]:
        if ahead and (line is None or line.speaker != ahead[0].speaker):
            one = ahead[0]
            text = " ".join(part.text for part in ahead)
            yield Cue(number=one.number, start_ms=one.start_ms, end_ms=one.end_ms, speaker=one.speaker, text=text)
            ahead = []
        if line is not None:
            ahead.append(line)
