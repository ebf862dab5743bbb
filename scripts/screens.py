"""The pictures of the screens in the documents: ``python -m scripts.screens`` draws them anew.

They are drawn by the code that draws the terminal, from the runs that its tests draw too, and contain no picture, font
or link from anywhere else.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from headway.cli.screen.layout import ScreenOptions, screen_rows
from headway.cli.screen.look import Look
from headway.cli.screen.rows import Row
from headway.cli.screen.runs import RunsDisplay
from headway.cli.screen.showing import ANSWER_KEY, KEYS
from tests.unit.cli.pictures import AUDIT, COMPLETED, FAILED, LATER, VIDEO, listing, picture, short

IMAGES = Path(__file__).parents[1] / "docs" / "images"

GREY, RED, GREEN, YELLOW = (90, 94, 102), (224, 108, 117), (126, 186, 101), (229, 192, 123)
BLUE, MAGENTA, CYAN, WHITE = (97, 175, 239), (198, 120, 221), (86, 182, 194), (205, 208, 212)
THEME = TerminalTheme((30, 32, 38), WHITE, [GREY, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN, WHITE])

SVG = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 16px; font-family: ui-sans-serif, sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def screens() -> dict[str, tuple[str, int, list[Row]]]:
    """The pictures: a file's name → the command, the columns, the rows."""
    options = ScreenOptions(keys=KEYS, answer_key=ANSWER_KEY)
    runs = RunsDisplay(lambda: 0.0)
    runs.take(listing(short(AUDIT, 0, 41.3), short(VIDEO, 1, 41.3), short(FAILED, 2), short(COMPLETED, 3)))
    return {
        "watch": ("headway watch", 100, screen_rows(picture(AUDIT, 41.3, LATER), 100, 38, options)),
        "watch-narrow": ("headway watch", 44, screen_rows(picture(VIDEO, 41.3, LATER), 44, 22, options)),
        "ls-watch": ("headway ls --watch", 100, runs.rows(100, 8)),
    }


def drawn(name: str, title: str, columns: int, rows: Sequence[Row]) -> str:
    """A screen as SVG."""
    console = Console(record=True, width=columns, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    look = Look()
    for row in rows:
        console.print(Text.from_ansi(look.spans(row)), no_wrap=True, overflow="ignore", crop=False)
    svg = console.export_svg(title=title, theme=THEME, code_format=SVG, unique_id=name)
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


def main() -> None:
    """Draw them."""
    IMAGES.mkdir(exist_ok=True)
    for name, (title, columns, rows) in screens().items():
        (IMAGES / f"{name}.svg").write_text(drawn(name, title, columns, rows), encoding="utf-8")
        print(IMAGES / f"{name}.svg")


if __name__ == "__main__":
    main()
