"""Where screenshots wait for their thumbnails, which are made in a thread that lives as long as there are some."""

from __future__ import annotations

import io
import logging
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from headway.errors import HeadwayError
from headway.ports import StoredBlob
from headway.protocol import events
from headway.protocol.events import Data, Screenshot
from headway.reporter.loading import loading
from headway.reporter.pictures import Picture, PictureFile, PictureOptions, Pictures, Prepared

logger = logging.getLogger("headway")

WAITING_BYTES = 64 * 1024 * 1024
"""Of pictures that wait: a job that takes them faster than they can be drawn loses some, not its memory."""


class Gallery:
    """The screenshots of one run. Safe in any thread.

    Args:
        reporter: The id after which the artifacts are named.
        store: Stores an artifact's content under a name.
        put: Reports an event of a stage.
        drop: Called when there is no room for a picture.
    """

    def __init__(
        self,
        reporter: str,
        store: Callable[[str, BinaryIO | Path], StoredBlob | None],
        put: Callable[[str | None, Data], object],
        drop: Callable[[], None],
    ) -> None:
        self._pictures = Pictures(reporter)
        self._store = store
        self._put = put
        self._drop = drop
        self._waiting: deque[Picture] = deque()
        self._held = 0
        self._changed = threading.Condition()
        self._busy = False

    def take(self, content: object, stage: str | None, caption: str | None, options: PictureOptions | None) -> bool:
        """Take a picture; false if it is refused, or there is no room for it."""
        picture = self._pictures.take(content, stage=stage, caption=caption, options=options)
        if picture is None:
            return False
        with self._changed:
            fits = not self._waiting or self._held + picture.size_bytes <= WAITING_BYTES
            taken = fits and self._start()
            if taken:
                self._waiting.append(picture)
                self._held += picture.size_bytes
        if not taken:
            self._drop()
        return taken

    def _start(self) -> bool:
        """Whether there is a thread that draws. It takes its first picture when the lock is free."""
        if not self._busy:
            try:
                threading.Thread(target=self._work, name="headway-gallery", daemon=True).start()
            except RuntimeError:  # no more threads: too many of them, or the interpreter is ending
                return False
            self._busy = True
        return True

    def _work(self) -> None:
        while (picture := self._next()) is not None:
            try:
                with loading():
                    prepared = self._pictures.prepare(picture)
                if prepared is not None:
                    self._hang(picture, prepared)
            except Exception:
                logger.exception("a screenshot was lost by a defect")
            with self._changed:
                self._held -= picture.size_bytes

    def _next(self) -> Picture | None:
        with self._changed:
            if self._waiting:
                return self._waiting.popleft()
            self._busy = False
            self._changed.notify_all()
            return None

    def _hang(self, picture: Picture, prepared: Prepared) -> None:
        """Store the picture's files, and report it if the original is there to be seen."""
        kept = {file.name for file in prepared.files if self._keep(picture.stage, file)}
        shown: Screenshot = prepared.screenshot
        if shown.artifact in kept:
            self._put(picture.stage, shown)

    def _keep(self, stage: str | None, file: PictureFile) -> bool:
        try:
            blob = self._store(file.name, io.BytesIO(file.content))
        except (HeadwayError, OSError) as error:
            logger.warning("the picture %s was not stored: %s", file.name, error)
            return False
        if blob is None:
            return False
        name, kind = file.name, file.media_type
        self._put(stage, events.Artifact(name=name, media_type=kind, size=blob.size, sha256=blob.sha256))
        return True

    def drain(self, timeout_s: float) -> bool:
        """Wait until no picture waits any more; false if that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy, timeout_s)
