"""The summary as a document, and the facts at its head."""

import re

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.workloads.video.speech import cue, sentence
from workloads.video.markdown import document, escape
from workloads.video.metadata import Metadata, describe
from workloads.video.quality import Quality, Verdict
from workloads.video.sections import Section
from workloads.video.timestamp import clock

VERDICT = Verdict(
    summary=Quality(coverage=0.61, redundancy=0.25),
    first=Quality(coverage=0.2, redundancy=0.5),
    drawn=Quality(coverage=0.3, redundancy=0.4),
)


def test_metadata_counts_words_cues_and_speakers() -> None:
    cues = [cue(1, "Go for  landing", 0, "Neil"), cue(2, "Roger", 9, "Buzz"), cue(2, "Aye", 9, "Buzz")]
    assert describe(cues) == Metadata(duration_ms=10_000, cues=2, words=5, speakers=(("Buzz", 2), ("Neil", 1)))


def test_of_speakers_who_speak_alike_the_first_in_the_alphabet_comes_first() -> None:
    cues = [cue(1, "Go", 0, "Neil"), cue(2, "Go", 9, "Buzz")]
    assert describe(cues).speakers == (("Buzz", 1), ("Neil", 1))


def test_times_have_as_many_digits_of_hours_as_they_need() -> None:
    assert [clock(0), clock(3_599_999), clock(703_079_000)] == ["0:00:00", "0:59:59", "195:17:59"]


def test_every_sentence_stands_at_its_time_under_its_chapter() -> None:
    section = Section(
        start_ms=3_600_000,
        first=0,
        cues=9,
        keywords=("Eagle", "radar"),
        sentences=(sentence("Go [now].", at=3661, speaker="Neil"), sentence("Roger.", at=360_000)),
    )
    facts = Metadata(duration_ms=360_001_000, cues=1234, words=5678, speakers=(("Neil", 1000), ("Buzz", 2)))
    assert document("talk.vtt", facts, [section], VERDICT) == (
        "# talk.vtt\n\n"
        "- Duration: 100:00:01\n"
        "- Transcript: 5,678 words in 1,234 cues\n"
        "- Speakers: Neil (1,000), Buzz (2)\n"
        "- Summary: 2 sentences in 1 chapter\n\n"
        "## 1. 1:00:00 Eagle, radar\n\n"
        "- **1:01:01** Neil: Go \\[now\\].\n"
        "- **100:00:00** Roger.\n\n"
        "## Quality\n\n"
        "| sentences | coverage | redundancy |\n"
        "|---|---|---|\n"
        "| this summary | 61.0% | 25.0% |\n"
        "| the first as many | 20.0% | 50.0% |\n"
        "| as many at random | 30.0% | 40.0% |\n"
    )


def test_a_crowd_of_speakers_is_cut_short() -> None:
    crowd = tuple((f"Guest {at}", 1) for at in range(12))
    facts = Metadata(duration_ms=0, cues=1, words=1, speakers=crowd)
    assert "Guest 7 (1), 4 more\n" in document("talk.vtt", facts, [], VERDICT)


@given(st.text("ab<>[]()*_`\\|~&;#3 !:/"))
def test_no_text_becomes_markup(text: str) -> None:
    written = escape(text)
    assert re.sub(r"\\([\\`*_\[\]<>|~&])", r"\1", written) == text
    bare = re.sub(r"\\.", " ", written)
    assert not re.search(r"[<>\[\]*_`|~]", bare)
    assert not re.search(r"&#?\w+;", bare)
