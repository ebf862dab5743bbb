"""What the job's thread hands to the thread that sends."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from headway.ports import EventSink, NewRun
from headway.protocol.events import ReporterInfo
from headway.reporter.left import LeftStages
from headway.reporter.mirror import Mirror
from headway.reporter.outbox import Outbox
from headway.reporter.tally import Tally


class Errand(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent, and where.

    Attributes:
        outbox: What is to be sent.
        open_sink: Opens the target.
        run: The run, to be created if it is not there.
        reporter: Who reports.
        lease_s: How long the run outlives its owner's silence.
        mirror: The run's state, to be kept up; None for who only helps with the run.
        tally: Where it is counted what becomes of reports that are not delivered as they were made.
        on_stop: Called, with a reason if there is one, when the log answers that a cancel was requested, or that
            somebody else has taken the run over.
        left: Stages of which it is not known yet how they ended; looked at now and then.
    """

    outbox: Outbox
    open_sink: Callable[[], EventSink]
    run: NewRun
    reporter: ReporterInfo
    lease_s: float
    mirror: Mirror | None
    tally: Tally
    on_stop: Callable[[str | None], None]
    left: LeftStages
