"""The protocol's limits: each a named constant with its reason; servers may set stricter or wider ones."""

from __future__ import annotations

EVENT_BYTES = 64 * 1024
"""One encoded event: a frame of a few of them stays below what proxies buffer."""

BATCH_EVENTS = 1_000
"""Events in one append: bounds how long one transaction keeps the other writers waiting."""

BATCH_BYTES = 4 * 1024 * 1024
"""Bytes in one append, for the same reason."""

JSON_DEPTH = 32
"""Nesting of JSON: deeper data is a mistake or an attack on recursive readers."""

STAGES_PER_RUN = 1_000
"""Stages of one run: the state carries all of them, and must stay sendable."""

STAGE_DEPTH = 8
"""Parts of a stage's path: a fold walks up this many levels for each progress event."""

STAGE_PATH_CHARS = 256
"""Characters of a stage's path, all parts together."""

NAME_CHARS = 128
"""Characters of a run's id, a kind or a variant."""

TITLE_CHARS = 1_000
"""Characters of a title, a unit or a name that people read; messages may be longer."""

WEIGHT_MAX = 8_000
"""A stage's weight. 1,000 siblings of this weight in thousandths, times a progress in millionths, still add
up below 2**53, so that languages with only double-precision numbers get the same sums."""

LOG_LINE_BYTES = 16 * 1024
"""One line of a log; longer ones are split, and marked as partial."""

ARTIFACT_NAME_CHARS = 512
"""Characters of an artifact's name."""

FINDINGS_KEPT = 100
"""Newest findings in a state."""

HIGHLIGHTS_KEPT = 20
"""Newest highlights in a state."""

SCREENSHOTS_KEPT = 50
"""Newest screenshots in a state."""

NOTES_KEPT = 20
"""Newest notes in a state."""

ERRORS_KEPT = 20
"""Newest errors in a state."""

ARTIFACTS_KEPT = 1_000
"""Newest artifacts in a state."""

THUMBNAIL_BYTES = 16 * 1024
"""A thumbnail that travels inside an event, as a data URL; larger ones are artifacts."""
