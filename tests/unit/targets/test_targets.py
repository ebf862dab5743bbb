"""From a URL to a place."""

from __future__ import annotations

import logging
import stat
from contextlib import closing
from pathlib import Path

import pytest

import headway
from headway.errors import InvalidInput, InvalidTarget
from headway.targets import default_url, open_place, sink_opener, sqlite_path


def test_what_the_urls_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert sqlite_path("sqlite:////var/log.db") == Path("/var/log.db")
    assert sqlite_path("sqlite:///a%20b/log.db") == Path("a b/log.db")
    assert sink_opener("none:") is None
    monkeypatch.setenv("HEADWAY_URL", "none:")
    assert sink_opener(None) is None
    monkeypatch.delenv("HEADWAY_URL")
    assert sink_opener(f"sqlite:///{tmp_path}/log.db") is not None


@pytest.mark.parametrize(
    "url",
    ["redis://localhost/0", "https:example.com", "sqlite://log.db", "sqlite:///", "mysql:///x", "log.db", "none"],
)
def test_what_names_nothing_is_said_at_once(url: str) -> None:
    with pytest.raises(InvalidTarget):
        sink_opener(url)
    with pytest.raises(InvalidTarget):
        headway.run("k", target=url)


@pytest.mark.parametrize(
    "url", ["postgres://user:secret@host/db", "http://user:secret@host", "https://u:secret@host?x"]
)
def test_no_message_has_a_password(url: str) -> None:
    for look in (sink_opener, sqlite_path):
        with pytest.raises(InvalidTarget) as refusal:
            look(url)
        assert "secret" not in str(refusal.value)


def test_the_default_is_in_the_users_state_folder() -> None:
    assert default_url({"HEADWAY_URL": "sqlite:///x"}) == "sqlite:///x"
    assert default_url({"XDG_STATE_HOME": "/state"}) == "sqlite:////state/headway/headway.db"
    assert default_url({"XDG_STATE_HOME": "relative"}).endswith("/.local/state/headway/headway.db")


def test_without_a_home_nothing_is_reported(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("HEADWAY_URL", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    with caplog.at_level(logging.WARNING), headway.run("k") as run:
        run.note("nobody hears it")
    assert "HEADWAY_URL" in caplog.text


def test_a_working_directory_that_is_gone_is_said_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(InvalidTarget, match="relative"):
        sink_opener("sqlite:///log.db")


def test_one_place_for_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    place = open_place(Path("log.db"))
    assert open_place(tmp_path / "log.db") is place
    place.store.close()


@pytest.mark.parametrize("seconds", ["x", "0", "-1", "nan", "1e9", ""])
def test_a_lease_that_makes_no_sense_is_said_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seconds: str
) -> None:
    monkeypatch.setenv("HEADWAY_LEASE_S", seconds)
    with pytest.raises(InvalidInput, match="HEADWAY_LEASE_S"):
        headway.run("k", target=f"sqlite:///{tmp_path}/log.db")


def test_outside_of_any_run_the_current_one_says_nothing() -> None:
    run = headway.current()
    run.log("x")
    with run.stage("a") as stage:
        stage.advance()
    assert run.state.status == "pending"
    assert run.flush()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("/tmp/x.db", "did you mean 'sqlite:////tmp/x.db'?"),
        ("x.db", "did you mean 'sqlite:///x.db'?"),
        ("none", "'none' is not a target: use "),
        ("mysql://x/y.db", "'mysql://x/y.db' is not a target: use "),
    ],
)
def test_what_was_meant_is_said(url: str, said: str) -> None:
    with pytest.raises(InvalidTarget) as caught:
        sink_opener(url)
    assert said in str(caught.value)
    assert "http://host:port" in str(caught.value)


def test_the_default_store_is_for_its_user_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HEADWAY_URL", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home" / "state"))
    path = sqlite_path(default_url())
    with closing(open_place(path).store):
        modes = [stat.S_IMODE(folder.stat().st_mode) for folder in path.parents[:3]]
    assert modes == [0o700, 0o700, 0o700]


def test_a_folder_that_is_there_or_was_named_stays_as_others_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("HEADWAY_URL", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "headway").mkdir()
    usual = stat.S_IMODE((tmp_path / "headway").stat().st_mode)
    for path in (sqlite_path(default_url()), tmp_path / "named" / "x.db"):
        with closing(open_place(path).store):
            assert stat.S_IMODE(path.parent.stat().st_mode) == usual
