"""Results that the last event has no room for."""

from __future__ import annotations

import logging
import threading
from typing import Any

import msgspec
import pytest

from headway.errors import StoreUnavailable
from headway.protocol import codec, limits
from headway.protocol.events import Artifact, RunCompleted
from headway.reporter import run as run_module
from headway.reporter.attached import AttachedRun
from tests.unit.reporter.flaky import FlakySink, events_of, make_run, types_of

LARGE = {"text": "x" * 70_000}


def end_of(sink: FlakySink) -> RunCompleted:
    data = codec.data_of(events_of(sink.store)[-1])
    assert isinstance(data, RunCompleted)
    return data


def test_a_large_result_is_an_artifact_that_the_end_names() -> None:
    sink = FlakySink()
    with make_run(sink) as run:
        with run.stage("a"):
            pass
        run.result(LARGE)
    assert types_of(sink.store)[-2:] == ["artifact", "run.completed"]
    kept = codec.data_of(events_of(sink.store)[-2])
    assert isinstance(kept, Artifact)
    assert (kept.name, kept.media_type, kept.size) == ("result.json", "application/json", 70_011)
    assert msgspec.json.decode(sink.artifacts["result.json"]) == LARGE
    end = end_of(sink)
    assert (end.result, end.truncated) == ({"artifact": "result.json"}, True)
    assert list(end.durations or ()) == list(end.spans or ()) == ["a"], "for which there is room now"
    assert run.state.result == {"artifact": "result.json"}


def test_it_is_what_it_was_when_it_was_told() -> None:
    sink, result = FlakySink(), {"parts": ["x" * 70_000]}
    run = make_run(sink).start()
    run.result(result)
    result["parts"].clear()
    run.complete()
    assert msgspec.json.decode(sink.artifacts["result.json"]) == {"parts": ["x" * 70_000]}


def test_the_job_keeps_its_own_artifacts_of_that_name() -> None:
    sink = FlakySink()
    with make_run(sink) as run:
        run.artifact("result.json", b"mine")
        run.stage("a").artifact("result-1.json", b"mine, too")
        run.result(LARGE)
    assert end_of(sink).result == {"artifact": "result-2.json"}
    assert sink.artifacts["result.json"] == b"mine"


def test_also_when_the_log_does_not_have_them_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWAY_FLUSH_S", "0")
    monkeypatch.setattr(run_module, "RESULT_S", 30.0)
    sink = FlakySink()
    sink.passing.clear()
    run = make_run(sink).start()
    run.artifact("result.json", b"mine")
    run.complete(LARGE)
    assert list(sink.artifacts) == ["result.json", "result-1.json"]
    sink.passing.set()


def test_and_those_of_an_earlier_attempt() -> None:
    sink = FlakySink()
    earlier = make_run(sink).start()
    earlier.artifact("result.json", b"theirs")
    assert earlier.flush()
    with make_run(sink) as run:
        run.result(LARGE)
    assert end_of(sink).result == {"artifact": "result-1.json"}


def test_and_those_of_a_helper_that_left_just_before_the_end() -> None:
    sink = FlakySink()
    with make_run(sink) as run:
        assert run.flush(30)
        with AttachedRun("run", sink.open, lease_s=30.0) as helper:
            helper.artifact("result.json", b"theirs")
        run.result(LARGE)
    assert end_of(sink).result == {"artifact": "result-1.json"}
    assert sink.artifacts["result.json"] == b"theirs"


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("result", ["x" * (limits.EVENT_BYTES - 100), nested(limits.JSON_DEPTH - 1)])
def test_what_hardly_does_not_fit_is_kept_as_well(result: Any) -> None:
    sink = FlakySink()
    with make_run(sink) as run:
        run.result(result)
    assert msgspec.json.decode(sink.artifacts["result.json"]) == result
    assert end_of(sink).result == {"artifact": "result.json"}


@pytest.mark.parametrize("result", ["x" * (limits.EVENT_BYTES - 300), nested(limits.JSON_DEPTH - 2), None, {"n": 1}])
def test_what_fits_is_told_by_the_end_itself(result: Any) -> None:
    sink = FlakySink()
    with make_run(sink) as run:
        with run.stage("a"):
            pass
        run.result(result)
    assert sink.artifacts == {}
    assert end_of(sink).result == result


def test_a_run_completes_without_a_result_that_cannot_be_stored(caplog: pytest.LogCaptureFixture) -> None:
    class Full(FlakySink):
        def put_artifact(self, *_: object) -> Any:
            raise OSError("no space left")

    sink = Full()
    with caplog.at_level(logging.WARNING, "headway"), make_run(sink) as run:
        run.result(LARGE)
    assert types_of(sink.store)[-1] == "run.completed"
    assert (end_of(sink).result, end_of(sink).truncated) == (None, True)
    assert "the artifact 'result.json' was not stored: no space left" in caplog.text
    assert run._channel.tally.counts == {"left out": 1}


def test_a_completion_waits_no_longer_for_its_result_than_it_has_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HEADWAY_FLUSH_S", "0")
    monkeypatch.setattr(run_module, "RESULT_S", 0.05)
    go_on, came_back = threading.Event(), threading.Event()

    class Mute(FlakySink):
        def put_artifact(self, *_: object) -> Any:
            go_on.wait(30)
            came_back.set()
            raise StoreUnavailable("it did not answer")

    run = make_run(Mute()).start()
    with caplog.at_level(logging.WARNING, "headway"):
        run.complete(LARGE)
    assert not came_back.is_set()
    go_on.set()
    assert run._channel.tally.counts == {"left out": 1}
    assert "a result over 64 KiB, which could not be kept as an artifact in time" in caplog.text
    assert came_back.wait(30)


def test_an_interrupt_while_it_is_stored_leaves_the_run_completed() -> None:
    class Slow(FlakySink):
        def put_artifact(self, *_: object) -> Any:
            raise KeyboardInterrupt

    sink = Slow()
    run = make_run(sink).start()
    with pytest.raises(KeyboardInterrupt):
        run.complete(LARGE)
    assert (end_of(sink).result, end_of(sink).truncated) == (None, True)


def test_only_a_completion_tells_a_result() -> None:
    sink = FlakySink()
    run = make_run(sink).start()
    run.result(LARGE)
    run.fail("no")
    assert sink.artifacts == {}
