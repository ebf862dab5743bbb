"""The pictures of one reporter: taken in the job's thread, prepared in another, counted when refused."""

from __future__ import annotations

import itertools
import logging
import threading
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from headway.errors import PictureRefused
from headway.reporter.pictures.content import read
from headway.reporter.pictures.options import PictureOptions
from headway.reporter.pictures.prepared import Prepared, picture_name, prepare

if TYPE_CHECKING:
    from PIL.Image import Image

logger = logging.getLogger("headway")

_REPORTER_CHARS = 12
"""Of a reporter's id, the last 48 of its random bits, tell it from the run's others."""


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that was taken and waits to be prepared; what the job does from now on cannot change it.

    Attributes:
        content: A file's bytes, or an image of Pillow's.
        stem: The artifact's name without its ending.
        stage: The path of the stage that shows it; None for the run.
        caption: What it shows.
        options: The limits, and the thumbnail's size and quality.
    """

    content: bytes | Image
    stem: str
    stage: str | None
    caption: str | None
    options: PictureOptions

    @property
    def size_bytes(self) -> int:
        """What it holds in memory while it waits, about."""
        if isinstance(self.content, bytes):
            return len(self.content)
        return 4 * self.content.width * self.content.height


class Pictures:
    """Takes one reporter's pictures and prepares them. Safe in any thread; a forked process needs one of its own.

    Neither method raises anything for what it was given. A refusal is counted always, and logged as a warning when it
    is the first for its reason, so that a job with a thousand wrong pictures does not fill the log.

    Args:
        reporter: The id of who reports: artifacts are named after it.
        options: Limits, and the thumbnails' size and quality.
    """

    def __init__(self, reporter: str, options: PictureOptions | None = None) -> None:
        self._reporter = reporter[-_REPORTER_CHARS:]
        self._options = options or PictureOptions()
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()
        self._refused: Counter[str] = Counter()
        self._warned = False

    @property
    def refused(self) -> dict[str, int]:
        """How many pictures were not taken, by reason."""
        with self._lock:
            return dict(self._refused)

    def take(
        self,
        content: object,
        *,
        stage: str | None = None,
        caption: str | None = None,
        options: PictureOptions | None = None,
    ) -> Picture | None:
        """Read a picture in, without decoding it; for the job's thread.

        Args:
            content: Bytes, a path, a binary file, an image of Pillow's, or an array of pixels.
            stage: The path of the stage that shows it.
            caption: What it shows.
            options: Others than the reporter's.

        Returns:
            What ``prepare`` takes, or None if it is refused.
        """
        options = options or self._options
        try:
            taken = read(content, options)
        except Exception as error:  # whatever the job handed over may raise anything when it is touched
            self._refuse(error, stage)
            return None
        stem = picture_name(stage, next(self._numbers), self._reporter)
        return Picture(content=taken, stem=stem, stage=stage, caption=caption, options=options)

    def prepare(self, picture: Picture) -> Prepared | None:
        """Check a picture and make its thumbnail; for a thread that nobody waits for.

        Returns:
            What is to be stored and then reported, or None if it is refused.
        """
        try:
            prepared = prepare(picture.content, picture.stem, picture.options, picture.caption)
        except Exception as error:  # a defect here must not end the thread that prepares
            self._refuse(error, picture.stage)
            return None
        if prepared.missing is not None:
            self._warn_once(str(prepared.missing))
        return prepared

    def _refuse(self, error: Exception, stage: str | None) -> None:
        reason = error.reason if isinstance(error, PictureRefused) else "content"
        with self._lock:
            self._refused[reason] += 1
            first = self._refused[reason] == 1
        known = isinstance(error, PictureRefused | OSError)
        why = str(error) if known else f"{type(error).__name__} when it was read"
        level = logging.WARNING if first else logging.DEBUG
        logger.log(
            level, "a picture of %s was not taken: %s", stage or "the run", why, exc_info=None if known else error
        )

    def _warn_once(self, text: str) -> None:
        with self._lock:
            first, self._warned = not self._warned, True
        if first:
            logger.warning("%s", text)
