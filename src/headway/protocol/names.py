"""Names that come from outside: run ids, kinds, stage paths and artifact names, with the rules each must keep."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NewType

from headway.errors import InvalidName
from headway.protocol import limits

RunId = NewType("RunId", str)
ReporterId = NewType("ReporterId", str)

RUN_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}\Z"
_RUN_ID = re.compile(RUN_ID_PATTERN)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def uuid7(unix_s: float, randomness: bytes) -> str:
    """A UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, then 74 of the 80 random bits; later ones sort later."""
    milliseconds = int(unix_s * 1000) & (1 << 48) - 1
    random = int.from_bytes(randomness, "big")
    value = milliseconds << 80 | 0x7 << 76 | (random >> 68 & 0xFFF) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def run_id(text: str) -> RunId:
    """The text as a run's id.

    Raises:
        InvalidName: It is not 1–128 of ``A–Z a–z 0–9 . _ : -`` with a letter or digit first.
    """
    if not _RUN_ID.match(text):
        raise InvalidName(
            f"{text[:140]!r} is not a run id: use 1 to 128 letters, digits, '.', '_', ':' or '-', "
            "beginning with a letter or a digit"
        )
    return RunId(text)


def kind(text: str) -> str:
    """The text as a kind or variant: 1–128 characters without control characters.

    Raises:
        InvalidName: It is empty, too long, or has control characters.
    """
    if not text or len(text) > limits.NAME_CHARS or _CONTROL.search(text):
        raise InvalidName(f"{text[:140]!r} is not a kind: use 1 to 128 printable characters")
    return text


@lru_cache(maxsize=4096)  # a run reports under the same few paths all the time
def stage_path(text: str) -> str:
    """The text as a stage's path: one to eight non-empty parts with ``/`` between them.

    Raises:
        InvalidName: It has an empty part, control characters, or is too long or too deep.
    """
    parts = text.split("/")
    too_long = len(text) > limits.STAGE_PATH_CHARS or len(parts) > limits.STAGE_DEPTH
    if too_long or not all(part.strip() for part in parts) or _CONTROL.search(text):
        raise InvalidName(
            f"{text[:140]!r} is not a stage's path: use one to {limits.STAGE_DEPTH} non-empty parts "
            f"with '/' between them, {limits.STAGE_PATH_CHARS} characters at most"
        )
    return text


def artifact_name(text: str) -> str:
    """The text as an artifact's name: parts with ``/`` between them, none empty, ``.`` or ``..``.

    The name never becomes a path on any disk; the rule keeps it safe for those who download it.

    Raises:
        InvalidName: It breaks the rule, has control characters or a backslash, or is too long.
    """
    parts = text.split("/")
    if (
        len(text) > limits.ARTIFACT_NAME_CHARS
        or any(part.strip() in ("", ".", "..") for part in parts)
        or "\\" in text
        or _CONTROL.search(text)
    ):
        raise InvalidName(
            f"{text[:140]!r} is not an artifact's name: use parts like 'report/page-1.png', none of them "
            f"empty, '.' or '..', {limits.ARTIFACT_NAME_CHARS} characters at most"
        )
    return text
