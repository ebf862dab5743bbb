"""Whatever a job reports, the log can be read by everybody, and says as much of it as can be said."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import io
import pathlib
import types
import uuid
from typing import Any

import msgspec
import pytest

import headway
from headway.protocol import codec, events, limits
from headway.reporter import plain
from tests.unit.reporter.flaky import FlakySink, events_of, make_run, types_of


class Unspeakable:
    """Raises when it is looked at in any way."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    __str__ = __repr__


class Greedy:
    """Has every attribute there is, as mock objects have."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: self


class Text(str):
    __slots__ = ()


class Count(int):
    pass


class Colour(enum.Enum):
    RED = object()


class Array:
    """As NumPy's arrays and numbers do."""

    def __init__(self, *values: float) -> None:
        self.values = values

    def tolist(self) -> list[float]:
        return list(self.values)

    def __bool__(self) -> bool:
        raise ValueError("ambiguous")

    def __eq__(self, other: object) -> Any:
        return self

    __hash__ = None  # type: ignore[assignment]


circle: list[object] = []
circle.append({"again": circle})
deep: list[object] = []
for _ in range(5_000):
    deep = [deep]

ODD: list[object] = [
    None,
    True,
    0,
    -1,
    2**70,
    10**400,
    float("nan"),
    float("inf"),
    -1e308,
    1j,
    "",
    "x" * 1_000_000,
    "\x00\x1b[31m\u2028",
    "caf\udce9",
    b"\xff\x00",
    Text("text"),
    Count(3),
    decimal.Decimal("1.50"),
    datetime.datetime(2026, 11, 20, tzinfo=datetime.UTC),
    datetime.timedelta(seconds=3),
    pathlib.Path("/x"),
    uuid.UUID(int=1),
    Colour.RED,
    {1, 2},
    frozenset("a"),
    range(3),
    collections.deque([1]),
    collections.UserDict(a=1),
    types.MappingProxyType({"a": 1}),
    {(1, 2): {None: object()}},
    {"\udce9": "\udce9"},
    (n for n in "ab"),
    Unspeakable(),
    {"a": Unspeakable()},
    Greedy(),
    Array(1.5, 2.5),
    circle,
    deep,
    [[0] * 1_000] * 1_000,
    io.BytesIO(b"x"),
    ValueError("x"),
    int,
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: f"{type(odd).__name__}")
def test_nothing_odd_reaches_the_job_or_harms_the_log(odd: Any) -> None:
    sink = FlakySink()
    with make_run(sink) as run:
        run.update(title=odd, variant=odd, size=odd, meta=odd)
        with run.stage(
            "a", title=odd, weight=odd, role=odd, expect=odd, total=odd, unit=odd, message=odd, data=odd
        ) as a:
            a.advance(odd)
            a.update(progress=odd, current=odd, total=odd, unit=odd, message=odd, data=odd)
            a.degrade(odd, fallback=odd)
            a.complete(odd, data=odd)
        run.stage("b").fail(odd, code=odd, recoverable=odd)
        run.stage("c").skip(odd)
        run.finding(odd, severity=odd, id=odd, detail=odd, confidence=odd, evidence=odd).update(evidence=odd, title=odd)
        run.highlight(odd)
        run.note(odd)
        run.error(odd, code=odd, recoverable=odd)
        run.log(odd, stream=odd, level=odd)
        run.emit("x.own", odd, priority=odd)
        run.emit(odd, {"a": 1})
        run.artifact(odd, odd)
        run.artifact("name", odd, media_type=odd)
        run.result(odd)
        assert run.flush(30)
    told = types_of(sink.store)  # which decodes everything, too
    assert told[-1] == "run.completed"
    for type_ in ("stage.started:a", "stage.degraded:a", "stage.completed:a", "stage.failed:b", "stage.skipped:c"):
        assert type_ in told
    for type_ in ("finding", "highlight", "note", "error", "log"):
        assert type_ in told
    stored = sink.store.snapshot("run", fold=run.state.fold)
    assert stored is not None
    assert stored.body == msgspec.json.encode(run.state)


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: f"{type(odd).__name__}")
@pytest.mark.parametrize("end", ["complete", "fail", "cancel"])
def test_no_end_of_a_run_is_refused(odd: Any, end: str) -> None:
    sink = FlakySink()
    run = make_run(sink).start()
    getattr(run, end)(odd)
    assert (
        types_of(sink.store)[-1] == {"complete": "run.completed", "fail": "run.failed", "cancel": "run.cancelled"}[end]
    )


def data_of(sink: FlakySink, type_: str) -> list[Any]:
    found = [event for event in events_of(sink.store) if event.type == type_]
    return [codec.data_of(event) or msgspec.json.decode(event.data) for event in found]


def test_what_is_reported_is_what_it_was_then() -> None:
    sink = FlakySink()
    sink.passing.clear()
    kept: dict[str, Any] = {"n": 0, "list": []}
    with make_run(sink) as run, run.stage("a") as stage:
        for n in range(3):
            kept["n"] = n
            kept["list"].append(n)
            run.emit("x.n", kept)
            run.finding("f", evidence=kept)
        stage.complete(data=kept)
        run.result(kept)
        kept.clear()
        sink.passing.set()
    assert [data["n"] for data in data_of(sink, "x.n")] == [0, 1, 2]
    assert [data.evidence["list"] for data in data_of(sink, "finding")] == [[0], [0, 1], [0, 1, 2]]
    assert data_of(sink, "stage.completed")[0].data == {"n": 2, "list": [0, 1, 2]}
    assert run.state.result == {"n": 2, "list": [0, 1, 2]}


def test_odd_values_are_said_as_well_as_they_can_be() -> None:
    sink = FlakySink()
    with make_run(sink) as run:
        run.emit("x.a", {"path": pathlib.Path("/x"), "array": Array(1.5), "nan": float("nan"), "set": {1}, 2: "two"})  # type: ignore[dict-item]
        run.emit("x.b", {"bad": Unspeakable(), "good": 1})
        run.emit("x.c", {(1, 2): "caf\udce9", "circle": circle})  # type: ignore[dict-item]
        run.finding("f", severity="HIGH", confidence="0.5", evidence=[1])  # type: ignore[arg-type]
        run.highlight(5)  # type: ignore[arg-type]
    assert data_of(sink, "x.a") == [{"path": "/x", "array": [1.5], "nan": None, "set": [1], "2": "two"}]
    assert data_of(sink, "x.b") == [{"bad": "<Unspeakable>", "good": 1}]
    (circular,) = data_of(sink, "x.c")
    assert circular["(1, 2)"] == "caf\ufffd"
    assert "…" in str(circular["circle"])
    (finding,) = data_of(sink, "finding")
    assert (finding.severity, finding.evidence) == ("high", [1])
    assert data_of(sink, "highlight")[0].text == "5"


def test_what_is_too_large_is_cut_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    sink = FlakySink()
    large = "x" * 100_000
    with make_run(sink) as run:
        with run.stage("a", message=large, data={"a": large}) as stage:
            stage.complete(large, data={"small": 1})
        run.highlight(large)
        run.finding(large, detail=large, evidence={"small": 1})
        run.emit("x.large", {"a": large})
        run.result(large)
    assert data_of(sink, "stage.started")[0].message == "x" * 2_000 + "…"
    completed = data_of(sink, "stage.completed")[0]
    assert (len(completed.summary), completed.data) == (2_001, {"small": 1})
    assert data_of(sink, "finding")[0].evidence == {"small": 1}
    assert data_of(sink, "x.large") == []
    (end,) = data_of(sink, "run.completed")
    assert (end.result, end.truncated) == (None, True)
    assert end.durations is not None
    assert [record.getMessage().split(" (")[0] for record in caplog.records][:2] == [
        "run run: a report was refused",
        "run run: a report was changed to what a log takes",
    ] or len(caplog.records) <= 3


def test_a_large_end_loses_its_durations_before_its_result() -> None:
    sink = FlakySink()
    with make_run(sink) as run:
        for n in range(900):
            with run.stage(f"{'stage' * 10}{n}"):
                pass
        run.result({"text": "x" * 1_000})
    (end,) = data_of(sink, "run.completed")
    assert end.truncated
    assert end.result == {"text": "x" * 1_000}
    assert end.duration is not None


def test_titles_and_units_are_cut_where_they_are_given() -> None:
    sink, long = FlakySink(), "t" * 5_000
    planned = {"a": headway.Planned(title=long)}
    with make_run(sink, title=long, plan=planned) as run:
        run.update(title="u" + long)
        run.stage("b", title=long, unit=long).start()
    state = run.state
    texts = [state.title, *(text for stage in state.stages for text in (stage.title, stage.unit) if text)]
    assert [len(text or "") for text in texts] == [1_000] * 4
    (created,) = data_of(sink, "run.created")
    assert len(created.title) == 1_000


def test_reserved_types_cannot_be_emitted() -> None:
    sink = FlakySink()
    with make_run(sink) as run:
        run.emit("run.completed", {})
        run.emit("finding", {"id": "a"})
        run.emit("page", {})
        run.emit("x.ok", None)
    assert types_of(sink.store) == ["run.created", "run.started", "x.ok", "run.completed"]


# The log's lines


def lines_of(sink: FlakySink) -> list[events.Log]:
    return data_of(sink, "log")


def joined(sink: FlakySink) -> str:
    return "".join(("" if log.partial else "\n").join([*log.lines, ""]) for log in lines_of(sink))


@pytest.mark.parametrize(
    "text",
    [
        "x" * 100_000,
        "\x00" * 100_000,
        '"\\' * 50_000,
        "\u00e9" * 50_000,
        "\U0001f600" * 30_000,
        "\n" * 70_000,
        "a\n\nb",
        "",
        "ends\n",
        ("\x1b" * 30 + "\n") * 3_000,
    ],
)
def test_every_line_fits_and_nothing_is_lost(text: str) -> None:
    sink = FlakySink()
    with make_run(sink) as run:
        run.log(text)
        run.log("last")
    assert joined(sink) == text.removesuffix("\n") + "\nlast\n"
    for log in lines_of(sink):
        assert all(len(line.encode()) <= limits.LOG_LINE_BYTES for line in log.lines)
        assert not log.partial or len(log.lines) == 1
    assert all(len(record) < limits.EVENT_BYTES + 40 for record in [msgspec.json.encode(log) for log in lines_of(sink)])


def test_lines_of_different_streams_stay_in_order() -> None:
    sink = FlakySink()
    sink.passing.clear()
    with make_run(sink) as run:
        run.note("first")
        assert sink.appending.wait(10)
        run.log("1")
        run.log("2")
        run.log("3", stream="stderr")
        run.log("4", level="warning")
        run.note("between")
        run.log("5")
        sink.passing.set()
    assert [log.lines for log in lines_of(sink)] == [("1", "2"), ("3",), ("4",), ("5",)]


def test_bytes_are_taken_for_utf_8() -> None:
    sink = FlakySink()
    with make_run(sink) as run:
        run.log("é".encode() + b"\xff")  # type: ignore[arg-type]
    assert lines_of(sink)[0].lines == ("é\ufffd",)


# The parts


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3),
        (2.5, 2.5),
        (True, 1),
        (Count(3), 3),
        (decimal.Decimal("1.5"), 1.5),
        (float("nan"), None),
        (float("-inf"), None),
        ("5", None),
        (b"5", None),
        (None, None),
        (1j, None),
        (object(), None),
    ],
)
def test_numbers(value: object, number: float | None) -> None:
    assert plain.number(value) == number


def test_frozen_values_are_bounded() -> None:
    assert plain.frozen("x" * limits.EVENT_BYTES) is None
    assert len(plain.frozen(circle)) < 1_000
    assert plain.frozen({"a": [1, None, "x"]}) == msgspec.Raw(b'{"a":[1,null,"x"]}')
