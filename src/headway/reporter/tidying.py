"""Stage paths out of whatever a job calls its stages."""

from __future__ import annotations

from headway.protocol import limits


def tidy(text: str) -> str:
    """A stage's path that comes as close to the text as the rules for paths allow.

    >>> tidy("résumé//part\\n2/")
    'résumé/part 2'
    """
    printable = "".join(character if character.isprintable() else " " for character in text)
    parts = [part.strip() for part in printable.split("/") if part.strip()]
    kept = parts[: limits.STAGE_DEPTH - 1]
    rest = parts[limits.STAGE_DEPTH - 1 :]
    path = "/".join([*kept, "-".join(rest)] if rest else kept)[: limits.STAGE_PATH_CHARS]
    return "/".join(part.strip() for part in path.split("/") if part.strip()) or "stage"
