"""Removal that was cut short: gone for everybody at once, cleared away by whoever removes next."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import apsw

from headway.ports import PrunePolicy
from headway.ports.store import READ_LIMIT
from headway.stores.sqlite import SqliteEventStore, schema
from headway.stores.sqlite.location import Location
from headway.stores.sqlite.removal import CHUNK, delete
from headway.stores.sqlite.writer import Writer
from headway.testing import FakeClock
from headway.testing.samples import batch, completed, new_run, notes


def count_events(path: Path) -> int:
    with closing(apsw.Connection(str(path))) as connection:
        ((count,),) = connection.execute("SELECT count(*) FROM events WHERE seq > 0")
        assert isinstance(count, int)
        return count


def removed_but_not_cleared(path: Path, events: int) -> None:
    """What a process leaves that is killed right after a run was removed."""
    with closing(SqliteEventStore(path)) as store:
        store.create(new_run())
        for first in range(1, events, 500):
            store.append(batch("run", first, notes(*range(500))))
        store.append(batch("run", events + 1, (completed(),)))
        store.create(new_run("second"))
    schema.prepare(path)
    with closing(Writer(Location(path))) as writer:
        writer.run(lambda connection: delete(connection, "run", FakeClock()))


def test_a_follower_is_not_kept_from_what_comes_behind(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    removed_but_not_cleared(path, events=3 * READ_LIMIT)
    with closing(SqliteEventStore(path)) as store, closing(store.follow(from_beginning=True)) as follower:
        assert [(record.run_id, record.seq) for record in follower.read()] == [("second", 1), ("run", 0)]


def test_a_follower_passes_a_very_long_removed_run(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    removed_but_not_cleared(path, events=1_500)
    with closing(SqliteEventStore(path)) as store, closing(store.follow(from_beginning=True)) as follower:
        assert [record.run_id for record in follower.read(limit=1)] == ["second"]


def test_clearing_stops_between_two_steps(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    removed_but_not_cleared(path, events=2 * CHUNK)
    left = []

    def stop() -> bool:
        left.append(count_events(path))
        return left[-1] < left[0]

    with closing(SqliteEventStore(path)) as store:
        assert store.prune(PrunePolicy(older_than_s=1e9), stop=stop).runs == ()
        assert left[-1] == left[0] - CHUNK
        assert store.prune(PrunePolicy(older_than_s=1e9)).runs == ()
    assert count_events(path) == 1


def test_the_next_removal_clears_what_was_left(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    removed_but_not_cleared(path, events=1_000)
    assert count_events(path) == 1_003
    with closing(SqliteEventStore(path)) as store:
        store.prune(PrunePolicy(max_runs=0))
    assert count_events(path) == 1
