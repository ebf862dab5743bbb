"""One reporter's way to a log."""

from __future__ import annotations

from collections.abc import Sequence

from headway.ports import NewRun, PastRun
from headway.reporter.delivery import Delivery
from headway.reporter.identity import new_reporter
from tests.unit.reporter.flaky import FlakySink

AT = "2026-11-20T19:41:03.120Z"


class Remembering(FlakySink):
    """A sink whose store knows of one run, whatever is asked for."""

    def past_runs(self, kind: str, variant: str | None = None) -> Sequence[PastRun]:
        return [PastRun(run_id=f"{kind} {variant}", ended_at=AT, duration=1.0, stages={})]


def delivery(sink: FlakySink) -> Delivery:
    return Delivery(sink.open, NewRun(run_id="run", kind="test", at=AT), new_reporter(), 30.0)


def test_what_a_store_remembers_is_told_also_after_a_failure() -> None:
    sink = Remembering(faults=["before", "after"])
    assert [past.run_id for past in delivery(sink).past_runs("audit", "large")] == ["audit large"]


def test_a_sink_that_remembers_nothing_is_no_defect() -> None:
    assert list(delivery(FlakySink()).past_runs("audit", None)) == []
