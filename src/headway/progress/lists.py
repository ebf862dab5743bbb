"""The bounded lists of a state: what a run has shown for itself, newest last, the oldest dropped.

An entry that is reported again under the same name becomes the newest. What has fallen off a list is forgotten: a
finding that comes again after that counts as a new one.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable

from headway.progress.state import (
    ArtifactEntry,
    BySeverity,
    ErrorEntry,
    Errors,
    FindingEntry,
    Findings,
    InputEntry,
    LogTotals,
    ScreenshotEntry,
    TextEntry,
)
from headway.protocol import limits
from headway.protocol.events import (
    Artifact,
    Error,
    Finding,
    Highlight,
    InputGiven,
    InputRequested,
    Log,
    Note,
    Screenshot,
    Severity,
)

INPUTS_KEPT = 100
"""Newest questions in a state: each waits for a person, so more than these are a mistake."""


class FindingList:
    """The findings: all counted, the newest kept."""

    __slots__ = ("_counts", "_recent", "_total")

    def __init__(self, findings: Findings) -> None:
        counts = findings.by_severity
        self._total = findings.total
        self._counts: dict[Severity, int] = {
            "critical": counts.critical,
            "high": counts.high,
            "medium": counts.medium,
            "low": counts.low,
        }
        self._recent = OrderedDict((entry.id, entry) for entry in findings.recent)

    def add(self, data: Finding, stage: str | None, seq: int, at: str) -> None:
        """``finding``: a new one, or more about one that is still kept."""
        known = self._recent.pop(data.id, None)
        if known is None:
            self._total += 1
            known = FindingEntry(id=data.id, seq=seq, at=at)
        else:
            self._counts[known.severity] -= 1
        entry = _updated(known, data, stage, seq, at)
        self._counts[entry.severity] += 1
        self._recent[data.id] = entry
        if len(self._recent) > limits.FINDINGS_KEPT:
            self._recent.popitem(last=False)

    def snapshot(self) -> Findings:
        """The findings as they are now."""
        return Findings(total=self._total, by_severity=BySeverity(**self._counts), recent=tuple(self._recent.values()))


def _updated(known: FindingEntry, data: Finding, stage: str | None, seq: int, at: str) -> FindingEntry:
    return FindingEntry(
        id=known.id,
        severity=known.severity if data.severity is None else data.severity,
        title=known.title if data.title is None else data.title,
        detail=known.detail if data.detail is None else data.detail,
        confidence=known.confidence if data.confidence is None else data.confidence,
        stage=known.stage if stage is None else stage,
        seq=seq,
        at=at,
    )


class TextList:
    """The newest highlights or notes."""

    __slots__ = ("_recent",)

    def __init__(self, entries: Iterable[TextEntry], kept: int) -> None:
        self._recent = deque(entries, maxlen=kept)

    def add(self, data: Highlight | Note, stage: str | None, seq: int, at: str) -> None:
        """``highlight`` or ``note``."""
        self._recent.append(TextEntry(text=data.text, stage=stage, seq=seq, at=at))

    def snapshot(self) -> tuple[TextEntry, ...]:
        """The entries as they are now."""
        return tuple(self._recent)


class ErrorList:
    """The errors: all counted, the newest kept."""

    __slots__ = ("_recent", "_total")

    def __init__(self, errors: Errors) -> None:
        self._total = errors.total
        self._recent = deque(errors.recent, maxlen=limits.ERRORS_KEPT)

    def add(self, data: Error, stage: str | None, seq: int, at: str) -> None:
        """``error``, be it recoverable or not."""
        self._total += 1
        self._recent.append(
            ErrorEntry(
                code=data.shown_code,
                message=data.message,
                recoverable=data.recoverable,
                stage=stage,
                seq=seq,
                at=at,
            )
        )

    def snapshot(self) -> Errors:
        """The errors as they are now."""
        return Errors(total=self._total, recent=tuple(self._recent))


class ScreenshotList:
    """The newest screenshots, without their pictures."""

    __slots__ = ("_recent",)

    def __init__(self, entries: Iterable[ScreenshotEntry]) -> None:
        self._recent = deque(entries, maxlen=limits.SCREENSHOTS_KEPT)

    def add(self, data: Screenshot, stage: str | None, seq: int, at: str) -> None:
        """``screenshot``."""
        entry = ScreenshotEntry(
            artifact=data.artifact,
            thumbnail=None if data.carries_picture else data.thumbnail,
            width=data.width,
            height=data.height,
            caption=data.caption,
            stage=stage,
            seq=seq,
            at=at,
        )
        self._recent.append(entry)

    def snapshot(self) -> tuple[ScreenshotEntry, ...]:
        """The entries as they are now."""
        return tuple(self._recent)


class ArtifactList:
    """The newest artifacts, each name once."""

    __slots__ = ("_recent",)

    def __init__(self, entries: Iterable[ArtifactEntry]) -> None:
        self._recent = OrderedDict((entry.name, entry) for entry in entries)

    def add(self, data: Artifact, stage: str | None, seq: int, at: str) -> None:
        """``artifact``: the same name again replaces it."""
        self._recent.pop(data.name, None)
        self._recent[data.name] = ArtifactEntry(
            name=data.name,
            media_type=data.media_type,
            size=data.size,
            sha256=data.sha256,
            stage=stage,
            seq=seq,
            at=at,
        )
        if len(self._recent) > limits.ARTIFACTS_KEPT:
            self._recent.popitem(last=False)

    def snapshot(self) -> tuple[ArtifactEntry, ...]:
        """The entries as they are now."""
        return tuple(self._recent.values())


class InputList:
    """The newest questions with their answers."""

    __slots__ = ("_recent",)

    def __init__(self, entries: Iterable[InputEntry]) -> None:
        self._recent = OrderedDict((entry.id, entry) for entry in entries)

    def ask(self, data: InputRequested, stage: str | None, seq: int, at: str) -> None:
        """``input.requested``: the same id again asks anew."""
        self._recent.pop(data.id, None)
        self._recent[data.id] = InputEntry(
            id=data.id,
            prompt=data.prompt,
            choices=data.choices,
            schema=data.schema,
            deadline=data.deadline,
            stage=stage,
            seq=seq,
            at=at,
        )
        if len(self._recent) > INPUTS_KEPT:
            self._recent.popitem(last=False)

    def answer(self, data: InputGiven, at: str) -> None:
        """``input.given``: only the first answer to a question that was asked counts."""
        asked = self._recent.get(data.id)
        if asked is not None and asked.given_at is None:
            self._recent[data.id] = InputEntry(
                id=asked.id,
                prompt=asked.prompt,
                choices=asked.choices,
                schema=asked.schema,
                deadline=asked.deadline,
                stage=asked.stage,
                seq=asked.seq,
                at=asked.at,
                value=data.value,
                by=data.by,
                given_at=at,
            )

    def snapshot(self) -> tuple[InputEntry, ...]:
        """The entries as they are now."""
        return tuple(self._recent.values())


class LogCount:
    """How much log text there is."""

    __slots__ = ("_bytes", "_lines", "_truncated")

    def __init__(self, totals: LogTotals) -> None:
        self._lines = totals.lines
        self._bytes = totals.bytes
        self._truncated = totals.truncated

    def add(self, data: Log) -> None:
        """``log``: what was elided still counts, and marks the log as truncated, as does what elides others."""
        ends = 0 if data.partial else len(data.lines)
        self._lines += ends + (data.elided_lines or 0)
        self._bytes += ends + sum(
            len(line) if line.isascii() else len(line.encode(errors="replace")) for line in data.lines
        )
        if data.elided is not None:
            self._bytes += data.elided
            self._truncated = True
        if data.eliding:
            self._truncated = True

    def snapshot(self) -> LogTotals:
        """The totals as they are now."""
        return LogTotals(lines=self._lines, bytes=self._bytes, truncated=self._truncated)


class Dropped:
    """Counts of what the state does not show, by what it was."""

    __slots__ = ("_counts",)

    def __init__(self, counts: dict[str, int]) -> None:
        self._counts = dict(counts)

    def add(self, what: str, count: int = 1) -> None:
        """So many more of these; none when the count is not positive."""
        if count > 0:
            self._counts[what] = self._counts.get(what, 0) + count

    def snapshot(self) -> dict[str, int]:
        """The counts as they are now."""
        return dict(self._counts)
