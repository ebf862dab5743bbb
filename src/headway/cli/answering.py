"""What somebody typed as an answer, as the value that the question wants."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from headway.cli.json_schema import allows_text, misfit, same
from headway.cli.safe import safe_line
from headway.errors import HeadwayError, InvalidInput, NotFound
from headway.progress.state import InputEntry, State
from headway.progress.view import unix_s
from headway.protocol.events import Json
from headway.protocol.incoming import parse_json


def open_questions(state: State, now_unix_s: float) -> list[InputEntry]:
    """The questions of a run that somebody still waits for."""
    if state.ended_at is not None:
        return []
    return [entry for entry in state.inputs if entry.given_at is None and not is_late(entry, now_unix_s)]


def is_late(entry: InputEntry, now_unix_s: float) -> bool:
    """Whether the job has given up waiting."""
    deadline = unix_s(entry.deadline)
    return deadline is not None and deadline <= now_unix_s


def choose_question(state: State, id_: str | None, now_unix_s: float) -> InputEntry:
    """The question to answer: of this id, or the only one that is open.

    Raises:
        NotFound: There is none, or several.
        HeadwayError: It was answered already, or nobody waits for its answer any more.
    """
    waiting = open_questions(state, now_unix_s)
    if id_ is None:
        return _only(state, waiting)
    for entry in state.inputs:
        if entry.id == id_:
            _check_open(state, entry, now_unix_s)
            return entry
    raise NotFound(f"run {state.run_id} has asked nothing called {id_!r}: see  headway answer {state.run_id}")


def _only(state: State, waiting: Sequence[InputEntry]) -> InputEntry:
    if len(waiting) == 1:
        return waiting[0]
    if waiting:
        raise NotFound(f"run {state.run_id} asks several questions, so say which: {_ids(waiting)}")
    raise NotFound(f"run {state.run_id} asks nothing at the moment")


def _ids(entries: Iterable[InputEntry]) -> str:
    return ", ".join(safe_line(entry.id) for entry in entries)


def _check_open(state: State, entry: InputEntry, now_unix_s: float) -> None:
    if entry.given_at is not None:
        by = f" by {safe_line(entry.by)}" if entry.by else ""
        raise HeadwayError(f"{entry.id!r} was answered already{by}: {value_text(entry.value)}")
    if state.ended_at is not None:
        raise HeadwayError(f"run {state.run_id} has ended ({state.status}): nobody waits for the answer")
    if is_late(entry, now_unix_s):
        raise HeadwayError(f"{entry.id!r} was to be answered by {entry.deadline}: nobody waits for the answer any more")


def value_text(value: Json) -> str:
    """A value as people read it, on one line."""
    return safe_line(value if isinstance(value, str) else msgspec.json.encode(value).decode())


def parse_answer(entry: InputEntry, text: str, *, is_text: bool) -> Json:
    """The value that somebody means by a text: one of the choices, what fits the schema, else JSON, else the text.

    Args:
        entry: The question.
        text: What was typed.
        is_text: It is text, whatever it looks like.

    Raises:
        InvalidInput: It is none of the choices, or does not fit the schema; the message says what would.
    """
    meant: list[Json] = [text] if is_text else [*_as_json(text), text]
    if entry.choices is not None:
        return _choice(entry.choices, text, meant)
    if entry.schema is None:
        return meant[0]
    if allows_text(entry.schema):
        meant.reverse()  # a schema that wants text gets "42" as it was typed
    reasons = [misfit(value, entry.schema) for value in meant]
    if None in reasons:
        return meant[reasons.index(None)]
    raise InvalidInput(f"{text!r} is no answer to {safe_line(entry.prompt)!r}: {safe_line(reasons[0] or '')}")


def _as_json(text: str) -> list[Json]:
    try:
        return [parse_json(text.encode())]
    except (InvalidInput, UnicodeEncodeError):
        return []


def _choice(choices: Sequence[Json], text: str, meant: Sequence[Json]) -> Json:
    for choice in choices:
        if choice == text or any(same(choice, value) for value in meant):
            return choice
    raise InvalidInput(f"{text!r} is not one of the choices: {', '.join(map(value_text, choices))}")
