"""Texts as vectors."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.video.vectors import cosine, rarity, vector

WORDS = st.lists(st.sampled_from("abcdef"))


def test_a_word_weighs_more_the_fewer_documents_hold_it() -> None:
    assert rarity([["go", "go"], ["go", "eagle"]]) == pytest.approx({"go": 1.0, "eagle": math.log(3 / 2) + 1})


def test_what_has_no_weight_has_no_direction() -> None:
    assert vector([], {"go": 1.0}) == {}
    assert vector(["eagle"], {"go": 1.0}) == {}


@given(WORDS, WORDS)
def test_likeness_is_symmetric_and_whole_with_oneself(one: list[str], other: list[str]) -> None:
    weights = rarity([one, other])
    left, right = vector(one, weights), vector(other, weights)
    assert cosine(left, right) == pytest.approx(cosine(right, left))
    assert cosine(left, left) == pytest.approx(1.0 if one else 0.0)
    assert (cosine(left, right) > 0) == bool(set(one) & set(other))
