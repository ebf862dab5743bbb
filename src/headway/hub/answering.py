"""Answering a job's question: the first answer counts, and the same one again changes nothing."""

from __future__ import annotations

from collections.abc import Callable

from headway.errors import Answered, InvalidInput, NotFound, RunEnded
from headway.hub.opening import Opened, open_run
from headway.ports import Batch, EventStore
from headway.progress.state import InputEntry
from headway.protocol import events, times
from headway.protocol.events import Json


def give_answer(
    store: EventStore, run_id: str, input_id: str, value: Json, *, by: str | None, now: Callable[[], float]
) -> None:
    """Answer a question; durable when it returns. Who gave this answer may give it again, to be sure.

    Args:
        store: Where the run is.
        run_id: The run.
        input_id: The question.
        value: The answer; one of the choices if there are some.
        by: Who answers.
        now: A clock in seconds since 1970.

    Raises:
        NotFound: There is no such run, or it has not asked this.
        RunEnded: It has ended.
        Answered: Somebody has given another answer.
        InvalidInput: It is not one of the choices.
    """
    opened = open_run(store, run_id)
    asked = _question(opened, input_id)
    if asked.given_at is None:
        _check_choice(asked, value)
        given = events.draft(
            events.InputGiven(id=input_id, value=value, by=by), at=times.to_text(now()), stage=asked.stage
        )
        # The question's own reporter: of all who answer at once, the store takes the first and skips the others.
        reporter = f"answer-{asked.seq}"
        batch = Batch(run_id=run_id, reporter=reporter, first=1, events=(given,), epoch=opened.cursor.epoch)
        if store.append(batch).accepted:
            return
        asked = _question(open_run(store, run_id), input_id)
    if (asked.value, asked.by) != (value, by):
        raise Answered(f"{input_id!r} was answered at {asked.given_at}: the first answer counts")


def _question(opened: Opened, input_id: str) -> InputEntry:
    state = opened.state
    asked = next((entry for entry in state.inputs if entry.id == input_id), None)
    if asked is None:
        raise NotFound(f"run {state.run_id!r} has not asked {input_id[:140]!r}")
    if state.ended_at is not None and asked.given_at is None:
        raise RunEnded(f"run {state.run_id!r} has ended ({state.status}): nobody waits for the answer")
    return asked


def _check_choice(asked: InputEntry, value: Json) -> None:
    if asked.choices is not None and value not in asked.choices:
        raise InvalidInput(f"{str(value)[:80]!r} is not one of the choices of {asked.id!r}")
