"""From a target's URL to the store or the sink behind it.

``sqlite:///relative.db``, ``sqlite:////absolute.db``, ``http://host:port`` or ``https://host`` for a server that has
the store, ``none:`` to report nothing. Without a URL ``HEADWAY_URL`` decides, then a file in the user's state folder.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from headway.errors import InvalidTarget
from headway.ports import ArtifactStore, EventSink, EventStore
from headway.protocol.url import shown_url
from headway.reporter.folder import make_private
from headway.reporter.loading import loading
from headway.reporter.opener import Opener
from headway.reporter.sinks import StoreSink
from headway.reporter.spool import SpoolPlace

KNOWN = "sqlite:///relative/path, sqlite:////absolute/path, http://host:port or https://host of a server, or none:"


class Place(msgspec.Struct, frozen=True):
    """A store, and where its artifacts' content is."""

    store: EventStore
    artifacts: ArtifactStore


_places: dict[str, Place] = {}
_opening = threading.RLock()

logger = logging.getLogger("headway")


def default_url(environment: Mapping[str, str] = os.environ) -> str:
    """``HEADWAY_URL``, or the SQLite file in the user's state folder."""
    if environment.get("HEADWAY_URL"):
        return environment["HEADWAY_URL"]
    return f"sqlite:///{state_folder(environment) / 'headway.db'}"


def sink_opener(url: str | None) -> Opener | None:
    """What opens the sink of a target; None for ``none:``. Nothing is opened yet.

    Raises:
        InvalidTarget: The URL names nothing that Headway knows, or what is not built yet.
    """
    target = url or _default_target()
    if target == "none:":
        return None
    if is_server(target):
        return _server_opener(target)
    path = _anchored(sqlite_path(target))

    def open_sink() -> EventSink:
        place = open_place(path)
        return StoreSink(place.store, place.artifacts)

    return Opener(open_sink, SpoolPlace(spool_folder(path), f"sqlite:///{path}"))


def is_server(url: str) -> bool:
    """Whether a target is a server, which has the store somewhere else."""
    return url.startswith(("http://", "https://"))


def _server_opener(url: str, environment: Mapping[str, str] = os.environ) -> Opener:
    from headway.reporter.http.endpoint import Endpoint

    endpoint = Endpoint(url, environment.get("HEADWAY_TOKEN") or None)

    def open_sink() -> EventSink:
        with loading():
            from headway.reporter.http.sink import HttpSink

        return HttpSink(endpoint)

    try:
        folder = state_folder(environment) / "spool"
    except RuntimeError:  # no home folder: what cannot be sent in time waits in memory only
        return Opener(open_sink)
    return Opener(open_sink, SpoolPlace(folder, endpoint.url))


def spool_folder(path: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """Where reports are kept while a store is out of reach: not beside it, since its disk may be what is the matter."""
    try:
        return state_folder(environment) / "spool"
    except RuntimeError:  # no home folder: better beside the store than nowhere
        return path.with_name(path.name + "-spool")


def state_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The user's folder for what Headway keeps. Raises RuntimeError if there is no home folder."""
    state = environment.get("XDG_STATE_HOME")
    folder = Path(state) if state and Path(state).is_absolute() else Path.home() / ".local" / "state"
    return folder / "headway"


def _default_target() -> str:
    try:
        return default_url()
    except RuntimeError as error:  # no home folder: a user id without a name, as containers give out
        logger.warning("nothing is reported, since there is no place for it: set HEADWAY_URL (%s)", error)
        return "none:"


def _anchored(path: Path) -> Path:
    """Made absolute now: the sink is opened later, when the job may be in another folder."""
    try:
        return path.absolute()
    except OSError as error:
        raise InvalidTarget(f"{path} is relative, and there is no working directory: {error}") from error


def open_store(url: str | None = None) -> EventStore | None:
    """The store of a target, to read from; None for ``none:``. It stays open for the whole process.

    Raises:
        InvalidTarget, StoreError: As ``sink_opener`` and the store say.
    """
    target = url or default_url()
    return None if target == "none:" else open_place(sqlite_path(target)).store


def sqlite_path(url: str) -> Path:
    """The file of a ``sqlite:`` URL, relative ones to the working directory. Raises InvalidTarget."""
    scheme = url.partition(":")[0]
    if scheme in ("redis", "rediss"):
        raise InvalidTarget(f"{scheme}: targets are not built yet in this version: use {KNOWN}")
    if is_server(url):
        raise InvalidTarget(f"{shown_url(url)!r} is a server, and this needs the store itself: use sqlite:///path")
    if not url.startswith("sqlite:///") or len(url) == len("sqlite:///"):
        looks_like_a_path = ":" not in url and ("/" in url or "." in url)
        meant = f"did you mean 'sqlite:///{url}'? Else " if looks_like_a_path else ""
        raise InvalidTarget(f"{shown_url(url)!r} is not a target: {meant}use {KNOWN}")
    return Path(_unquoted(url.removeprefix("sqlite:///")))


def _unquoted(path: str) -> str:
    if "%" not in path:
        return path
    from urllib.parse import unquote

    return unquote(path)


def open_place(path: Path) -> Place:
    """The SQLite store at a path and its artifacts; one for the whole process, kept open.

    Raises:
        StoreError: It cannot be opened.
    """
    key = str(path.absolute())
    with _opening, loading():
        place = _places.get(key)
        if place is None:
            place = _places[key] = _open(path)
        return place


def _open(path: Path) -> Place:
    import secrets  # noqa: F401 -- what making a log will import, while a fork waits for it

    from headway.stores.files import FileArtifactStore
    from headway.stores.sqlite import SqliteEventStore

    if path == _default_path():
        with suppress(OSError):  # of which the store will say more
            make_private(path.parent)
    return Place(SqliteEventStore(path), FileArtifactStore(path.with_name(path.name + "-artifacts")))


def _default_path() -> Path | None:
    """The file that is used without a target: the logs of all of a user's jobs are in it."""
    try:
        return sqlite_path(default_url({**os.environ, "HEADWAY_URL": ""}))
    except RuntimeError:  # no home folder
        return None


def _in_child() -> None:
    """After a fork: another thread of the parent may have held the lock."""
    global _opening  # noqa: PLW0603 -- there is one in each process
    _opening = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
