import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.protocol import names
from headway.reporter.bridges.stage_name import NAME_CHARS, clean_text, stage_name

anything = st.text(alphabet=st.characters(exclude_categories=()), max_size=200)


@given(anything)
def test_any_description_gives_one_valid_part_of_a_path(text: str) -> None:
    name = stage_name(text, "bar")
    assert names.stage_path(name) == name
    assert "/" not in name
    assert len(name) <= NAME_CHARS


@pytest.mark.parametrize(
    ("description", "name"),
    [
        ("Epoch 3/10: ", "Epoch 3-10"),
        ("a\x00b\tc\nd", "a b c d"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("", "bar"),
        ("/", "-"),
        (" : ", "bar"),
        ("x" * 500, "x" * NAME_CHARS),
        (7, "7"),
    ],
)
def test_descriptions_are_cleaned(description: object, name: str) -> None:
    assert stage_name(description, "bar") == name


@given(anything)
def test_a_clean_text_is_one_line(text: str) -> None:
    assert len(clean_text(text).splitlines()) <= 1
