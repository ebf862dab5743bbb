"""Listeners: woken by what one run's job must hear, and by nothing else."""
# ruff: noqa: D102 -- the name of a test says what it holds

from __future__ import annotations

import threading

from headway.errors import Fenced
from headway.ports import Listener
from headway.protocol.events import InputGiven, RunCancelRequested, draft
from headway.testing.event_store.case import StoreCase
from headway.testing.expectation import refused
from headway.testing.samples import AT, new_run, note, notes

CANCEL = draft(RunCancelRequested(by="somebody"), at=AT)
ANSWER = draft(InputGiven(id="question", value="yes"), at=AT)


class Listening(StoreCase):
    """What wakes a listener, and what does not."""

    def test_a_cancel_and_an_answer_wake(self) -> None:
        listener = self.store.listen("run")
        for heard in (CANCEL, ANSWER):
            self.report(heard, reporter="watcher")
            assert listener.wait(30)
            assert quiet(listener)
        listener.close()

    def test_they_wake_between_other_events(self) -> None:
        listener = self.store.listen("run")
        self.report(note("a"), CANCEL, note("b"))
        assert listener.wait(30)
        listener.close()

    def test_nothing_else_wakes(self) -> None:
        self.store.create(new_run("second"))
        listener = self.store.listen("run")
        self.report(*notes("a", "b"))
        self.report(CANCEL, run_id="second")
        with refused(Fenced):
            self.report(CANCEL, attempt=7)
        assert quiet(listener)
        listener.close()

    def test_a_run_that_begins_with_the_others_name_is_another(self) -> None:
        self.store.create(new_run("run-2"))
        listener, other = self.store.listen("run"), self.store.listen("run-2")
        self.report(CANCEL, run_id="run-2")
        assert other.wait(30)
        assert quiet(listener)
        listener.close()
        other.close()

    def test_whoever_listens_hears(self) -> None:
        owner, helper = self.store.listen("run"), self.store.listen("run")
        self.report(CANCEL)
        assert owner.wait(30)
        assert helper.wait(30)
        owner.close()
        self.report(ANSWER)
        assert helper.wait(30)
        helper.close()

    def test_a_run_that_is_not_there_yet(self) -> None:
        listener = self.store.listen("later")
        assert quiet(listener)
        self.store.create(new_run("later"))
        self.report(CANCEL, run_id="later")
        assert listener.wait(30)
        listener.close()

    def test_a_ring_ends_a_wait(self) -> None:
        listener = self.store.listen("run")
        rung = threading.Event()

        def listen() -> None:
            while not listener.wait(30):
                pass
            rung.set()

        thread = threading.Thread(target=listen)
        thread.start()
        self.report(CANCEL)
        assert rung.wait(30)
        thread.join(30)
        listener.close()

    def test_a_listener_can_be_woken(self) -> None:
        listener = self.store.listen("run")
        listener.wake()
        assert listener.wait(30)
        assert quiet(listener)
        listener.close()

    def test_a_listener_may_be_closed_twice(self) -> None:
        listener = self.store.listen("run")
        listener.close()
        listener.close()
        listener.wake()
        self.report(CANCEL)


def quiet(listener: Listener) -> bool:
    """Whether nobody has rung; an answer that comes at once would be here already."""
    return not listener.wait(0)
