"""What waits between a job's threads and the sender: in order, once, woken when it must be."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from headway.protocol.events import Note
from headway.reporter import outbox
from headway.reporter.bell import Bell
from headway.reporter.outbox import Item, LogLines, Marker, Outbox, Report, reports_in

THREADS = 4
LINES = 3_000


def texts_in(items: list[Item]) -> list[list[str]]:
    return [item.texts for item in items if isinstance(item, LogLines)]


def put(box: Outbox, text: str, *, stage: str | None = None, stream: str = "log", level: str | None = None) -> bool:
    return box.put_line(stage, stream, level, text)


def test_lines_of_one_kind_pass_as_one_item() -> None:
    box = Outbox()
    for text in "abc":
        assert put(box, text, level="INFO".lower(), stream="".join("log"))
    put(box, "d", stage="s")
    put(box, "e", stage="s", stream="stderr")
    put(box, "f", stage="s", stream="stderr", level="warning")
    box.put(Report(0.0, None, Note(text="between")))
    put(box, "g", stage="s", stream="stderr", level="warning")
    assert box.reports() == 8
    items = box.take(100)
    assert texts_in(items) == [["a", "b", "c"], ["d"], ["e"], ["f"], ["g"]]
    assert isinstance(items[4], Report)
    assert reports_in(items) == 8
    assert not box.busy


def test_an_item_holds_only_so_many_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "GATHERED_LINES", 3)
    box = Outbox()
    for n in range(7):
        put(box, str(n))
    assert texts_in(box.take(100)) == [["0", "1", "2"], ["3", "4", "5"], ["6"]]


def test_nothing_is_added_to_what_was_taken() -> None:
    box = Outbox()
    put(box, "a")
    taken = box.take(100)
    put(box, "b")
    assert texts_in(taken) == [["a"]]
    assert texts_in(box.take(100)) == [["b"]]


def test_who_found_an_item_open_and_comes_too_late_begins_another() -> None:
    class Late(Outbox):
        """The sender takes the item between a thread's look at it and its writing."""

        closed = False

        def __getattribute__(self, name: str) -> object:
            if name == "closed" and taken == []:
                taken.append(None)
                taken.extend(Outbox.take(self, 100))
            return super().__getattribute__(name)

    taken: list[Item | None] = [None]
    box = Late()
    put(box, "a")
    taken.clear()
    put(box, "b")
    assert texts_in([item for item in taken if item is not None]) == [["a"]]
    assert texts_in(box.take(100)) == [["b"]]


def test_so_much_text_is_taken_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "GATHERED_LINES", 1)
    monkeypatch.setattr(outbox, "TAKEN_TEXT", 10)
    box = Outbox()
    for _ in range(5):
        put(box, "123456")
    assert [len(box.take(100)) for _ in range(3)] == [2, 2, 1]


def test_after_the_end_nothing_is_taken_in() -> None:
    box = Outbox()
    put(box, "a")
    box.closed = True
    assert not put(box, "b")
    assert not box.put(Report(0.0, None, Note(text="late")))
    assert texts_in(box.take(100)) == [["a"]]


def test_threads_that_log_while_the_sender_takes_lose_nothing_and_keep_their_order() -> None:
    box = Outbox()
    ready = threading.Barrier(THREADS + 1)

    def log(name: int) -> None:
        ready.wait()
        for n in range(LINES):
            put(box, f"{name} {n}")
            if n % 100 == 0:
                box.put(Report(0.0, f"{name} {n}", Note(text="")))

    threads = [threading.Thread(target=log, args=(name,)) for name in range(THREADS)]
    with switching_often():
        for thread in threads:
            thread.start()
        ready.wait()
        items: list[Item] = []
        while box.busy or any(thread.is_alive() for thread in threads):
            items += box.take(3)
    items += box.take(10**6)
    for name in range(THREADS):
        assert said_by(name, items) == expected(name)
    assert box.waiting == 0


def said_by(name: int, items: list[Item]) -> list[str]:
    said = [
        text
        for item in items
        for text in (item.texts if isinstance(item, LogLines) else [f"report {item.stage}"])  # type: ignore[union-attr]
    ]
    return [text for text in said if text.removeprefix("report ").split()[0] == str(name)]


def expected(name: int) -> list[str]:
    texts = []
    for n in range(LINES):
        texts.append(f"{name} {n}")
        if n % 100 == 0:
            texts.append(f"report {name} {n}")
    return texts


@contextmanager
def switching_often() -> Iterator[None]:
    """Threads take turns after every few instructions."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


# Waking


def slept(box: Outbox) -> threading.Event:
    """A thread sleeps for long on the outbox; set when it has woken."""
    woken = threading.Event()

    def sleep() -> None:
        box.sleep(60.0)
        woken.set()

    thread = threading.Thread(target=sleep, daemon=True)
    thread.start()
    while not box._sleeping:
        thread.join(0.001)
    return woken


def test_a_report_wakes_and_so_does_a_question() -> None:
    for item in (Report(0.0, None, Note(text="x")), Marker()):
        box = Outbox()
        woken = slept(box)
        box.put(item)
        assert woken.wait(10)


def test_ten_lines_wake_and_fewer_wait_a_moment_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "LINGER_S", 60.0)
    box = Outbox()
    woken = slept(box)
    for _ in range(outbox.LINGER_LINES - 1):
        put(box, "x")
    assert not woken.wait(0.05)
    put(box, "x")
    assert woken.wait(10)


def test_lines_that_wait_for_more_are_hurried_by_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "LINGER_S", 60.0)
    for hurried_by_a_question in (True, False):
        box = Outbox()
        woken = slept(box)
        put(box, "x")
        assert not woken.wait(0.05)
        if hurried_by_a_question:
            box.put(Marker())
        else:
            box.wake()
        assert woken.wait(10)


def test_a_bell_that_has_rung_may_ring_again() -> None:
    bell = Bell()
    bell.ring()
    bell.ring()
    assert bell.wait(10)
    assert not bell.wait(0.0)
    bell.ring()
    bell.hush()
    assert not bell.wait(0.0)
