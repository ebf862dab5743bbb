import io
import json
import logging
import threading
from collections import ChainMap, UserDict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import headway
from headway.reporter.bridges.log_handler import LogHandler
from tests.unit.reporter.bridges.recorded import Recorded

SECRET = "/home/ada/key-4711"


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    logger = logging.getLogger("shop")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    before = list(logger.handlers)
    yield logger
    logger.handlers[:] = before
    logger.propagate = True


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    return Recorded(tmp_path)


def test_what_headways_threads_say_does_not_wait_for_a_thread_of_the_job(
    recorded: Recorded, log: logging.Logger
) -> None:
    """It waits for room in the midst of a record, and they are to make some."""
    handler = LogHandler()
    log.addHandler(handler)
    sender = threading.Thread(target=log.warning, args=("the store is out of reach",), name="headway-sender")
    handler.acquire()
    try:
        sender.start()
        sender.join(10)
        assert not sender.is_alive()
    finally:
        handler.release()


def fail() -> None:
    raise ValueError(SECRET)


def test_records_become_lines_with_their_level_in_the_stage_that_they_came_from(
    recorded: Recorded, log: logging.Logger
) -> None:
    handler = LogHandler(level=logging.INFO)
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    log.addHandler(handler)
    log.warning("before the run")
    with recorded.run() as run:
        log.info("%d left", 3)
        log.debug("too quiet")
        with run.stage("pack"):
            log.error("one line\nanother")
    log.warning("after the run")
    assert [(stage, log.stream, log.level, log.lines) for stage, log in recorded.logged()] == [
        (None, "log", "info", ("shop: 3 left",)),
        ("pack", "log", "error", ("shop: one line", "another")),
    ]


def test_traces_are_for_the_operator(recorded: Recorded, log: logging.Logger) -> None:
    operator = io.StringIO()
    log.addHandler(logging.StreamHandler(operator))
    log.addHandler(LogHandler())
    log.addHandler(logging.StreamHandler(operator))
    with recorded.run():
        try:
            fail()
        except ValueError:
            log.exception("packing %s failed", "A")
        log.error("here", stack_info=True)
    assert recorded.lines("log") == ["packing A failed (ValueError)", "here"]
    assert operator.getvalue().count(f"ValueError: {SECRET}") == 2
    assert operator.getvalue().count("Stack (most recent call last)") == 2


def test_traces_are_shown_when_that_is_asked_for(recorded: Recorded, log: logging.Logger) -> None:
    log.addHandler(LogHandler(traces=True))
    with recorded.run():
        try:
            fail()
        except ValueError:
            log.exception("failed")
    assert recorded.lines("log")[-1] == f"ValueError: {SECRET}"


def test_headways_own_records_are_left_out(recorded: Recorded) -> None:
    root = logging.getLogger()
    handler = LogHandler()
    root.addHandler(handler)
    try:
        with recorded.run():
            logging.getLogger("headway").warning("own")
            logging.getLogger("headway.deep").warning("own")
            logging.getLogger("headways").warning("not own")
    finally:
        root.removeHandler(handler)
    assert recorded.lines("log") == ["not own"]


def in_thread(work: object, name: str = "worker") -> None:
    assert callable(work)
    thread = threading.Thread(target=work, name=name)
    thread.start()
    thread.join()


def test_threads_that_are_in_no_run_need_one_given(recorded: Recorded, log: logging.Logger) -> None:
    with recorded.run() as run:
        log.addHandler(LogHandler())
        in_thread(lambda: log.info("nobody's"))
        log.addHandler(LogHandler(run))
        in_thread(lambda: log.info("the run's"))
        in_thread(lambda: log.info("its own"), "headway-sender")
    assert recorded.lines("log") == ["the run's"]


def test_a_given_run_gets_records_under_its_own_stages_only(recorded: Recorded, log: logging.Logger) -> None:
    with recorded.run() as run:
        log.addHandler(LogHandler(run))
        with run.stage("pack"):
            log.info("packing")
            with headway.run("other", target="none:") as other, other.stage("inner"):
                log.info("elsewhere")
    assert recorded.lines("log", stage="pack") == ["packing"]
    assert recorded.lines("log") == ["elsewhere"]


def test_a_record_that_cannot_be_formatted_never_reaches_the_job(
    recorded: Recorded, log: logging.Logger, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = LogHandler()
    handler.setFormatter(logging.Formatter("%(message)s %(weight)d"))
    log.addHandler(handler)
    with recorded.run():
        for _ in range(100):
            log.info("without a weight")
        log.info("good", extra={"weight": 5})
    assert recorded.lines("log") == ["good 5"]
    assert handler.failed == 100
    assert [record.getMessage() for record in caplog.records if record.name == "headway"] == [
        "a record of the logger 'shop' could not be reported; more are only counted"
    ]
    assert capsys.readouterr().err == ""


class Chatty(logging.Formatter):
    """One that logs while it formats."""

    def format(self, record: logging.LogRecord) -> str:
        logging.getLogger("shop").info("formatting")
        return super().format(record)


def test_a_formatter_that_logs_does_not_recurse(recorded: Recorded, log: logging.Logger) -> None:
    handler = LogHandler()
    handler.setFormatter(Chatty())
    log.addHandler(handler)
    with recorded.run():
        log.info("once")
    assert recorded.lines("log") == ["once"]


def test_exceptions_among_the_arguments_are_shown_by_their_types(recorded: Recorded, log: logging.Logger) -> None:
    kept = io.StringIO()
    log.addHandler(logging.StreamHandler(kept))
    log.addHandler(LogHandler())
    error = ValueError(SECRET)
    with recorded.run():
        log.error("err: %s, %r", error, error)
        log.error(error)
        log.error("%d of them: %s", 2, [error, {"b": (error,)}])
        log.error("%(what)s", {"what": error})
    assert recorded.lines("log") == [
        "err: ValueError, ValueError",
        "ValueError",
        "2 of them: [ValueError, {'b': (ValueError,)}]",
        "ValueError",
    ]
    assert kept.getvalue().count(SECRET) == 6


def test_a_formatter_finds_the_dictionary_that_was_given(recorded: Recorded, log: logging.Logger) -> None:
    class Json(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return json.dumps(record.args)

    handler = LogHandler()
    handler.setFormatter(Json())
    log.addHandler(handler)
    with recorded.run():
        log.error("%(n)s", {"n": 1, "parts": [{"a": None}]})
    assert recorded.lines("log") == ['{"n": 1, "parts": [{"a": null}]}']


class Wordy(dict[str, object]):
    def __str__(self) -> str:
        return "in other words"


class Discreet(dict[str, object]):
    def __repr__(self) -> str:
        return "<hidden>"


class Defaults(dict[str, object]):
    def __missing__(self, key: str) -> object:
        return ValueError(SECRET)


@pytest.mark.parametrize(
    ("args", "whole"),
    [
        ({"what": ValueError(SECRET)}, "{'what': ValueError}"),
        (ChainMap({"what": ValueError(SECRET)}, {}), "ChainMap({'what': ValueError}, {})"),
        (UserDict(what=ValueError(SECRET)), "{'what': ValueError}"),
        (Wordy(what=ValueError(SECRET)), "in other words"),
        (Discreet(what=ValueError(SECRET)), "<hidden>"),
        (Defaults(b=ValueError(SECRET)), "{'b': ValueError}"),
    ],
)
def test_a_mapping_of_arguments_gives_and_prints_what_it_did_but_for_exceptions(
    recorded: Recorded, log: logging.Logger, args: Mapping[str, object], whole: str
) -> None:
    log.addHandler(LogHandler())
    with recorded.run():
        log.error("%(what)s, %(what)r", args)
        log.error("%s", args)
    assert recorded.lines("log") == ["ValueError, ValueError", whole]


def test_an_argument_that_is_too_large_to_be_looked_at_costs_no_other(recorded: Recorded, log: logging.Logger) -> None:
    handler = LogHandler()
    log.addHandler(handler)
    with recorded.run():
        log.info("%.20s… and %s and %s", [object()] * 100_000, ValueError(SECRET), 3)
    (line,) = recorded.lines("log")
    assert line.endswith("… and ValueError and 3")
    assert handler.failed == 0
