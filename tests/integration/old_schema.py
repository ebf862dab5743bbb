"""Files as older versions of Headway wrote them, kept as SQL in tests/data.

When a migration is added, run ``python -m tests.integration.old_schema`` before it, and commit what it writes.
"""

from __future__ import annotations

import io
import tempfile
from contextlib import closing
from pathlib import Path

import apsw
import apsw.shell

from headway.ports import Batch, Digest, Lease, Snapshot
from headway.protocol import events
from headway.protocol.events import ReporterInfo
from headway.stores.sqlite import SqliteEventStore
from headway.stores.sqlite.schema import migrations
from headway.testing import FakeClock
from headway.testing.samples import AT, OWNER, batch, completed, custom, log, new_run, note, started

DATA = Path(__file__).parent.parent / "data"


def write_runs(path: Path) -> None:
    """A run that has ended, one that is under way, one that waits, and one that was removed."""
    store = SqliteEventStore(path, clock=FakeClock())
    for run_id in ("ended", "running", "pending", "removed"):
        store.create(new_run(run_id))
    end = events.draft(events.RunCompleted(duration=12.5, spans={"a": (0.0, 12.5)}), at=AT)
    store.append(batch("ended", 1, (started("a"), log("é", stage="a"), custom("own", {"n": 1}, "high"), end)))
    store.put_snapshot("ended", Snapshot(fold=1, cursor=store.header("ended").cursor, body=b'{"a": 1}'))
    store.take_over("running", OWNER, AT, 30)
    digest = Digest(progress=250_000, stage="a", message="m")
    artifact = events.draft(events.Artifact(name="out.txt", sha256="a" * 64), at=AT)
    drafts = (started("a"), note("one"), artifact)
    store.append(Batch(run_id="running", reporter="owner", first=1, events=drafts, attempt=1, digest=digest))
    store.renew(Lease(run_id="running", reporter=ReporterInfo(id="helper"), ttl_s=30, owner=False))
    store.append(batch("removed", 1, (completed(3.0),)))
    store.delete("removed")
    store.close()


def dump(path: Path) -> str:
    """The file as SQL."""
    output = io.StringIO()
    with closing(apsw.Connection(str(path))) as connection:
        apsw.shell.Shell(db=connection, stdout=output).process_command(".dump")  # type: ignore[no-untyped-call]
    lines = output.getvalue().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("--"))  # comments tell of the machine


def load(version: int, path: Path) -> None:
    """Make the file that version of the schema had."""
    with closing(apsw.Connection(str(path))) as connection:
        connection.pragma("auto_vacuum", "INCREMENTAL")
        connection.execute((DATA / f"schema-{version}.sql").read_text(encoding="utf-8"))
        connection.pragma("journal_mode", "WAL")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_runs(Path(folder) / "log.db")
        text = dump(Path(folder) / "log.db")
    (DATA / f"schema-{len(migrations())}.sql").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
