"""Cues cut and joined into sentences."""

from hypothesis import given
from hypothesis import strategies as st

from workloads.video import tokens
from workloads.video.sentences import MAX_CHARACTERS, MAX_PAUSE_MS, sentences
from workloads.video.transcript import Cue


def cues(*said: str, speaker: str | None = None, pause_ms: int = 0) -> list[Cue]:
    step = 1000 + pause_ms
    return [
        Cue(number=at + 1, start_ms=at * step, end_ms=at * step + 1000, speaker=speaker, text=text)
        for at, text in enumerate(said)
    ]


def texts(source: list[Cue]) -> list[str]:
    return [one.text for one in sentences(source)]


def test_a_cue_is_cut_where_sentences_end() -> None:
    assert texts(cues("Go for landing. Eagle! You read? Over")) == ["Go for landing.", "Eagle!", "You read?", "Over"]


def test_points_inside_a_sentence_do_not_end_it() -> None:
    said = "Mr. Duke saw 14.07 feet ... give or take, at about 5 p. m. in Houston"
    assert texts(cues(said)) == [said]


def test_quotes_close_before_the_sentence_ends() -> None:
    assert texts(cues('He said "Go." Then he left.')) == ['He said "Go."', "Then he left."]


def test_a_sentence_runs_on_over_cues_and_stands_at_the_first() -> None:
    _, first, second = sentences(cues("Over. The Eagle", "has", "landed. Roger."))
    assert (first.text, first.start_ms, first.cue, first.last_cue) == ("The Eagle has landed.", 0, 0, 2)
    assert (second.text, second.start_ms, second.cue, second.last_cue) == ("Roger.", 2000, 2, 2)


def test_another_speaker_ends_a_sentence() -> None:
    two = [*cues("We are go", speaker="Neil"), *cues("for what", speaker="Buzz")]
    assert texts(two) == ["We are go", "for what"]


def test_a_long_pause_ends_a_sentence() -> None:
    assert texts(cues("We are", "go", pause_ms=MAX_PAUSE_MS)) == ["We are go"]
    assert texts(cues("We are", "go", pause_ms=MAX_PAUSE_MS + 1)) == ["We are", "go"]


def test_what_holds_no_word_is_left_out() -> None:
    assert texts(cues("1201.", "...", "Roger.")) == ["Roger."]


def test_talk_without_full_stops_is_cut_between_words() -> None:
    pieces = texts(cues(*["and so we went on and on"] * 60))
    assert max(map(len, pieces)) <= MAX_CHARACTERS
    assert " ".join(pieces) == " ".join(["and so we went on and on"] * 60)


def test_a_piece_stands_at_the_cues_it_lies_in_and_no_others() -> None:
    pieces = sentences(cues("a" * 200, "b" * 200, "c" * 150, "d" * 200))
    assert [(one.text[0], one.text[-1], one.cue, one.last_cue) for one in pieces] == [
        ("a", "a", 0, 0),
        ("b", "c", 1, 2),
        ("d", "d", 3, 3),
    ]


def test_the_longest_piece_is_as_long_as_the_limit() -> None:
    assert list(map(len, texts(cues("x" * 400)))) == [400]
    assert list(map(len, texts(cues("x" * 400 + " yes")))) == [400, 3]
    assert list(map(len, texts(cues("x " + "y" * 400)))) == [1, 400]


def test_a_word_without_end_is_cut() -> None:
    assert [len(piece) for piece in texts(cues("x" * 1000))] == [400, 400, 200]


SAID = st.lists(st.text("abc AB.?!…\"') 1", min_size=1).map(str.strip).filter(bool), max_size=12)


@given(SAID, st.integers(0, 2 * MAX_PAUSE_MS))
def test_no_word_is_lost_and_every_sentence_is_word_for_word(said: list[str], pause_ms: int) -> None:
    source = cues(*(" ".join(text.split()) for text in said), pause_ms=pause_ms)
    found = list(sentences(source))
    for one in found:
        assert one.text in " ".join(cue.text for cue in source[one.cue : one.last_cue + 1])
        assert one.start_ms == source[one.cue].start_ms
        assert one.words
    assert [word for one in found for word in one.words] == [word for cue in source for word in tokens.words(cue.text)]
