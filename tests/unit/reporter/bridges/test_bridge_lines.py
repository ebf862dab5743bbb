import re

from hypothesis import given
from hypothesis import strategies as st

from headway.reporter.bridges.lines import LINE_CHARS, Lines

texts = st.lists(st.text(alphabet="ab\r\n ", max_size=6), max_size=12)


def fed(*pieces: str) -> list[str]:
    lines = Lines()
    return [line for piece in pieces for line in lines.feed(piece)] + lines.flush()


@given(texts)
def test_however_the_text_is_cut_its_lines_are_the_same(pieces: list[str]) -> None:
    assert fed(*pieces) == fed("".join(pieces))


@given(st.text(alphabet="ab \n", max_size=40))
def test_without_redraws_the_lines_are_the_text(text: str) -> None:
    *ended, last = text.split("\n")
    assert fed(text) == ended + [last] * bool(last.strip())


def test_of_a_redrawn_line_the_last_state_remains() -> None:
    assert fed(" 10%\r 50%\r100%\ndone\n") == ["100%", "done"]


def test_a_line_end_of_two_characters_is_one() -> None:
    assert fed("one\r", "\ntwo\r\n") == ["one", "two"]


def test_a_line_that_was_cleared_and_never_ended_is_none() -> None:
    assert fed("bar 3/10\r        \r") == []


def test_what_did_not_end_comes_with_the_end() -> None:
    assert fed("a\nb") == ["a", "b"]


def test_a_bar_that_is_redrawn_for_ever_takes_no_memory() -> None:
    lines = Lines()
    for number in range(2 * LINE_CHARS):
        assert lines.feed(f"\r{number} of many") == []
    assert lines.feed("\n") == [f"{number} of many"]


def test_a_line_without_an_end_is_cut_and_nothing_is_lost() -> None:
    got = fed(*["x" * 1000] * 200)
    assert len(got) > 1
    assert max(map(len, got)) <= LINE_CHARS + 1000
    assert re.fullmatch("x{200000}", "".join(got))
