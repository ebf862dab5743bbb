"""Stored states: one per run, never replaced by an older one."""
# ruff: noqa: D102 -- the name of a test says what it holds

from __future__ import annotations

from headway.errors import NotFound
from headway.ports import Snapshot
from headway.protocol.cursor import Cursor
from headway.testing.event_store.case import StoreCase
from headway.testing.expectation import refused
from headway.testing.samples import completed, new_run, note, notes


class Snapshotting(StoreCase):
    """Storing and finding states."""

    def __put(self, seq: int, fold: int = 1, body: bytes = b"{}") -> bool:
        snapshot = Snapshot(fold=fold, cursor=self.store.cursor_at("run", seq), body=body)
        return self.store.put_snapshot("run", snapshot)

    def test_there_is_none_at_first(self) -> None:
        assert self.store.snapshot("run", fold=1) is None
        with refused(NotFound):
            self.store.snapshot("none", fold=1)

    def test_what_was_stored_is_found(self) -> None:
        self.report(*notes("a", "b"))
        body = '{"text": "é"}'.encode()
        assert self.__put(2, body=body)
        assert self.store.snapshot("run", fold=1) == Snapshot(fold=1, cursor=self.store.cursor_at("run", 2), body=body)

    def test_a_newer_one_replaces_and_an_older_one_does_not(self) -> None:
        self.report(*notes("a", "b", "c"))
        assert self.__put(2, body=b"2")
        assert self.__put(3, body=b"3")
        assert not self.__put(2, body=b"2 again")
        found = self.store.snapshot("run", fold=1)
        assert found is not None
        assert (found.cursor.seq, found.body) == (3, b"3")

    def test_another_versions_state_is_not_found(self) -> None:
        assert self.__put(1, fold=1)
        assert self.store.snapshot("run", fold=2) is None

    def test_a_newer_version_replaces_and_an_older_one_does_not(self) -> None:
        self.report(note("a"))
        assert self.__put(2, fold=1)
        assert self.__put(1, fold=2)
        assert not self.__put(2, fold=1)
        assert self.store.snapshot("run", fold=2) is not None

    def test_one_that_is_too_new_is_not_given(self) -> None:
        self.report(*notes("a", "b"))
        self.__put(2)
        assert self.store.snapshot("run", fold=1, at_most=1) is None
        assert self.store.snapshot("run", fold=1, at_most=2) is not None

    def test_a_state_of_another_log_is_refused(self) -> None:
        self.report(note("a"))
        now = self.cursor()
        for cursor in (
            Cursor("another", 1, now.nonce),
            Cursor(now.epoch, now.seq, now.nonce ^ 1),
            Cursor(now.epoch, now.seq + 1, now.nonce),
            Cursor(now.epoch, 0, 0),
            Cursor(now.epoch, -1, now.nonce),
        ):
            assert not self.store.put_snapshot("run", Snapshot(fold=1, cursor=cursor, body=b"{}"))
        assert not self.store.put_snapshot("none", Snapshot(fold=1, cursor=now, body=b"{}"))
        assert self.store.snapshot("run", fold=1) is None

    def test_a_state_goes_with_its_run(self) -> None:
        self.report(completed())
        self.__put(2)
        self.store.delete("run")
        with refused(NotFound):
            self.store.snapshot("run", fold=1)
        self.store.create(new_run())
        assert self.store.snapshot("run", fold=1) is None
