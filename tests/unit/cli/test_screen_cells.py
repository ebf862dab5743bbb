"""How wide text is, and text that is made to fit."""

from __future__ import annotations

import unicodedata

import wcwidth
from hypothesis import given
from hypothesis import strategies as st

from headway.cli.screen.cells import cell_text, cut, pad, width, wrap
from headway.cli.screen.look import Look
from headway.cli.screen.rows import Span, cut_row, plain_text, row, row_width, spread
from tests.unit.cli.test_safe import HOSTILE

TEXTS = HOSTILE.map(cell_text)


def test_what_terminals_draw_differently_comes_apart() -> None:
    assert cell_text("🇩🇪 👩\u200d🚀 👍🏽 ❤\ufe0f 1\ufe0f\u20e3") == "DE 👩🚀 👍 ❤ 1"
    assert width("DE 👩🚀 👍 ❤ 1") == 14
    assert cell_text("\U0001f3fb\u0301on nothing") == "on nothing"


def test_widths() -> None:
    assert [width(text) for text in ("abc", "漢字", "e\u0301", "━╸─", "🚀", "")] == [3, 4, 1, 3, 2, 0]


NEWLY_WIDE = [range(0x2630, 0x2638), range(0x268A, 0x2690), range(0x4DC0, 0x4E00), range(0x1D300, 0x1D380)]
"""What Unicode has called wide since its version 16: a terminal may or may not have heard of it."""


def test_single_characters_are_as_wide_as_terminals_have_them() -> None:
    for number in [*range(0x20, 0xD800), *range(0xF900, 0x1F1E6), *range(0x1F200, 0x20000)]:
        character = chr(number)
        seen = cell_text(character) == character and unicodedata.category(character) not in ("Cn", "Mc")
        if seen and not any(number in newly for newly in NEWLY_WIDE):
            assert width(character) == wcwidth.wcwidth(character), hex(number)


@given(text=TEXTS, columns=st.integers(0, 40))
def test_cut_text_fits_and_says_that_it_was_cut(text: str, columns: int) -> None:
    shown = cut(text, columns)
    assert width(shown) <= columns
    if width(text) <= columns:
        assert shown == text
    elif columns:
        assert shown.endswith("…")
        assert text.startswith(shown[:-1])


@given(text=TEXTS, columns=st.integers(1, 40), right=st.booleans())
def test_padded_text_has_its_width(text: str, columns: int, right: bool) -> None:
    assert width(pad(text, columns, right=right)) == columns


@given(text=TEXTS, columns=st.integers(2, 40))
def test_wrapped_text_fits_and_is_all_there(text: str, columns: int) -> None:
    lines = wrap(text, columns)
    assert all(width(line) <= columns for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@given(texts=st.lists(TEXTS, max_size=5), columns=st.integers(1, 60))
def test_a_row_is_cut_at_its_end(texts: list[str], columns: int) -> None:
    whole = row(*(Span(text, "31") for text in texts))
    shown = cut_row(whole, columns)
    assert row_width(shown) <= columns
    if row_width(whole) <= columns:
        assert shown == whole


@given(left=TEXTS, right=TEXTS, columns=st.integers(1, 60))
def test_what_is_spread_reaches_both_edges(left: str, right: str, columns: int) -> None:
    shown = spread(row(left), row(right), columns)
    assert row_width(shown) <= columns
    if right and width(right) + 2 + 8 <= columns:
        assert plain_text(shown).endswith(right.rstrip())
        assert row_width(shown) == columns


def test_without_colours_there_are_none() -> None:
    spans = row(Span("red", "31"), Span("bold", "1;31"), Span("palette", "38;5;1"), Span("plain"))
    assert Look(colours=False).spans(spans) == "red\x1b[1mbold\x1b[0mpaletteplain"
    assert Look().spans(spans) == "\x1b[31mred\x1b[0m\x1b[1;31mbold\x1b[0m\x1b[38;5;1mpalette\x1b[0mplain"


def test_an_old_encoding_gets_characters_that_it_has() -> None:
    assert Look(encoding="ascii").text("✓ done ━━╸── 漢 é …") == "+ done ###-- ?? ? ~"
    assert Look(encoding="latin-1").text("✓ é") == "+ é"
    assert Look(encoding="UTF-8").text("✓ é") == "✓ é"


@given(text=HOSTILE)
def test_even_a_span_that_was_not_made_safe_is(text: str) -> None:
    shown = Look(colours=False).spans((Span(text),))
    assert not any(character < " " or "\x7f" <= character <= "\x9f" for character in shown)


def test_after_what_only_terminals_know_the_width_of_the_column_is_told() -> None:
    assert Look().row(row("plain", "漢字", "next", "last")) == "plain漢字\x1b[10Gnextlast"
