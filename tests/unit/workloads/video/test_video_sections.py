"""Chapters with their sentences, and their keywords."""

from tests.unit.workloads.video.speech import cue, sentence
from workloads.video.chapters import Chapter
from workloads.video.keywords import keywords
from workloads.video.sections import sections


def test_keywords_set_a_section_apart_from_the_rest() -> None:
    kitchen = [sentence("The oven heats the dough"), sentence("Dough from the oven, Houston")]
    garage = [sentence("The engine burns oil"), sentence("Oil the engine, Houston")]
    oven, engine = keywords([kitchen, garage])
    assert oven[:2] == ("dough", "oven")
    assert engine[:2] == ("engine", "oil")
    assert oven[-1] == engine[-1] == "Houston"


def test_a_section_has_five_keywords() -> None:
    assert [len(words) for words in keywords([[sentence("one fish two birds three horses four cats sleep")]])] == [5]


def test_a_frequent_word_that_is_everywhere_is_no_keyword() -> None:
    here = [sentence("Houston Houston Houston Houston rover")]
    there = [sentence("Houston Houston Houston Houston Houston lander")]
    assert [words[0] for words in keywords([here, there])] == ["rover", "lander"]


def test_keywords_of_a_single_section_are_the_most_frequent() -> None:
    assert keywords([[sentence("oven oven dough the the the")]]) == [("oven", "dough")]


def test_keywords_are_spelled_as_they_mostly_are() -> None:
    assert keywords([[sentence("DSKY"), sentence("Dsky"), sentence("DSKY")]]) == [("DSKY",)]


def test_a_section_without_content_has_no_keywords() -> None:
    assert keywords([[sentence("that is it")]]) == [()]


def test_a_sentence_belongs_where_it_begins() -> None:
    cues = [cue(at + 1, "text", at) for at in range(4)]
    spoken = [sentence("Roger that", at=0), sentence("over", at=1), sentence("and out", at=3)]
    parts = [Chapter(first=0, end=2), Chapter(first=2, end=4)]
    first, second = sections(cues, spoken, parts)
    assert (first.start_ms, first.cues, first.sentences) == (0, 2, (spoken[0], spoken[1]))
    assert (second.start_ms, second.cues, second.sentences) == (2000, 2, (spoken[2],))


def test_chapters_in_which_nothing_is_said_join_their_neighbour() -> None:
    cues = [cue(at + 1, "text", at) for at in range(8)]
    parts = [Chapter(first=at, end=at + 2) for at in range(0, 8, 2)]
    (only,) = sections(cues, [sentence("Roger", at=2)], parts)
    assert (only.first, only.cues) == (0, 8)
