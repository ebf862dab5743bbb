"""``headway prune``: says what it would remove, asks, and removes just that."""

from __future__ import annotations

import io
import os
import time
from contextlib import closing
from pathlib import Path

import pytest

import headway
from headway.protocol.times import to_text
from headway.stores.files import FileArtifactStore
from headway.stores.sqlite import SqliteEventStore
from headway.testing import FakeClock
from headway.testing.samples import batch, completed, new_run
from tests.integration.command_line import CommandLine

HOUR = 3600


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def make(cli: CommandLine, **ages_h: float) -> None:
    """Runs that ended so many hours ago, each of the kind that its name begins with."""
    for name, age in ages_h.items():
        then = time.time() - age * HOUR
        with closing(SqliteEventStore(cli.path, clock=FakeClock(then))) as store:
            store.create(new_run(name, name.partition("_")[0], to_text(then)))
            store.append(batch(name, 1, [completed(1.0, to_text(then))]))
    store = SqliteEventStore(cli.path)
    store.create(new_run("waits", at=to_text(time.time() - 3 * HOUR)))
    store.close()


def left(cli: CommandLine) -> set[str]:
    store = SqliteEventStore(cli.path)
    found = {header.run_id for header in store.list_runs().headers}
    store.close()
    return found


def test_a_day_is_kept_by_default(cli: CommandLine) -> None:
    make(cli, old=25, new=23)
    done = cli("prune", "--yes")
    assert done.lines[0].startswith("1 run to be removed, with ")
    assert done.lines[1] == "  old"
    assert done.lines[-1].startswith("removed 1 run, and 0 B of files")
    assert left(cli) == {"new", "waits"}
    assert cli("prune", "--yes").lines[0] == "no run is to be removed"


def test_a_dry_run_removes_nothing(cli: CommandLine) -> None:
    make(cli, old=25, new=23)
    assert "  old" in cli("prune", "--dry-run").lines
    assert cli("prune", "--dry-run", "--json").json["runs"] == ["old"]
    assert left(cli) == {"old", "new", "waits"}


def test_limits_and_filters(cli: CommandLine) -> None:
    make(cli, a_1=5, a_2=4, b_1=3, b_2=2)

    def chosen(*arguments: str) -> list[str]:
        return sorted(cli("prune", "--dry-run", "--json", *arguments).json["runs"])

    assert chosen("--older-than", "3.5h") == ["a_1", "a_2"]
    assert chosen("--older-than", "3.5h", "--kind", "b") == []
    assert chosen("--max-runs", "1") == ["a_1", "a_2", "b_1"]
    assert chosen("--max-runs", "1", "--kind", "a") == ["a_1"]
    assert chosen("--max-bytes", "0") == ["a_1", "a_2", "b_1", "b_2"]
    assert chosen("--max-bytes", "1MB") == []
    assert chosen("--older-than", "0", "--status", "failed") == []
    with pytest.raises(ValueError, match="x"), headway.run("c", run_id="failed", target=cli.url):
        raise ValueError("x")
    assert chosen("--older-than", "0", "--status", "failed") == ["failed"]


def test_nobody_is_asked_when_nobody_is_there(cli: CommandLine) -> None:
    make(cli, old=25)
    assert "--yes" in cli("prune", code=2).err
    assert "old" in left(cli)


@pytest.mark.parametrize(("answer", "code", "kept"), [("y\n", 0, {"waits"}), ("n\n", 130, {"old", "waits"})])
def test_somebody_is_asked(cli: CommandLine, answer: str, code: int, kept: set[str]) -> None:
    make(cli, old=25)
    printed = cli.on_terminal("prune", typed=answer, code=code)
    assert printed.index("  old") < printed.index("Remove them?")
    assert left(cli) == kept


def test_files_that_no_run_names_go_too(cli: CommandLine) -> None:
    with headway.run("sample", run_id="run", target=cli.url) as run:
        run.artifact("kept.txt", b"kept")
    blobs = FileArtifactStore(f"{cli.path}-artifacts")
    unused = blobs.path(blobs.put(io.BytesIO(b"x" * 1234)).sha256)
    two_hours_ago = time.time() - 2 * HOUR
    for path in Path(f"{cli.path}-artifacts").glob("*/*"):
        os.utime(path, (two_hours_ago, two_hours_ago))
    assert cli("prune", "--yes").lines[-1] == "removed 0 runs, and 1.2 kB of files that no run names any more"
    assert not unused.exists()
    cli("artifacts", "run", "--get", "kept.txt")


def test_json_says_what_was_removed(cli: CommandLine) -> None:
    make(cli, old=25)
    done = cli("prune", "--yes", "--json").json
    assert done.pop("size_bytes") > 100
    assert done == {"runs": ["old"], "artifact_bytes": 0, "removed": True}


def test_many_are_summed_up(cli: CommandLine) -> None:
    make(cli, **{f"r{n}": 25 for n in range(13)})
    assert "  and 3 more" in cli("prune", "--dry-run").lines


def test_estimates_remember(cli: CommandLine) -> None:
    make(cli, old=25)
    cli("prune", "--yes")
    store = SqliteEventStore(cli.path)
    assert [run.run_id for run in store.past_runs("old")] == ["old"]
    store.close()


def test_what_cannot_be_understood(cli: CommandLine) -> None:
    make(cli)
    assert "2GiB" in cli("prune", "--max-bytes", "lots", code=2).err
    assert "10m, 2h" in cli("prune", "--older-than", "long", code=2).err
