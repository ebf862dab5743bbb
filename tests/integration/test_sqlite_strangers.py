"""Nobody takes the file's write-ahead log away from a process that has it open, whatever else that process does."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import batch, new_run, notes
from tests.integration.test_sqlite_processes import texts_of

STRANGER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
assert connection.execute("SELECT count(*) FROM events").fetchone()
connection.close()
"""


def close_elsewhere(path: Path) -> None:
    """Another program opens the file and closes it; whoever does that last removes the write-ahead log."""
    subprocess.run([sys.executable, "-c", STRANGER, str(path)], check=True)


def test_opening_a_store_again_does_not_let_others_take_it_away(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with closing(SqliteEventStore(path)) as store:
        store.create(new_run())
        # Whoever closes any descriptor of a file gives up all locks that the process has on it.
        with closing(SqliteEventStore(path)) as again:
            again.append(batch("run", 1, notes("again"), "again"))
        SqliteEventStore(path).close()
        close_elsewhere(path)
        assert path.with_name("log.db-wal").exists()
        store.append(batch("run", 1, notes("store"), "store"))
        with closing(SqliteEventStore(path)) as third:
            assert texts_of(third, "run") == ["again", "store"]
