"""Everything that a run can report, and a stage under its own name."""

from __future__ import annotations

import io
import logging
import os
from pathlib import Path
from typing import BinaryIO

from headway.errors import HeadwayError
from headway.protocol import events, names
from headway.protocol.events import Data, Json, JsonObject, Number, Priority, Severity
from headway.reporter import plain
from headway.reporter.channel import Channel

logger = logging.getLogger("headway")


class Reports:
    """The reports that runs and stages share; none of them waits for the store, or raises when it is out of reach."""

    _quiet = False  # whether it reports nothing and has not ended: what is in it need do nothing

    def __init__(self, channel: Channel, path: str | None) -> None:
        self._channel = channel
        self._path = path

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return False

    def _leave_loops(self, error: BaseException | None) -> None:
        """For who calls a job's functions: one ends in this thread or task, by this exception if there is one."""
        if self._channel.left.waiting:
            self._channel.left.decide(error, here=True)

    def _put(self, data: Data) -> None:
        self._channel.put(self._path, data)

    def finding(
        self,
        title: str,
        *,
        severity: Severity = "medium",
        id: str | None = None,  # noqa: A002 -- the protocol's word
        detail: str | None = None,
        confidence: float | None = None,
        evidence: Json = None,
    ) -> Finding:
        """Something was found.

        Args:
            title: One line.
            severity: ``critical``, ``high``, ``medium`` or ``low``.
            id: The same id again updates the finding; a new one by default.
            detail: More lines.
            confidence: From 0 to 1.
            evidence: Any JSON; kept in the log, not in the state.

        Returns:
            The finding, to be updated later.
        """
        found = Finding(self, os.urandom(6).hex() if id is None else id)
        found.update(title=title, severity=severity, detail=detail, confidence=confidence, evidence=evidence)
        return found

    def highlight(self, text: str) -> None:
        """A line about what was just achieved; the newest is always shown."""
        self._put(events.Highlight(text=text))

    def note(self, text: str) -> None:
        """A remark."""
        self._put(events.Note(text=text))

    def error(self, message: BaseException | str, *, code: str | None = None, recoverable: bool = True) -> None:
        """Something went wrong that ends neither stage nor run.

        A text is shown to everybody; of an exception only its type is, the rest goes to the log ``headway``.
        """
        self._put(events.Error(message=plain.text(message), code=code, recoverable=recoverable))

    def log(self, text: str, *, stream: str = "log", level: str | None = None) -> None:
        """A line of the log, or several with line ends between them."""
        self._channel.put_line(self._path, stream, level, text)

    def emit(self, type: str, data: JsonObject | None = None, *, priority: Priority = "medium") -> None:  # noqa: A002 -- the protocol's word
        """An event of one's own: ``x.<name>`` with any JSON."""
        self._channel.emit(self._path, type, data, priority)

    def screenshot(
        self,
        picture: object,
        *,
        caption: str | None = None,
        size: tuple[int, int] = (200, 150),
        quality: int = 70,
    ) -> bool:
        """Show a picture: the original is kept as an artifact, a small one travels to the watchers.

        The small one is made in the background and needs the extra ``images``; without it there is only the original.

        Args:
            picture: A PNG, JPEG or WebP of up to 25 megapixels: bytes, a path, or a file opened for reading in binary;
                or an image of Pillow's. It is read before this returns.
            caption: What it shows.
            size: What the small one fits into, in pixels.
            quality: Of its JPEG, from 1 to 100.

        Returns:
            Whether it was taken. If not, the reason is logged and counted, and the job goes on.
        """
        from headway.reporter.pictures import PictureOptions

        options: PictureOptions | None = None
        try:
            options = PictureOptions(width=size[0], height=size[1], quality=quality)
        except (HeadwayError, TypeError, ValueError, LookupError) as error:
            logger.warning("a screenshot gets the usual size and quality: %s", error)
        return self._channel.put_picture(self._path, picture, None if caption is None else plain.text(caption), options)

    def artifact(self, name: str, content: Path | str | bytes | BinaryIO, *, media_type: str | None = None) -> bool:
        """Keep a file that watchers can download.

        Args:
            name: What it is called, with ``/`` where it belongs into a folder; the same name again replaces it.
            content: A path, bytes, or a file opened for reading in binary. It is read before this returns.
            media_type: By default guessed from the name.

        Returns:
            Whether it was stored. If not, the reason is logged, and the job goes on.
        """
        try:
            blob = self._channel.put_artifact(_named(name), _readable(content))
        except Exception as error:
            logger.warning("the artifact %r was not stored: %s", plain.text(name), error)
            return False
        if blob is not None:
            kind = _guessed(name) if media_type is None else media_type
            self._put(events.Artifact(name=name, media_type=kind, size=blob.size, sha256=blob.sha256))
        return blob is not None


def _named(name: str) -> str:
    if not isinstance(name, str):
        raise TypeError(f"its name is a {type(name).__name__}: give a text")
    return names.artifact_name(name)


def _guessed(name: str) -> str:
    """The media type that the name speaks for."""
    import mimetypes

    try:
        kind = mimetypes.guess_type(name)[0]
    except Exception as error:  # the machine's own table of types may be anything
        logger.warning("the type of the artifact %r cannot be guessed: %s", name, error)
        kind = None
    return kind or "application/octet-stream"


def _readable(content: Path | str | bytes | BinaryIO) -> BinaryIO | Path:
    if isinstance(content, bytes | bytearray | memoryview):
        return io.BytesIO(content)
    if isinstance(content, str | Path):
        return Path(content)
    if not callable(getattr(content, "read", None)):
        raise TypeError(f"it is a {type(content).__name__}: give a path, bytes, or a file opened for reading in binary")
    return content


class Finding:
    """A finding that was reported; ``id`` names it."""

    __slots__ = ("_reports", "id")

    def __init__(self, reports: Reports, id: str) -> None:  # noqa: A002 -- the protocol's word
        self.id = id
        self._reports = reports

    def update(
        self,
        *,
        title: str | None = None,
        severity: Severity | None = None,
        detail: str | None = None,
        confidence: Number | None = None,
        evidence: Json = None,
    ) -> None:
        """Change what is given, and keep the rest."""
        self._reports._put(
            events.Finding(
                id=self.id,
                title=title,
                severity=severity,
                detail=detail,
                confidence=confidence,
                evidence=None if evidence is None else plain.frozen(evidence),
            )
        )
