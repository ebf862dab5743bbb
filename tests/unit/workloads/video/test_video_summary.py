"""Which sentences make the summary."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.workloads.video.speech import sentence
from workloads.video import vectors
from workloads.video.ranking import centrality
from workloads.video.sections import Section
from workloads.video.sentences import Sentence
from workloads.video.summary import CHUNK_CUES, CHUNK_SENTENCES, Chunk, Summary, chunks


def section(spoken: Sequence[Sentence], cues: int, first: int = 0) -> Section:
    return Section(start_ms=0, first=first, cues=cues, keywords=(), sentences=tuple(spoken))


def summarised(spoken: Sequence[Sentence], take: int) -> list[str]:
    summary = Summary(vectors.rarity(one.words for one in spoken))
    return [one.text for one in summary.add(Chunk(section=0, sentences=tuple(spoken), take=take))]


def test_the_sentence_that_shares_most_is_the_most_central() -> None:
    ranks = centrality(
        [
            sentence("the engine burns oil"),
            sentence("oil and fuel for the engine and the heater"),
            sentence("the heater drinks fuel"),
            sentence("a bird sings"),
            sentence("no child laughed"),
        ]
    )
    assert ranks[1] == 1.0
    assert max(ranks[0], ranks[2]) < 1.0


def test_sentences_that_share_nothing_can_be_ranked() -> None:
    assert centrality([sentence("over"), sentence("and out")]) == [0.0, 0.0]
    assert centrality([]) == []


CENTRAL = "The landing radar sees the surface of the landing site"
AGAIN = "The landing radar sees the surface at the landing site"
OTHER = "The surface of the moon is a fine grey powder of rock"


def test_the_same_thing_is_not_said_twice() -> None:
    assert summarised([sentence(CENTRAL), sentence(AGAIN), sentence(OTHER)], 2)[1] == OTHER


def test_of_new_things_the_most_central_is_said() -> None:
    spoken = [
        sentence("A heater in the cabin burns the fuel of the tank"),
        sentence("The engine burns the fuel and the oil of the lander"),
        sentence("The lander leaks oil on the rocks near the crater"),
        sentence("Music from a tape recorder pleases the whole family tonight"),
    ]
    assert summarised(spoken, 1) == [spoken[1].text]


def test_what_an_earlier_chunk_said_is_not_said_again() -> None:
    spoken = [sentence(CENTRAL), sentence(AGAIN), sentence(OTHER)]
    summary = Summary(vectors.rarity(one.words for one in spoken))
    summary.add(Chunk(section=0, sentences=(spoken[0],), take=1))
    (second,) = summary.add(Chunk(section=0, sentences=(spoken[1], spoken[2]), take=1))
    assert second.text == OTHER


def test_sentences_come_in_the_order_of_the_transcript() -> None:
    spoken = [sentence(OTHER), sentence(CENTRAL)]
    assert summarised(spoken, 2) == [OTHER, CENTRAL]


def test_calls_and_tables_are_passed_over() -> None:
    table = "NOUN 33 with 101 36 14 and plus 00098 minus 00758 plus 572 perigee plus 85 over to you Neil"
    assert summarised([sentence("Roger, Houston."), sentence(CENTRAL), sentence(table)], 1) == [CENTRAL]


@pytest.mark.parametrize(
    ("text", "reads_well"),
    [
        ("radar beacon locks on at the far side", True),
        ("radar beacon locks on at far side", False),  # seven words
        (" ".join(["radar", "beacon", "locks", "side", *["the"] * 36]), True),
        (" ".join(["radar", "beacon", "locks", "side", *["the"] * 37]), False),  # 41 words
        ("it is the beacon on the far side", False),  # three words of content
        ("radar beacon 1 locks 2 on at the far side", True),
        ("radar beacon 1 locks 2 on 3 at the far side", False),  # three figures to eight words
    ],
)
def test_only_what_reads_well_is_taken(text: str, *, reads_well: bool) -> None:
    assert (text in summarised([sentence(text), sentence(CENTRAL)], 2)) is reads_well


def test_where_nothing_reads_well_something_is_said_all_the_same() -> None:
    assert summarised([sentence("Roger.")], 2) == ["Roger."]
    assert summarised([sentence("Roger."), sentence("Go for docking, Eagle.")], 1) == ["Go for docking, Eagle."]


@given(st.lists(st.tuples(st.integers(1, 400), st.integers(1, 5)), min_size=1, max_size=6))
def test_every_sentence_is_in_one_chunk_of_about_60_cues(sizes: list[tuple[int, int]]) -> None:
    parts, first = [], 0
    for cues, each in sizes:
        spoken = [sentence("Roger", at=first + at) for at in range(cues) for _ in range(each)]
        parts.append(section(spoken, cues, first))
        first += cues
    found = chunks(parts)
    assert [one for chunk in found for one in chunk.sentences] == [one for part in parts for one in part.sentences]
    assert [chunk.section for chunk in found] == sorted(chunk.section for chunk in found)
    for chunk in found:
        assert len({one.cue for one in chunk.sentences}) <= CHUNK_CUES * 1.5
        assert 1 <= len(chunk.sentences) <= CHUNK_SENTENCES
        assert chunk.take >= 1


@pytest.mark.parametrize(("cues", "takes"), [(1, [1]), (44, [1]), (46, [2]), (89, [3]), (91, [2, 2]), (120, [2, 2])])
def test_a_sentence_is_taken_for_every_thirty_cues(cues: int, takes: list[int]) -> None:
    spoken = [sentence("Roger", at=at) for at in range(cues)]
    assert [chunk.take for chunk in chunks([section(spoken, cues)])] == takes


def test_a_chunk_that_is_cut_up_shares_what_is_taken() -> None:
    spoken = [sentence("Roger", at=at) for at in range(60) for _ in range(5)]
    assert [(len(chunk.sentences), chunk.take) for chunk in chunks([section(spoken, 60)])] == [(240, 1), (60, 1)]


def test_a_cue_of_a_thousand_sentences_is_cut_up() -> None:
    found = chunks([section([sentence("Roger")] * 1000, 1)])
    assert [len(chunk.sentences) for chunk in found] == [240, 240, 240, 240, 40]
