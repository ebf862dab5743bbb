"""The summary as a Markdown document, every sentence at its time stamp."""

import re
from collections.abc import Iterator, Sequence

from workloads.video.metadata import Metadata
from workloads.video.quality import Verdict
from workloads.video.sections import Section
from workloads.video.sentences import Sentence
from workloads.video.timestamp import clock

# What would be taken for markup. A transcript is somebody else's text: it must not become a link or a tag.
_MARKUP = re.compile(r"[\\`*_\[\]<>|~]|&(?=#?\w+;)")

MOST_SPEAKERS = 8


def document(title: str, facts: Metadata, sections: Sequence[Section], verdict: Verdict) -> str:
    """Write the whole summary; ends with a newline."""
    blocks = [f"# {escape(title)}", "\n".join(_facts(facts, sections)), *_chapters(sections)]
    return "\n\n".join([*blocks, "## Quality", "\n".join(_quality(verdict))]) + "\n"


def escape(text: str) -> str:
    r"""Keep a text from being read as markup, without changing what is shown.

    >>> escape("5 * [a](b) <c>")
    '5 \\* \\[a\\](b) \\<c\\>'
    """
    return _MARKUP.sub(lambda found: "\\" + found[0], text)


def _facts(facts: Metadata, sections: Sequence[Section]) -> Iterator[str]:
    quoted = sum(len(section.sentences) for section in sections)
    yield f"- Duration: {clock(facts.duration_ms)}"
    yield f"- Transcript: {facts.words:,} words in {facts.cues:,} cues"
    if facts.speakers:
        yield f"- Speakers: {_speakers(facts.speakers)}"
    yield f"- Summary: {_count(quoted, 'sentence')} in {_count(len(sections), 'chapter')}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _speakers(speakers: Sequence[tuple[str, int]]) -> str:
    named = [f"{escape(name)} ({count:,})" for name, count in speakers[:MOST_SPEAKERS]]
    rest = len(speakers) - len(named)
    return ", ".join([*named, f"{rest} more"] if rest else named)


def _chapters(sections: Sequence[Section]) -> Iterator[str]:
    for number, section in enumerate(sections, start=1):
        yield f"## {number}. {clock(section.start_ms)} {escape(', '.join(section.keywords))}".rstrip()
        yield "\n".join(_quote(one) for one in section.sentences)


def _quote(sentence: Sentence) -> str:
    speaker = f"{escape(sentence.speaker)}: " if sentence.speaker else ""
    return f"- **{clock(sentence.start_ms)}** {speaker}{escape(sentence.text)}"


def _quality(verdict: Verdict) -> Iterator[str]:
    yield "| sentences | coverage | redundancy |"
    yield "|---|---|---|"
    rows = (
        ("this summary", verdict.summary),
        ("the first as many", verdict.first),
        ("as many at random", verdict.drawn),
    )
    for name, quality in rows:
        yield f"| {name} | {quality.coverage:.1%} | {quality.redundancy:.1%} |"
