"""Chapters by pauses and by what is talked about."""

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.workloads.video.speech import cue
from workloads.video.chapters import SHORTEST, Chapter, chapters
from workloads.video.transcript import Cue

KITCHEN = ["flour and butter", "butter in the oven", "oven dough rises", "dough wants flour"]
GARAGE = ["engine oil leaks", "oil the wheel", "wheel brakes squeal", "brakes stop the engine"]


def talk(*topics: tuple[list[str], int], pause_s: float = 0) -> list[Cue]:
    found: list[Cue] = []
    clock = 0.0
    for lines, count in topics:
        for at in range(count):
            found.append(cue(len(found) + 1, lines[at % len(lines)], clock))
            clock += 1
        clock += pause_s
    return found


def of(cues: list[Cue]) -> list[Chapter]:
    return chapters(cues, range(len(cues)))


def test_a_change_of_words_begins_a_chapter() -> None:
    cues = talk((KITCHEN, 100), (GARAGE, 100))
    assert of(cues) == [Chapter(first=0, end=100), Chapter(first=100, end=200)]


def test_a_long_pause_begins_a_chapter() -> None:
    cues = talk((KITCHEN, 100), (KITCHEN, 100), pause_s=3600)
    assert of(cues) == [Chapter(first=0, end=100), Chapter(first=100, end=200)]


def test_talk_of_one_thing_is_one_chapter() -> None:
    assert of(talk((KITCHEN, 200))) == [Chapter(first=0, end=200)]


def test_a_cue_that_lasts_is_no_pause() -> None:
    cues = talk((KITCHEN, 100), (KITCHEN, 100), pause_s=3600)
    whole = Cue(number=0, start_ms=0, end_ms=10**9, speaker=None, text="flour and butter")
    assert of([whole, *cues]) == [Chapter(first=0, end=201)]


def test_a_long_talk_has_longer_chapters() -> None:
    cues = talk(*[(topic, 50) for _ in range(60) for topic in (KITCHEN, GARAGE)], pause_s=60)
    assert 1 < len(of(cues)) <= 60


def test_a_chapter_may_be_as_short_as_the_limit_and_no_shorter() -> None:
    assert len(of(talk((KITCHEN, SHORTEST), (KITCHEN, SHORTEST), pause_s=3600))) == 2
    assert len(of(talk((KITCHEN, SHORTEST - 1), (KITCHEN, SHORTEST + 1), pause_s=3600))) == 1
    assert len(of(talk((KITCHEN, SHORTEST + 1), (KITCHEN, SHORTEST - 1), pause_s=3600))) == 1


LINES = st.sampled_from([*KITCHEN, *GARAGE, "...", "1201"])


@given(st.lists(st.tuples(LINES, st.sampled_from([0, 0, 0, 500])), min_size=1, max_size=200))
def test_chapters_leave_no_cue_out_and_none_is_short(said: list[tuple[str, int]]) -> None:
    clock = 0.0
    cues: list[Cue] = []
    for text, pause_s in said:
        clock += 1 + pause_s
        cues.append(cue(len(cues) + 1, text, clock))
    found = of(cues)
    assert [at for part in found for at in range(part.first, part.end)] == list(range(len(cues)))
    assert len(found) == 1 or min(part.end - part.first for part in found) >= SHORTEST
