"""Whatever a job reports, the log can be read by everybody, and says as much of it as can be said."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import fractions
import io
import mimetypes
import pathlib
import types
import uuid
from typing import Any

import msgspec
import pytest

import headway
from headway.errors import InvalidInput
from headway.protocol import codec, events, limits
from headway.reporter import plain
from headway.reporter.naming import PARTS
from tests.unit.reporter.everything import report_everything
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


class Deceitful(int):
    """An integer that cannot be looked at as one."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    __str__ = __int__ = __index__ = __repr__  # type: ignore[assignment]


class Real(float):
    def __float__(self) -> float:
        raise RuntimeError("no")

    __repr__ = __str__ = __float__  # type: ignore[assignment]


class Scalar:
    """As NumPy's numbers do."""

    def __init__(self, value: object) -> None:
        self.value = value

    def item(self) -> object:
        return self.value


class Masked:
    """Its class is not to be seen."""

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise RuntimeError("no")


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
    2**64,
    -(2**63) - 1,
    10**400,
    -(10**400),
    10**5000,
    {"a": [10**5000, -(10**30)]},
    Deceitful(7),
    Deceitful(10**5000),
    Real(2.5),
    Real("nan"),
    decimal.Decimal("1e5000"),
    fractions.Fraction(1, 3),
    fractions.Fraction(10**5000, 3),
    Scalar(10**5000),
    Scalar(Scalar(1)),
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


def test_what_may_not_be_asked_for_its_class_is_named() -> None:
    assert plain.text(Masked()) == "<Masked>"
    assert plain.number(Masked()) is None
    assert msgspec.json.decode(plain.frozen({"a": [Masked()]})) == {"a": ["<Masked>"]}


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: f"{type(odd).__name__}")
def test_nothing_odd_reaches_the_job_or_harms_the_log(odd: Any) -> None:
    sink = FlakySink()
    with make_run(sink) as run:
        report_everything(run, odd)
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
    assert data_of(sink, "stage.started")[0].message == "x" * 2_000 + "…"
    completed = data_of(sink, "stage.completed")[0]
    assert (len(completed.summary), completed.data) == (2_001, {"small": 1})
    assert data_of(sink, "finding")[0].evidence == {"small": 1}
    assert data_of(sink, "x.large") == []
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


def test_of_a_container_that_is_given_as_a_text_nobody_needs_all() -> None:
    small, large = [1, {"a": (2.5, None)}], [[0] * 1_000] * 1_000
    assert plain.text(small) == str(small)
    assert len(plain.text(large)) < 3 * PARTS + 10
    assert plain.text(large).endswith(", …]")


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


def test_a_long_integer_deep_inside_raises_nothing() -> None:
    value: object = 2**64
    for _ in range(900):
        value = [value]
    assert plain.frozen(value) is not None


def test_frozen_values_are_bounded() -> None:
    assert plain.frozen("x" * limits.EVENT_BYTES) is None
    assert len(plain.frozen(circle)) < 1_000
    assert plain.frozen({"a": [1, None, "x"]}) == msgspec.Raw(b'{"a":[1,null,"x"]}')


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (2**64 - 1, 2**64 - 1),
        (-(2**63), -(2**63)),
        (2**64, float(2**64)),
        (-(2**63) - 1, -float(2**63)),
        (10**400, str(10**400)),
        (10**5000, "<int>"),
        (Deceitful(7), 7),
        (Real(2.5), 2.5),
        (Scalar(10**30), 1e30),
        ({"id": "1" * 30, "n": [10**30, True, None]}, {"id": "1" * 30, "n": [1e30, True, None]}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_integers_that_few_can_read_are_said_otherwise(value: object, said: object) -> None:
    frozen = msgspec.json.decode(plain.frozen(value))
    assert frozen == said
    assert type(frozen) is type(said)


def test_a_size_that_is_no_number_of_json_is_an_invalid_one() -> None:
    with pytest.raises(InvalidInput):
        headway.run("demo", size=10**5000, target="none:")
    with headway.run("demo", meta={"n": 10**5000}, size=10**30, plan={"a": 10**30 % 7}, target="none:"):
        pass


def test_values_outside_of_what_they_mean_are_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    sink = FlakySink()
    with make_run(sink) as run:
        for confidence in (7, -0.5, 1.0000001, 1, 0):
            run.finding("f", confidence=confidence)
        with run.stage("a", total=-5) as a:
            a.update(current=1, total=-7, message="m")
        run.update(title="t", variant="fine")
    assert [finding.confidence for finding in data_of(sink, "finding")] == [None, None, 1, 1, 0]
    assert [data.total for data in data_of(sink, "stage.started") + data_of(sink, "stage.progress")] == [None, None]
    assert [data.variant for data in data_of(sink, "run.updated")] == ["fine"]
    assert caplog.text.count("changed to what a log takes (further") == 1
    assert "'confidence' is out of range" in caplog.text


def test_what_is_no_artifact_and_no_picture_is_said_in_a_line(caplog: pytest.LogCaptureFixture) -> None:
    with make_run(FlakySink()) as run:
        assert not run.artifact("m", None)  # type: ignore[arg-type]
        assert not run.artifact(None, b"x")  # type: ignore[arg-type]
        assert not run.screenshot("\ud800")
        assert not run.screenshot("\0")
    assert "it is a NoneType: give a path, bytes, or a file opened for reading in binary" in caplog.text
    assert "its name is a NoneType: give a text" in caplog.text
    assert "'\\ud800' cannot be a path: " in caplog.text
    assert not any(record.exc_info for record in caplog.records)


def test_a_machines_table_of_types_that_cannot_be_read_costs_the_type_of_an_artifact_alone(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "mime.types"
    table.write_bytes(b"text/caf\xe9 caf\n")
    monkeypatch.setattr(mimetypes, "knownfiles", [str(table)])
    monkeypatch.setattr(mimetypes, "inited", False)
    monkeypatch.setattr(mimetypes, "_db", None)
    sink = FlakySink()
    with make_run(sink) as run:
        assert run.artifact("a.txt", b"x")
    (artifact,) = data_of(sink, "artifact")
    assert artifact.media_type == "application/octet-stream"
