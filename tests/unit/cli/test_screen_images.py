"""The pictures in the documents show what the terminal shows."""

from __future__ import annotations

import html
import re

import pytest
from scripts.screens import IMAGES, screens

from headway.cli.screen.rows import plain_text


@pytest.mark.parametrize("name", sorted(screens()))
def test_a_picture_is_what_is_drawn(name: str) -> None:
    svg = (IMAGES / f"{name}.svg").read_text(encoding="utf-8")
    said = "".join(
        html.unescape(text) for text in re.findall(r"<text class=\"[^\"]*matrix[^>]*>|<text [^>]*>([^<]*)</text>", svg)
    )
    shown = "".join(plain_text(row) for row in screens()[name][2])
    assert re.sub(r"\s", "", shown) in re.sub(r"\s", "", said)


@pytest.mark.parametrize("name", sorted(screens()))
def test_a_picture_loads_nothing(name: str) -> None:
    svg = (IMAGES / f"{name}.svg").read_text(encoding="utf-8")
    assert re.findall(r"url\((?!#)|href|@import|<image|<script", svg) == []


def test_there_are_no_other_pictures() -> None:
    assert {path.stem for path in IMAGES.glob("*.svg")} == set(screens())
