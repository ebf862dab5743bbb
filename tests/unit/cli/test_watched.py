"""What is known of a run that is watched."""

from __future__ import annotations

import msgspec

from headway.cli.screen.watched import Watched
from headway.progress.view import view
from headway.protocol.frames import EventsFrame, ProblemFrame, WaitingFrame
from tests.unit.cli.pictures import BEGAN, COMPLETED, RUN_ID, made, watched

RAW = msgspec.Raw(b"{}")


def test_a_run_that_was_waited_for_is_folded_from_its_first_event() -> None:
    late = watched(COMPLETED, 70)
    state = late.state()
    assert state is not None
    watching = Watched(lambda: 0.0)
    watching.take(WaitingFrame(run_id=RUN_ID))
    for event in made(COMPLETED):
        frame = EventsFrame(
            run_id=RUN_ID,
            from_=event.seq,
            to=event.seq,
            cursor="0",
            events=(msgspec.Raw(msgspec.json.encode(event)),),
            conflated={},
            short=RAW,
            view=msgspec.Raw(msgspec.json.encode(view(state, BEGAN + 70, None))),
        )
        watching.take(frame)
    assert watching.run_id == RUN_ID
    assert watching.picture() == msgspec.structs.replace(late.picture(), log=watching.log)


def test_a_wait_that_goes_on_ends_a_trouble() -> None:
    watching = Watched(lambda: 0.0)
    watching.take(WaitingFrame(run_id=RUN_ID))
    watching.take(ProblemFrame(code="store-unavailable", message="away"))
    assert watching.picture().trouble == "away"
    watching.take(WaitingFrame(run_id=RUN_ID))
    assert watching.picture().trouble is None
