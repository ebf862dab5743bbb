"""Keys from bytes, whatever way they come in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.cli.screen.keys import Keys


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        (b"qcl?", ["q", "c", "l", "?"]),
        ("é漢".encode(), ["é", "漢"]),
        (b"\x1b[A\x1b[B\x1b[C\x1b[D", ["up", "down", "right", "left"]),
        (b"\x1bOA\x1bOD", ["up", "left"]),
        (b"\x1b[5~\x1b[6~\x1b[H\x1b[4~", ["pageup", "pagedown", "home", "end"]),
        (b"\x1b[1;5C", ["right"]),
        (b"\r\x7f\t\x15", ["enter", "backspace", "tab", "clear"]),
        (b"\x1b[200~\x1b[?1;2c\x1b[24~", []),
        (b"\x00\x01\x07", []),
        (b"\x1bq", ["esc", "q"]),
        (b"\xff", ["�"]),
    ],
)
def test_keys(typed: bytes, keys: list[str]) -> None:
    assert Keys().feed(typed) == keys


@given(typed=st.lists(st.sampled_from([b"q", b"\x1b[A", b"\x1b[5~", b"\x1bOD", "漢".encode(), b"\r"])), data=st.data())
def test_bytes_may_come_in_pieces(typed: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(typed)
    places = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    keys = Keys()
    pieces = [whole[begin:end] for begin, end in zip([0, *places], [*places, len(whole)], strict=True)]
    assert [key for piece in pieces for key in keys.feed(piece)] == Keys().feed(whole)
    assert not keys.pending


def test_an_escape_alone_is_a_key_after_a_moment() -> None:
    keys = Keys()
    assert keys.feed(b"\x1b") == []
    assert keys.pending
    assert keys.flush() == ["esc"]
    assert keys.flush() == []


@given(typed=st.binary(max_size=80))
def test_any_bytes_are_taken(typed: bytes) -> None:
    keys = Keys()
    for key in [*keys.feed(typed), *keys.flush()]:
        assert key.isprintable()
