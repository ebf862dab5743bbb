"""Group commit: many callers, one transaction; and what becomes of their errors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from headway.errors import Fenced, HeadwayError, StoreUnavailable
from headway.stores.sqlite import checkpoints, schema
from headway.stores.sqlite.location import Location
from headway.stores.sqlite.writer import GROUP, Writer, _Request


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    schema.prepare(tmp_path / "log.db")
    writer = Writer(Location(tmp_path / "log.db"))
    writer.run(lambda connection: connection.execute("CREATE TABLE t (n)"))
    yield writer
    writer.close()


def insert(n: int) -> Callable[[apsw.Connection], int]:
    def operation(connection: apsw.Connection) -> int:
        connection.execute("INSERT INTO t VALUES (?)", (n,))
        return n

    return operation


def numbers(writer: Writer) -> list[int]:
    return writer.run(lambda connection: [n for (n,) in connection.execute("SELECT n FROM t ORDER BY n")])


class Together:
    """Operations that are queued while a commit is under way, so that they share the next one."""

    def __init__(self, writer: Writer, operations: list[Callable[[apsw.Connection], object]]) -> None:
        self.results: list[object] = [None] * len(operations)
        begun, go = threading.Event(), threading.Event()

        def hold(_connection: apsw.Connection) -> None:
            begun.set()
            go.wait(30)

        threads = [threading.Thread(target=writer.run, args=(hold,))]
        threads[0].start()
        begun.wait(30)
        for index, operation in enumerate(operations):
            threads.append(threading.Thread(target=self._run, args=(writer, index, operation)))
            threads[-1].start()
            while len(writer._queue) <= index:  # in the order that was given
                pass
        go.set()
        for thread in threads:
            thread.join(30)

    def _run(self, writer: Writer, index: int, operation: Callable[[apsw.Connection], object]) -> None:
        try:
            self.results[index] = writer.run(operation)
        except Exception as error:
            self.results[index] = error


def test_everybody_gets_an_answer_however_many_they_are(writer: Writer) -> None:
    count = GROUP * 2 + 10
    together = Together(writer, [insert(n) for n in range(count)])
    assert together.results == list(range(count))
    assert numbers(writer) == list(range(count))


def test_who_comes_first_to_a_long_queue_gets_its_own_answer(writer: Writer) -> None:
    count = GROUP + 6
    waiting = [_Request(insert(n)) for n in range(count)]  # of threads that have not had their turn yet
    writer._queue.extend(waiting)  # type: ignore[arg-type]
    assert writer.run(insert(count)) == count
    assert [request.outcome() for request in waiting] == list(range(count))
    assert numbers(writer) == list(range(count + 1))


def test_an_operation_that_fails_undoes_only_its_own(writer: Writer) -> None:
    def refuse(connection: apsw.Connection) -> None:
        insert(100)(connection)
        raise Fenced("no")

    def break_(connection: apsw.Connection) -> None:
        insert(200)(connection)
        raise TypeError("a mistake")

    together = Together(writer, [insert(1), refuse, insert(2), break_, insert(3)])
    assert [type(result) for result in together.results] == [int, Fenced, int, TypeError, int]
    assert numbers(writer) == [1, 2, 3]


def test_a_transaction_that_fails_is_told_to_all_of_it(writer: Writer) -> None:
    def refuse(_connection: apsw.Connection) -> None:
        raise Fenced("because of what came before in this transaction, which is undone")

    def fail(_connection: apsw.Connection) -> None:
        raise apsw.IOError("the disk broke")

    together = Together(writer, [insert(1), refuse, fail, insert(2)])
    assert [type(result) for result in together.results] == [StoreUnavailable] * 4
    assert numbers(writer) == []
    writer.run(insert(5))
    assert numbers(writer) == [5]


def test_an_interrupted_commit_is_told_to_the_others(writer: Writer) -> None:
    def interrupt(_connection: apsw.Connection) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        writer.run(interrupt)
    writer.run(insert(1))
    assert numbers(writer) == [1]


def test_after_a_transaction_that_could_not_even_be_undone_the_next_one_begins_anew(writer: Writer) -> None:
    def break_(connection: apsw.Connection) -> None:
        insert(1)(connection)
        connection.authorizer = lambda *_: apsw.SQLITE_DENY
        raise apsw.IOError("the disk broke")

    with pytest.raises(StoreUnavailable):
        writer.run(break_)
    writer.run(insert(2))
    assert numbers(writer) == [2]


def test_a_commit_counts_although_nothing_can_be_moved_any_more(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    monkeypatch.setattr(checkpoints, "PASSIVE_PAGES", 0)
    assert writer.run(insert(1)) == 1
    monkeypatch.undo()
    assert numbers(writer) == [1]


def test_a_closed_writer_says_so(tmp_path: Path) -> None:
    schema.prepare(tmp_path / "log.db")
    writer = Writer(Location(tmp_path / "log.db"))
    writer.close()
    writer.close()
    with pytest.raises(HeadwayError):
        writer.run(insert(1))
