"""Times as they are written in a summary."""


def clock(milliseconds: int) -> str:
    """Write a time as H:MM:SS, cut down to the second, with as many digits of hours as it takes.

    >>> clock(703_079_999)
    '195:17:59'
    """
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"
