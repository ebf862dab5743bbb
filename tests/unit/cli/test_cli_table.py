"""Tables: what a narrow terminal drops and cuts, and how they are aligned in a pipe."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headway.cli.table import GAP, Cell, Column, cell_width, cut_widths, fitting, plain_lines

COLUMNS = (Column("RUN"), Column("TITLE", drop=2, shortest=5), Column("DONE", right=True), Column("AGE", drop=1))
NATURAL = (10, 20, 4, 6)


def test_all_columns_when_there_is_room() -> None:
    assert fitting(COLUMNS, NATURAL, 80) == [0, 1, 2, 3]


def test_what_may_be_cut_is_cut_before_anything_is_dropped() -> None:
    assert fitting(COLUMNS, NATURAL, 31) == [0, 1, 2, 3]
    assert cut_widths(COLUMNS, NATURAL, 31) == [10, 5, 4, 6]


def test_the_least_important_column_is_dropped_first() -> None:
    assert fitting(COLUMNS, NATURAL, 30) == [0, 2, 3]
    assert fitting(COLUMNS, NATURAL, 20) == [0, 2]


def test_what_is_important_stays_on_any_terminal() -> None:
    assert fitting(COLUMNS, NATURAL, 1) == [0, 2]


@given(
    st.lists(
        st.tuples(st.integers(1, 60), st.integers(0, 3), st.integers(0, 12)),
        min_size=1,
        max_size=8,
    ),
    st.integers(10, 200),
)
def test_what_is_kept_fits_if_it_can(found: list[tuple[int, int, int]], width: int) -> None:
    columns = [
        Column(f"C{i}", drop=drop, shortest=min(shortest, wide)) for i, (wide, drop, shortest) in enumerate(found)
    ]
    natural = [wide for wide, _, _ in found]
    kept = fitting(columns, natural, width)
    widths = cut_widths([columns[i] for i in kept], [natural[i] for i in kept], width)
    needed = sum(widths) + GAP * (len(widths) - 1)
    assert needed <= width or not any(columns[i].drop for i in kept) or len(kept) == 1
    assert all(wide >= (columns[i].shortest or natural[i]) for i, wide in zip(kept, widths, strict=True))


def test_columns_in_a_pipe_are_aligned_with_spaces_also_under_wide_characters() -> None:
    rows = [[Cell("a"), Cell("漢字"), Cell("5%"), Cell("1 s")], [Cell("bcd"), Cell("x"), Cell("100%"), Cell("")]]
    assert plain_lines(COLUMNS, rows) == [
        "RUN  TITLE  DONE  AGE",
        "a    漢字     5%  1 s",
        "bcd  x      100%",
    ]


def test_widths_in_cells() -> None:
    assert [cell_width(text) for text in ("abc", "漢字", "é")] == [3, 4, 1]
