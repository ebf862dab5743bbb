"""From what an application was given as its store to the store itself, opened when it is first needed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from headway.errors import InvalidTarget
from headway.ports import ArtifactStore, EventStore
from headway.targets import Place, default_url, open_place, sqlite_path

Opening = Callable[[], Place]
"""Opens the store, or gives what is open already. May raise StoreError."""


def opening(store: str | EventStore | None, artifacts: ArtifactStore | None) -> Opening:
    """How to come to the store.

    Args:
        store: A target's URL (None: the default one), or a store that is open.
        artifacts: Where artifacts are; None for beside the store's file.

    Raises:
        InvalidTarget: The URL names no store.
    """
    if store is None or isinstance(store, str):
        path = sqlite_path(_of_a_store(store or default_url())).absolute()
        return lambda: _with_artifacts(open_place(path), artifacts)
    beside = artifacts or _beside(store)
    given = Place(store, beside)
    return lambda: given


def _of_a_store(url: str) -> str:
    if url == "none:":
        raise InvalidTarget("a server needs a store, and none: is none: use sqlite:///path")
    return url


def _with_artifacts(place: Place, artifacts: ArtifactStore | None) -> Place:
    return place if artifacts is None else Place(place.store, artifacts)


def _beside(store: EventStore) -> ArtifactStore:
    from headway.stores.files import FileArtifactStore

    path = getattr(store, "path", None)
    if not isinstance(path, Path):
        raise InvalidTarget("this store has no file beside which artifacts could be: give create_app artifacts=, too")
    return FileArtifactStore(path.with_name(path.name + "-artifacts"))
