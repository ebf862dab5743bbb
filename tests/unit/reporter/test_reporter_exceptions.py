"""Of an exception watchers are shown its type and an id, and the operator's log has the rest under that id."""

from __future__ import annotations

import logging
from collections import UserDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
import pytest

import headway
from headway.protocol import codec, events
from tests.unit.reporter.containers import Outcome, Pair
from tests.unit.reporter.everything import report_everything
from tests.unit.reporter.flaky import FlakySink, events_of, make_run

SECRET = "/home/alice/secret password=hunter2"


class Failing(RuntimeError):
    pass


def raised() -> Failing:
    try:
        raise Failing(SECRET)
    except Failing as error:
        return error


PLANTED: list[Callable[[], object]] = [
    raised,
    lambda: [raised()],
    lambda: {"why": raised()},
    lambda: {raised(): 1},
    lambda: {"deep": [{1, 2}, (raised(),)]},
    lambda: deque([raised()]),
    lambda: UserDict(why=raised()),
    lambda: UserDict(why=raised()).values(),
    lambda: UserDict(why=raised()).items(),
    lambda: Pair(1, raised()),
    lambda: Outcome(1, [raised()]),
]


@pytest.mark.parametrize("plant", PLANTED)
def test_of_an_exception_nobody_is_shown_more_than_its_type_wherever_it_is_given(
    plant: Callable[[], object], caplog: pytest.LogCaptureFixture
) -> None:
    sink = FlakySink()
    planted = plant()
    with make_run(sink) as run:
        report_everything(run, planted)
        with run.stage("outer") as outer, outer.stage(planted):  # type: ignore[arg-type]
            pass
    shown = b"".join(msgspec.json.encode(event) for event in events_of(sink.store))
    assert b"Failing" in shown
    assert SECRET.encode() not in shown
    assert SECRET in caplog.text
    if plant is raised:
        reference = planted.headway_reference  # type: ignore[attr-defined]
        assert caplog.text.count(f"(error {reference})") == 1
        assert reference.encode() in shown


@pytest.mark.parametrize("end", ["cancel", "fail"])
def test_of_an_exception_that_a_run_ends_with_only_the_type_is_shown(end: str) -> None:
    sink = FlakySink()
    getattr(make_run(sink).start(), end)(raised())
    shown = msgspec.json.encode(events_of(sink.store)[-1])
    assert b"Failing (the operator's log has it as " in shown
    assert SECRET.encode() not in shown


def test_exceptions_that_are_reported_nowhere_are_in_the_operators_log(caplog: pytest.LogCaptureFixture) -> None:
    with headway.run("demo", target="none:") as run:
        run.error(raised())
        run.stage("a").degrade(raised())
        run.stage("a").skip(raised())
        run.stage("a").cancel(raised())
        run.cancel(raised())
    assert caplog.text.count(f"Failing: {SECRET}") == 5


@dataclass
class Account:
    """What it prints of itself is what may be seen of it."""

    user: str
    password: str = field(default="hunter2", repr=False)


@dataclass
class Version:
    major: int
    key: str = "hunter2"

    def __str__(self) -> str:
        return f"v{self.major}"


@dataclass
class Connection:
    host: str
    last: object
    password: str = "hunter2"

    def __repr__(self) -> str:
        return f"<to {self.host}>"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Account("alice"), "Account(user='alice')"),
        ([Account("alice")], "[Account(user='alice')]"),
        (Version(3), "v3"),
        (Connection("db", raised()), "<to db>"),
        ({"a": [Connection("db", raised())]}, "{'a': [<to db>]}"),
    ],
)
def test_what_an_object_does_not_print_of_itself_nobody_is_shown(value: object, text: str) -> None:
    sink = FlakySink()
    handler = headway.LogHandler()
    with make_run(sink) as run, run.stage(value):  # type: ignore[arg-type]
        run.note(value)  # type: ignore[arg-type]
        run.error(value)  # type: ignore[arg-type]
        run.log(value)  # type: ignore[arg-type]
        handler.handle(logging.makeLogRecord({"name": "job", "msg": "lost %s", "args": (value,)}))
    shown = b"".join(msgspec.json.encode(event) for event in events_of(sink.store))
    assert b"hunter2" not in shown
    told = [codec.data_of(event) for event in events_of(sink.store)]
    assert [each.text for each in told if isinstance(each, events.Note)] == [text]
    assert [line for each in told if isinstance(each, events.Log) for line in each.lines] == [text, f"lost {text}"]
