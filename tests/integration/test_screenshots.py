"""Screenshots end to end: taken by agents side by side, drawn in the background, stored and shown."""

from __future__ import annotations

import base64
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

import headway
from headway.protocol import codec, events
from headway.protocol.limits import THUMBNAIL_BYTES
from headway.reporter.run import Run
from headway.reporter.stage import Stage
from headway.stores.files import FileArtifactStore
from headway.stores.sqlite import SqliteEventStore
from tests.integration.jobs import state
from tests.unit.reporter.flaky import events_of, types_of
from tests.unit.reporter.pictures.samples import decoded, encoded, zeros

DATA_URL = "data:image/jpeg;base64,"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "log.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteEventStore]:
    with closing(SqliteEventStore(path)) as opened:
        yield opened


def opened(path: Path) -> Run:
    return headway.run("job", run_id="run", target=f"sqlite:///{path}")


def picture(shade: int, format_: str = "PNG", size: tuple[int, int] = (800, 600)) -> bytes:
    return encoded(Image.new("RGB", size, (shade, 255 - shade, 80)), format_)


def noise(size: tuple[int, int]) -> Image.Image:
    return Image.frombytes("RGB", size, os.urandom(3 * size[0] * size[1]))


def shown(store: SqliteEventStore) -> list[tuple[str | None, events.Screenshot]]:
    """The screenshots in the log with their stages."""
    found = [(event.stage, codec.data_of(event)) for event in events_of(store)]
    return [(stage, data) for stage, data in found if isinstance(data, events.Screenshot)]


def originals(store: SqliteEventStore, path: Path) -> dict[str, bytes]:
    """What is stored under each artifact's name."""
    contents = FileArtifactStore(path.with_name(path.name + "-artifacts"))
    told = [codec.data_of(event) for event in events_of(store) if event.type == "artifact"]
    found: dict[str, bytes] = {}
    for data in told:
        assert isinstance(data, events.Artifact)
        assert data.sha256 is not None
        assert data.name not in found, "two pictures under one name"
        with contents.open(data.sha256) as file:
            found[data.name] = file.read()
        assert len(found[data.name]) == data.size
    return found


def thumbnail(shot: events.Screenshot) -> Image.Image:
    assert shot.thumbnail is not None
    assert shot.thumbnail.startswith(DATA_URL)
    assert len(shot.thumbnail) <= THUMBNAIL_BYTES
    return decoded(base64.b64decode(shot.thumbnail.removeprefix(DATA_URL), validate=True))


def test_two_agents_side_by_side_show_their_own_pictures(path: Path, store: SqliteEventStore) -> None:
    together = threading.Barrier(2)

    def agent(stage: Stage, shade: int) -> None:
        with stage:
            together.wait()
            for n in range(5):
                assert stage.screenshot(picture(shade + n), caption=f"{stage.path} {n}")

    with opened(path) as run:
        agents = [
            threading.Thread(target=agent, args=(run.stage(name, role="agent"), shade))
            for name, shade in (("scout", 0), ("vision", 100))
        ]
        for each in agents:
            each.start()
        for each in agents:
            each.join()
        assert run.screenshot(picture(200, "WEBP"), caption="at the end")
        assert run.flush(60)
        assert len(shown(store)) == 11, "the flush waits for what is still being drawn"
    stored = originals(store, path)
    for name, shade in (("scout", 0), ("vision", 100)):
        shots = [shot for stage, shot in shown(store) if stage == name]
        assert [shot.caption for shot in shots] == [f"{name} {n}" for n in range(5)]
        assert [stored[shot.artifact] for shot in shots] == [picture(shade + n) for n in range(5)]
        assert all(thumbnail(shot).size == (200, 150) for shot in shots)
    (last,) = [shot for stage, shot in shown(store) if stage is None]
    assert (stored[last.artifact], last.width, last.height) == (picture(200, "WEBP"), 800, 600)
    red, green, blue = thumbnail(last).convert("RGB").getpixel((100, 75))  # type: ignore[misc]
    assert (abs(red - 200), abs(green - 55), abs(blue - 80)) < (8, 8, 8)
    assert len(state(store).screenshots) == 11


def test_a_runs_end_waits_for_its_pictures(path: Path, store: SqliteEventStore) -> None:
    big = encoded(noise((2_000, 1_500)), "JPEG", quality=90)
    with opened(path) as run:
        for _ in range(4):
            assert run.screenshot(big)
    assert len(shown(store)) == 4
    assert set(originals(store, path).values()) == {big}
    assert types_of(store)[-1] == "run.completed"


def test_a_thumbnail_that_is_too_large_to_travel_is_an_artifact(path: Path, store: SqliteEventStore) -> None:
    with opened(path) as run:
        assert run.screenshot(noise((1_600, 1_200)), size=(800, 600), quality=95)
    ((_, shot),) = shown(store)
    assert shot.thumbnail is not None
    assert not shot.thumbnail.startswith("data:")
    assert decoded(originals(store, path)[shot.thumbnail]).size == (800, 600)


def test_what_is_no_picture_is_refused_and_the_job_goes_on(
    path: Path, store: SqliteEventStore, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(path) as run:
        assert run.screenshot(b"BM no picture of ours") is False
        assert run.screenshot(b"nor this") is False
        assert run.screenshot(path.with_name("missing.png")) is False
        run.screenshot(zeros(20_000, 20_000, bits=1))  # seen to be a bomb only when it is read, in the background
        assert run.screenshot(picture(1))
    assert len(shown(store)) == 1
    assert len(originals(store, path)) == 1
    assert state(store).status == "completed"
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert 2 <= len(warnings) <= 3, "one for each reason"


def captions(path: Path) -> list[str | None]:
    with closing(SqliteEventStore(path)) as store:
        return [shot.caption for _, shot in shown(store)]


def test_a_forked_child_shows_pictures_too(path: Path, store: SqliteEventStore) -> None:
    with opened(path) as run, run.stage("shared") as stage:
        assert stage.screenshot(picture(1), caption="before")
        child = os.fork()
        if not child:
            taken = stage.screenshot(picture(2), caption="child") and run.flush(60) and "child" in captions(path)
            run.complete()  # leaves the run, which is its parent's
            os._exit(0 if taken else 1)
        assert stage.screenshot(picture(3), caption="parent")
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    stored = originals(store, path)
    told = {shot.caption: stored[shot.artifact] for _, shot in shown(store)}
    assert told == {"before": picture(1), "child": picture(2), "parent": picture(3)}
    assert len(shown(store)) == 3


def test_without_a_thread_to_draw_in_a_picture_is_dropped_and_counted(
    path: Path, store: SqliteEventStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    start = threading.Thread.start

    def start_others(thread: threading.Thread) -> None:
        if thread.name == "headway-gallery":
            raise RuntimeError("can't start new thread")
        start(thread)

    with opened(path) as run:
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", start_others)
            assert run.screenshot(picture(1)) is False
        assert run.screenshot(picture(2)) is True
    assert len(shown(store)) == 1
    assert sum("a report was dropped" in record.getMessage() for record in caplog.records) == 1
