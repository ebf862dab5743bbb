"""Durations as people read them."""

from collections.abc import Callable

MINUTE, HOUR = 60, 3600
WIDE = 0.25
"""An interval this wide, as a share of the estimate and to either side, makes its seconds meaningless."""

Formatter = Callable[[float], str]
"""Seconds to text; an application may bring its own."""


def format_duration(seconds: float) -> str:
    """`MM:SS` below an hour, `H:MM:SS` from there on; whole seconds, rounded to the nearest.

    >>> format_duration(75), format_duration(3661)
    ('01:15', '1:01:01')
    """
    whole = max(round(seconds), 0)
    hours, rest = divmod(whole, HOUR)
    minutes, left = divmod(rest, MINUTE)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes:02}:{left:02}"


def format_estimate(
    remaining: float, low: float, high: float, *, hide_seconds: bool = False, formatter: Formatter = format_duration
) -> str:
    """An estimate as text.

    Args:
        remaining: Seconds.
        low: Its 10th percentile.
        high: Its 90th percentile.
        hide_seconds: Say whole minutes, with "about", if the interval is so wide that seconds mean nothing.
        formatter: How durations are written.
    """
    if hide_seconds and remaining >= MINUTE and high - low > 2 * WIDE * remaining:
        minutes = round(remaining / MINUTE)
        hours, left = divmod(minutes, MINUTE)
        return f"about {hours} h {left:02} min" if hours else f"about {minutes} min"
    return formatter(remaining)
