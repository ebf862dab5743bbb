"""Questions to people: who waits for the answer, how long, and what ends it."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import msgspec
import pytest

from headway.errors import Cancelled
from headway.ports import Appended, Batch
from headway.protocol import events, times
from headway.protocol.events import draft
from headway.reporter.asking import LONGEST_S, Questions, seconds, wait
from tests.unit.reporter.flaky import FlakySink, events_of, make_run


class Answering(FlakySink):
    """Somebody answers each question with its prompt, when ``may_answer`` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.may_answer = threading.Event()
        self.may_answer.set()

    def append(self, batch: Batch) -> Appended:
        appended = super().append(batch)
        for each in batch.events:
            if isinstance(each.data, events.InputRequested):
                self.asked.set()
                if self.may_answer.is_set():
                    self.tell(events.InputGiven(id=each.data.id, value=each.data.prompt))
        return appended

    def tell(self, data: events.Data) -> None:
        said = draft(data, at=times.to_text(0))
        self.store.append(Batch(run_id="run", reporter=f"watcher-{time.monotonic_ns()}", first=1, events=(said,)))


def waiting_threads() -> int:
    return sum(thread.name == "headway-end" for thread in threading.enumerate())


def test_an_answer_that_comes_while_everybody_is_looking_up_is_kept() -> None:
    questions = Questions()
    question = questions.ask()
    questions.wake()
    questions.answer(question.id, "yes")
    assert wait(question, 10, lambda: None) == "yes"


def test_the_first_answer_counts() -> None:
    questions = Questions()
    question = questions.ask()
    question.answer("yes")
    question.answer("no")
    assert wait(question, 10, lambda: None) == "yes"


def test_after_the_end_nobody_is_asked_and_nobody_waits() -> None:
    with make_run(Answering()) as run:
        pass
    began = time.monotonic()
    with pytest.raises(TimeoutError, match="the run is over"):
        run.ask("Anybody?", timeout=600)
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("timeout", [float("inf"), 1e300, None, "a while"])
def test_for_ever_is_a_time_to_wait_and_so_is_what_says_nothing(timeout: Any) -> None:
    with make_run(Answering()) as run:
        assert run.ask("Well?", timeout=timeout) == "Well?"
        assert run.flush(timeout)


def test_how_long_is_waited() -> None:
    given: list[object] = [None, float("inf"), 2, 2.5, "2", [], -1, float("nan")]
    assert [seconds(timeout, 5.0) for timeout in given] == [LONGEST_S, LONGEST_S, 2, 2.5, 5, 5, 0, 0]


@pytest.mark.parametrize("timeout", [0, -1, float("-inf"), float("nan")])
def test_no_time_at_all_is_over_at_once(timeout: float) -> None:
    sink = Answering()
    sink.may_answer.clear()
    with make_run(sink) as run, pytest.raises(TimeoutError):
        run.ask("Well?", timeout=timeout)


def test_choices_are_told_as_they_were_and_as_well_as_they_can_be() -> None:
    sink, odd = Answering(), object()
    choices, schema = [{"size": 1}, odd, {2, 1}], {"type": "object", "title": odd}
    with make_run(sink) as run:
        assert run.ask("Which?", choices=choices, schema=schema) == "Which?"
    (asked,) = [msgspec.json.decode(event.data) for event in events_of(sink.store) if event.type == "input.requested"]
    assert asked["choices"] == [{"size": 1}, str(odd), [1, 2]]
    assert asked["schema"] == {"type": "object", "title": str(odd)}


def test_who_does_not_wait_any_more_leaves_no_thread_that_does() -> None:
    sink = Answering()
    sink.may_answer.clear()

    async def job() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(run.ask_async("Well?"), 0.05)

    with make_run(sink) as run:
        asyncio.run(job())
        until = time.monotonic() + 30
        while waiting_threads():
            assert time.monotonic() < until, "it waits for 600 seconds"
            threading.Event().wait(0.005)
        assert not run._channel._questions._open


def test_a_shielded_task_gets_its_answer_and_then_the_cancel() -> None:
    sink = Answering()
    sink.may_answer.clear()
    answers: list[object] = []

    async def shielded() -> None:
        async with make_run(sink) as run:
            assert run.flush(30)
            with run.shielded():
                loop = asyncio.get_running_loop()

                def cancel_then_answer() -> None:
                    assert sink.asked.wait(30)
                    sink.tell(events.RunCancelRequested(reason="enough"))
                    while not run._channel.stopping.requested:
                        threading.Event().wait(0.001)
                    (question,) = run._channel._questions._open.values()
                    sink.tell(events.InputGiven(id=question.id, value="yes"))

                helping = loop.run_in_executor(None, cancel_then_answer)
                answers.append(await run.ask_async("Well?", timeout=30))
                await helping
            answers.append("never")

    with pytest.raises(Cancelled):
        asyncio.run(shielded())
    assert answers == ["yes"]
