"""Small line and bar charts as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 200, 44, 52
COLOURS = ("#0b6e4f", "#8a8f98", "#c8553d", "#d9a441", "#4a7fb5", "#9b6fb0", "#5b8c85", "#b07d62")


@dataclass(slots=True)
class Chart:
    """A chart: its axes, and named series of points.

    Attributes:
        title: Above it.
        across: Under the horizontal axis.
        up: Beside the vertical axis.
        ticks: Values and labels of the horizontal axis.
        marks: Values and labels of the vertical axis.
        band: Vertical values between which it is shaded: where the points should be.
    """

    title: str
    across: str
    up: str
    ticks: Sequence[tuple[float, str]]
    marks: Sequence[tuple[float, str]]
    band: tuple[float, float] | None = None
    series: list[tuple[str, list[tuple[float, float]], bool]] = field(default_factory=list)

    def line(self, name: str, points: list[tuple[float, float]]) -> None:
        """Add a line."""
        self.series.append((name, points, False))

    def dots(self, name: str, points: list[tuple[float, float]]) -> None:
        """Add single points."""
        self.series.append((name, points, True))

    def _x(self, value: float) -> float:
        low, high = self.ticks[0][0], self.ticks[-1][0]
        return LEFT + (min(max(value, low), high) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def _y(self, value: float) -> float:
        low, high = self.marks[0][0], self.marks[-1][0]
        return HEIGHT - BOTTOM - (min(max(value, low), high) - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    def _inside(self, x: float, y: float) -> bool:
        return self.ticks[0][0] <= x <= self.ticks[-1][0] and self.marks[0][0] <= y <= self.marks[-1][0]

    def svg(self) -> str:
        """The file's text."""
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-size="12"',
            'font-family="system-ui, sans-serif">',
            f"<title>{escape(self.title)}</title>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            f'<text x="{LEFT}" y="24" font-size="15" font-weight="600">{escape(self.title)}</text>',
            *self._axes(),
        ]
        for number, (name, points, dots) in enumerate(self.series):
            parts += self._drawn(name, points, dots, number)
        return "\n".join([*parts, "</svg>", ""])

    def _axes(self) -> list[str]:
        right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
        parts = []
        if self.band:
            top, height = self._y(self.band[1]), self._y(self.band[0]) - self._y(self.band[1])
            parts.append(
                f'<rect x="{LEFT}" y="{top:.1f}" width="{right - LEFT}" height="{height:.1f}" fill="#e3f1ea"/>'
            )
        for value, label in self.marks:
            y = self._y(value)
            parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#dddddd"/>')
            parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(label)}</text>')
        for value, label in self.ticks:
            parts.append(
                f'<text x="{self._x(value):.1f}" y="{bottom + 18}" text-anchor="middle">{escape(label)}</text>'
            )
        middle = (LEFT + right) / 2
        parts.append(f'<text x="{middle}" y="{HEIGHT - 12}" text-anchor="middle">{escape(self.across)}</text>')
        parts.append(
            f'<text transform="translate(16 {(TOP + bottom) / 2}) rotate(-90)" text-anchor="middle">'
            f"{escape(self.up)}</text>"
        )
        return parts

    def _drawn(self, name: str, points: list[tuple[float, float]], dots: bool, number: int) -> list[str]:
        colour = COLOURS[number % len(COLOURS)]
        places = [(self._x(x), self._y(y)) for x, y in points if self._inside(x, y)]
        name = name if places else f"{name} (off the chart)"
        key = TOP + 14 + 20 * number
        parts = [
            f'<rect x="{WIDTH - RIGHT + 12}" y="{key - 5}" width="14" height="4" fill="{colour}"/>',
            f'<text x="{WIDTH - RIGHT + 32}" y="{key}" font-size="11">{escape(name)}</text>',
        ]
        if not dots:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            width = 3 if number == 0 else 1.6
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>')
        if dots or len(points) < 10:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>' for x, y in places]
        return parts
