"""Followers: all runs, in the order of the appends, each record once."""
# ruff: noqa: D102 -- the name of a test says what it holds

from __future__ import annotations

import threading
import time

import msgspec

from headway.errors import RunEnded
from headway.ports import Notice, PrunePolicy, Record
from headway.testing.event_store.case import StoreCase, drained
from headway.testing.expectation import refused
from headway.testing.samples import batch, completed, new_run, note, notes, texts


class Following(StoreCase):
    """What a follower reads."""

    def test_from_now_on(self) -> None:
        self.report(note("before"))
        follower = self.store.follow()
        assert list(follower.read()) == []
        self.report(*notes("a", "b"))
        assert texts(follower.read()) == ["a", "b"]
        assert list(follower.read()) == []
        follower.close()

    def test_from_the_beginning(self) -> None:
        self.report(note("before"))
        follower = self.store.follow(from_beginning=True)
        assert texts(drained(follower)) == ["run.created", "before"]
        self.report(note("a"))
        assert texts(drained(follower)) == ["a"]
        follower.close()

    def test_all_runs_in_the_order_of_the_appends(self) -> None:
        follower = self.store.follow()
        self.store.create(new_run("second"))
        for n in range(3):
            self.report(note(f"one-{n}"))
            self.report(note(f"two-{n}"), run_id="second")
        records = drained(follower)
        assert [record.run_id for record in records] == ["second", *["run", "second"] * 3]
        assert texts(records) == ["run.created", "one-0", "two-0", "one-1", "two-1", "one-2", "two-2"]
        follower.close()

    def test_records_are_those_of_a_read(self) -> None:
        follower = self.store.follow(from_beginning=True)
        self.report(*notes("a", "b"))
        self.report(completed())
        assert drained(follower) == self.all_records()
        follower.close()

    def test_a_notice_is_read_by_all_who_follow_and_is_in_no_log(self) -> None:
        followers = [self.store.follow() for _ in range(2)]
        self.report(note("before"))
        notices = [Notice(text=f"{number}: é", level="warning") for number in range(150)]
        for notice in notices:
            self.store.announce(notice)
            for follower in followers:
                *_, record = drained(follower)
                assert (record.run_id, record.seq) == ("", 0)
                assert msgspec.json.decode(record.body, type=Notice) == notice
        self.report(note("after"))
        for follower in followers:
            assert texts(drained(follower)) == ["after"]
            follower.close()
        assert self.all_texts() == ["before", "after"]
        assert [header.run_id for header in self.store.list_runs().headers] == ["run"]

    def test_a_few_at_a_time(self) -> None:
        follower = self.store.follow()
        self.report(*notes(*range(10)))
        parts = [texts(follower.read(limit=4)) for _ in range(4)]
        assert [len(part) for part in parts] == [4, 4, 2, 0]
        assert [text for part in parts for text in part] == [str(n) for n in range(10)]
        follower.close()

    def test_two_followers_do_not_disturb_each_other(self) -> None:
        one, two = self.store.follow(), self.store.follow()
        self.report(note("a"))
        assert texts(one.read()) == ["a"]
        self.report(note("b"))
        assert texts(two.read()) == ["a", "b"]
        assert texts(one.read()) == ["b"]
        one.close()
        self.report(note("c"))
        assert texts(two.read()) == ["c"]
        two.close()

    def test_a_refused_append_is_not_followed(self) -> None:
        follower = self.store.follow()
        self.report(completed())
        with refused(RunEnded):
            self.report(note("late"))
        assert texts(drained(follower)) == ["run.completed"]
        follower.close()


class Announcing(StoreCase):
    """A removal is told to followers."""

    def test_a_deletion_is_announced(self) -> None:
        self.report(completed())
        follower = self.store.follow()
        self.store.delete("run")
        announced = drained(follower)
        assert [(record.run_id, record.seq, record.type) for record in announced] == [("run", 0, "deleted")]
        follower.close()

    def test_a_pruned_run_is_announced(self) -> None:
        self.report(completed())
        follower = self.store.follow()
        self.store.prune(PrunePolicy(max_runs=0))
        assert [(record.run_id, record.seq) for record in drained(follower)] == [("run", 0)]
        follower.close()

    def test_what_comes_behind_a_removed_run_is_delivered(self) -> None:
        follower = self.store.follow()
        self.fill(1_200)
        self.report(completed())
        self.store.delete("run")
        self.store.create(new_run())
        self.store.create(new_run("second"))
        self.report(note("after"), run_id="second")
        records = drained(follower)
        assert [(record.run_id, record.seq) for record in records][-4:] == [
            ("run", 0),
            ("run", 1),
            ("second", 1),
            ("second", 2),
        ]
        follower.close()

    def test_a_follower_from_the_beginning_learns_of_old_deletions_only_by_their_announcement(self) -> None:
        self.report(completed())
        self.store.delete("run")
        follower = self.store.follow(from_beginning=True)
        assert [(record.run_id, record.seq) for record in drained(follower)] == [("run", 0)]
        follower.close()


class Waiting(StoreCase):
    """Waiting for news."""

    def test_news_end_a_wait(self) -> None:
        follower = self.store.follow()
        drained(follower)
        found: list[Record] = []

        def listen() -> None:
            while not found:
                if follower.wait(30):
                    found.extend(follower.read())

        thread = threading.Thread(target=listen)
        thread.start()
        self.store.append(batch("run", 1, notes("a")))
        thread.join(30)
        assert texts(found) == ["a"]
        follower.close()

    def test_news_that_came_before_the_wait_are_seen(self) -> None:
        follower = self.store.follow()
        self.report(note("a"))
        assert follower.wait(30)
        assert texts(follower.read()) == ["a"]
        follower.close()

    def test_a_wait_ends_without_news(self) -> None:
        follower = self.store.follow()
        began = time.monotonic()
        while follower.wait(0.05):  # it may end early, but not for ever
            assert time.monotonic() < began + 30
            assert list(follower.read()) == []
        assert not follower.wait(0)
        follower.close()

    def test_a_wait_can_be_woken(self) -> None:
        follower = self.store.follow()
        while follower.wait(0):
            pass
        woken = threading.Event()

        def listen() -> None:
            follower.wait(60)
            woken.set()

        thread = threading.Thread(target=listen)
        thread.start()
        while not woken.wait(0.01):
            follower.wake()
        thread.join(30)
        follower.close()

    def test_a_follower_may_be_closed_twice(self) -> None:
        follower = self.store.follow()
        follower.close()
        follower.close()
        self.report(note("a"))
