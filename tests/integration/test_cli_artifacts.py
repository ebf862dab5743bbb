"""``headway artifacts``: lists, and downloads that are whole, checked and go nowhere else."""

from __future__ import annotations

import hashlib
import io
import subprocess
from pathlib import Path

import apsw
import pytest

import headway
from headway.protocol import events
from headway.stores.files import FileArtifactStore
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import AT, batch, new_run
from tests.integration.command_line import COMMAND, CommandLine


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def make(cli: CommandLine, **files: bytes) -> None:
    with headway.run("sample", run_id="run", target=cli.url) as run:
        for name, content in files.items():
            run.artifact(name.replace("__", "/").replace("_", "."), content)


def test_the_list(cli: CommandLine) -> None:
    make(cli, report__page_html=b"x" * 1500, b_txt=b"y")
    heading, *rows = cli("artifacts").lines
    assert heading.split() == ["NAME", "TYPE", "SIZE", "SHA-256", "STAGE", "AGE"]
    assert [row.split()[:4] for row in rows] == [
        ["report/page.html", "text/html", "1.5", "kB"],
        ["b.txt", "text/plain", "1", "B"],
    ]
    listed = cli("artifacts", "run", "--json").json["artifacts"]
    assert [list(entry) for entry in listed] == [["name", "media_type", "size", "sha256", "at"]] * 2
    assert listed[1]["sha256"] == hashlib.sha256(b"y").hexdigest()


def test_a_folder_that_is_not_there_is_named(cli: CommandLine) -> None:
    make(cli, a_txt=b"a")
    for command in (("artifacts", "--get", "a.txt"), ("export", "run")):
        done = cli(*command, "-o", "nowhere/x", code=1)
        assert done.err == "headway: there is no folder nowhere: make it, or give another place with -o\n"
    assert cli("export", "-o", "/dev/x/y", code=1).err.startswith("headway: there is no folder /dev/x: ")


def test_none(cli: CommandLine) -> None:
    make(cli)
    assert "has no artifacts" in cli("artifacts").err
    assert cli("artifacts", "--json").json == {"artifacts": []}


def test_a_download(cli: CommandLine) -> None:
    make(cli, report__page_html=b"content")
    assert cli("artifacts", "--get", "report/page.html").out == "page.html\n"
    assert (cli.folder / "page.html").read_bytes() == b"content"
    assert "--force" in cli("artifacts", "--get", "report/page.html", code=1).err
    (cli.folder / "page.html").write_bytes(b"mine")
    cli("artifacts", "--get", "report/page.html", "--force")
    assert (cli.folder / "page.html").read_bytes() == b"content"
    cli("artifacts", "--get", "report/page.html", "-o", "other.html")
    assert (cli.folder / "other.html").read_bytes() == b"content"
    (cli.folder / "files").mkdir()
    cli("artifacts", "--get", "report/page.html", "-o", "files")
    assert (cli.folder / "files" / "page.html").read_bytes() == b"content"


def test_to_standard_output_and_never_onto_a_terminal(cli: CommandLine) -> None:
    content = bytes(range(256)) * 5000
    make(cli, data_bin=content)
    command = [*COMMAND, "artifacts", "--get", "data.bin", "-o", "-"]
    done = subprocess.run(command, env=cli.environment(), capture_output=True, check=True, timeout=60)
    assert done.stdout == content
    printed = cli.on_terminal("artifacts", "--get", "data.bin", "-o", "-", code=1)
    assert "pipe it" in printed
    assert "\x00" not in printed


def test_damage_is_found_and_leaves_nothing(cli: CommandLine) -> None:
    make(cli, a_txt=b"content")
    digest = hashlib.sha256(b"content").hexdigest()
    place = FileArtifactStore(f"{cli.path}-artifacts").path(digest)
    place.write_bytes(b"contenT")
    assert "damaged" in cli("artifacts", "--get", "a.txt", code=1).err
    assert not (cli.folder / "a.txt").exists()
    place.unlink()
    assert "is not in" in cli("artifacts", "--get", "a.txt", code=3).err


@pytest.mark.parametrize("name", ["../up", "/etc/passwd", ".bashrc", "a\\b", "nothing"])
def test_names_that_lead_elsewhere(cli: CommandLine, name: str) -> None:
    """The log refuses such names; a store that took one all the same does no harm."""
    inner = cli.folder / "inner"
    inner.mkdir()
    make(cli, bashrc=b"evil")
    digest = hashlib.sha256(b"evil").hexdigest()
    store = SqliteEventStore(cli.path)
    store.create(new_run("other"))
    entry = events.draft(events.Artifact(name="harmless", sha256=digest), at=AT)
    store.append(batch("other", 1, [entry]))
    store.close()
    _rename(cli.path, "harmless", name)
    before = sorted(path for path in cli.folder.rglob("*") if "state" not in path.parts)
    done = subprocess.run(
        [*COMMAND, "artifacts", "other", "--get", name],
        cwd=inner,
        env=cli.environment(),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert b"Traceback" not in done.stderr
    after = sorted(path for path in cli.folder.rglob("*") if "state" not in path.parts)
    assert [path.parent for path in after if path not in before] in ([], [inner])


def _rename(path: Path, old: str, new: str) -> None:
    connection = apsw.Connection(str(path))
    connection.execute(
        "UPDATE events SET body = CAST(replace(CAST(body AS TEXT), ?, ?) AS BLOB)", (old, new.replace("\\", "\\\\"))
    )
    connection.close()


def test_more_artifacts_than_a_state_remembers(cli: CommandLine) -> None:
    store = SqliteEventStore(cli.path)
    store.create(new_run())
    blob = FileArtifactStore(f"{cli.path}-artifacts").put(io.BytesIO())
    for part in range(3):
        names = [f"{part}-{n}" for n in range(400)]
        drafts = [events.draft(events.Artifact(name=name, sha256=blob.sha256, size=0), at=AT) for name in names]
        store.append(batch("run", part * 400 + 1, drafts))
    store.close()
    assert len(cli("artifacts", "--json").json["artifacts"]) == 1200
    cli("artifacts", "--get", "0-0")
    assert (cli.folder / "0-0").read_bytes() == b""


def test_what_is_not_there(cli: CommandLine) -> None:
    make(cli, a_txt=b"a")
    assert "no artifact 'b'" in cli("artifacts", "--get", "b", code=3).err
    assert "--get" in cli("artifacts", "-o", "x", code=2).err
    assert "no folder nowhere/at" in cli("artifacts", "--get", "a.txt", "-o", "nowhere/at/all", code=1).err
