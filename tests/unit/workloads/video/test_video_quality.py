"""Coverage and redundancy."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.workloads.video.speech import sentence
from workloads.video import vectors
from workloads.video.quality import SEEDS, Judge, Quality, Verdict, rivals, verdict
from workloads.video.sentences import Sentence

SPOKEN = [sentence("engine oil"), sentence("oil leak"), sentence("garden rose"), sentence("over and out")]


def judge(spoken: list[Sentence]) -> Judge:
    return Judge(spoken, vectors.rarity(one.words for one in spoken))


def test_coverage_is_the_share_of_the_weight_of_content_words() -> None:
    rare, common = math.log(5 / 2) + 1, math.log(5 / 3) + 1
    whole = 4 * rare + 2 * common
    assert judge(SPOKEN).measure(SPOKEN[:1]).coverage == pytest.approx((rare + 2 * common) / whole)


def test_everything_covers_everything_and_stop_words_do_not_count() -> None:
    assert judge(SPOKEN).measure(SPOKEN[:3]).coverage == pytest.approx(1.0)
    assert judge(SPOKEN).measure(SPOKEN[3:]).coverage == 0.0


def test_redundancy_is_the_mean_likeness_to_the_nearest() -> None:
    rare, common = math.log(5 / 2) + 1, math.log(5 / 3) + 1
    like = common**2 / (rare**2 + common**2)
    assert judge(SPOKEN).measure(SPOKEN[:3]).redundancy == pytest.approx(2 * like / 3)


def test_saying_the_same_twice_is_wholly_redundant() -> None:
    assert judge(SPOKEN).measure([SPOKEN[3], SPOKEN[3]]).redundancy == pytest.approx(1.0)


def test_a_transcript_without_content_cannot_be_covered() -> None:
    small_talk = [sentence("over and out")]
    assert judge(small_talk).measure(small_talk).coverage == 0.0


def test_one_sentence_and_none_repeat_nothing() -> None:
    assert judge(SPOKEN).measure(SPOKEN[:1]).redundancy == 0.0
    assert judge(SPOKEN).measure([]) == Quality(coverage=0.0, redundancy=0.0)


@given(st.lists(st.sampled_from(SPOKEN)), st.sampled_from(SPOKEN))
def test_both_are_shares_and_more_sentences_never_cover_less(chosen: list[Sentence], more: Sentence) -> None:
    before, after = judge(SPOKEN).measure(chosen), judge(SPOKEN).measure([*chosen, more])
    assert 0 <= before.coverage <= after.coverage <= 1 + 1e-12
    assert 0 <= before.redundancy <= 1 + 1e-12


def test_rivals_are_the_first_and_a_draw_for_each_seed() -> None:
    first, *draws = rivals(SPOKEN, 2)
    assert first == SPOKEN[:2]
    assert len(draws) == len(SEEDS)
    assert all(len(draw) == 2 for draw in draws)
    assert len({tuple(one.text for one in draw) for draw in draws}) > 1
    assert rivals(SPOKEN, 2) == rivals(SPOKEN, 2)


def test_the_verdict_takes_the_mean_of_the_draws() -> None:
    own, first = Quality(coverage=0.5, redundancy=0.1), Quality(coverage=0.2, redundancy=0.3)
    draws = [Quality(coverage=0.2, redundancy=0.4), Quality(coverage=0.4, redundancy=0.2)]
    found = verdict(own, [first, *draws])
    assert (found.summary, found.first) == (own, first)
    assert (found.drawn.coverage, found.drawn.redundancy) == pytest.approx((0.3, 0.3))


def test_a_summary_worse_than_its_rivals_has_problems() -> None:
    good, bad = Quality(coverage=0.5, redundancy=0.1), Quality(coverage=0.2, redundancy=0.3)
    assert Verdict(summary=good, first=bad, drawn=bad).problems() == []
    assert Verdict(summary=bad, first=good, drawn=bad).problems() == [
        "The summary covers less than the first as many sentences",
        "The summary repeats itself more than the first as many sentences",
    ]
    assert Verdict(summary=bad, first=bad, drawn=good).problems() == [
        "The summary covers less than as many random sentences",
        "The summary repeats itself more than as many random sentences",
    ]
