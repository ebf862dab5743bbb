"""The tables in PROTOCOL.md are those that the code goes by."""

from __future__ import annotations

from headway.hub.settings import HubSettings
from headway.progress import backlog, lists, pacing, run
from headway.progress.transitions import AT_RUN_END, RUN, STAGE
from headway.protocol import limits
from headway.server import Settings
from tests.conformance.cases import section, tables


def as_dict(table: list[list[str]]) -> dict[str, dict[str, str]]:
    """A table as row → column → cell, without the empty ones."""
    heading, *rows = table
    return {row[0]: {name: cell for name, cell in zip(heading[1:], row[1:], strict=True) if cell} for row in rows}


def test_transitions() -> None:
    of_run, of_stage, at_run_end = map(as_dict, tables(section("Transitions")))
    assert of_run == RUN
    assert of_stage == STAGE
    assert at_run_end == AT_RUN_END


def test_limits() -> None:
    (table,) = tables(section("Limits"))
    written = {row[0]: int(row[1].replace(",", "")) for row in table[1:]}
    named = {
        name.lower().replace("_", "-"): value
        for module, only in ((limits, None), (lists, "INPUTS_KEPT"), (run, "META_KEYS_KEPT"), (backlog, "FRAME_BYTES"))
        for name, value in vars(module).items()
        if isinstance(value, int) and name.isupper() and only in (None, name)
    }
    waiting = {"waiting-events": pacing.WAITING_EVENTS, "waiting-bytes": pacing.WAITING_BYTES}
    hub = HubSettings()
    settable = {
        "message-bytes": Settings().message_bytes,
        "runs-per-connection": hub.runs_per_connection,
        "runs-per-stream": hub.runs_per_stream,
        "ways-per-run": hub.kinds_per_run,
    }
    assert written == named | waiting | settable
