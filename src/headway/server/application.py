"""The application: its routes behind its door, and the backend that lives as long as it does."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.types import ASGIApp

from headway.errors import InvalidInput
from headway.hub.choosing import chosen_estimator
from headway.ports import ArtifactStore, EventStore
from headway.server.backend import Backend
from headway.server.door import Door, Guard
from headway.server.place import opening
from headway.server.resource import no_such_path
from headway.server.routes import routes
from headway.server.settings import Settings


class Application(Starlette):
    """The server as an ASGI application; see ``create_app``.

    Attributes:
        backend: What stands behind it.
        guard: Who may come in.
    """

    def __init__(self, backend: Backend, guard: Guard) -> None:
        super().__init__(routes=routes(backend), lifespan=_lifespan)
        self.router.redirect_slashes = False
        self.router.default = no_such_path
        self.backend = backend
        self.guard = guard

    def build_middleware_stack(self) -> ASGIApp:
        """The door before everything. Starlette's own handlers of errors would find none, and take their time."""
        inner = super().build_middleware_stack() if self.user_middleware else self.router
        return Door(inner, self.guard, self.backend.start)


@asynccontextmanager
async def _lifespan(app: Application) -> AsyncIterator[None]:
    await app.backend.restart()
    try:
        yield
    finally:
        await app.backend.close()


def create_app(
    store: str | EventStore | None = None,
    *,
    key: str | None = None,
    artifacts: ArtifactStore | None = None,
    settings: Settings | None = None,
) -> Application:
    """The server as an application for any ASGI server, alone or mounted in a FastAPI or Starlette application.

    Started alone it opens its store at once; mounted, where nobody tells it that it was started, with the first
    request.

    Args:
        store: A target's URL, or a store; by default what ``HEADWAY_URL`` names, or the file in the state folder.
        key: The secret that tokens are signed with; by default ``HEADWAY_KEY``. Not built yet in this version: with a
            key nothing is served, since it would keep nobody out.
        artifacts: Where the content of artifacts is; by default in a folder beside the store's file.
        settings: Who may come, and the server's bounds.

    Raises:
        InvalidTarget: ``store`` names none.
        InvalidInput: A key was given, or the settings name no estimator.
    """
    if key is not None or os.environ.get("HEADWAY_KEY"):
        raise InvalidInput(
            "tokens are not built yet in this version: serve this machine only, without a key (remove HEADWAY_KEY)"
        )
    chosen = settings or Settings()
    # Here, where the operator hears what is wrong with it: clients could do nothing about that.
    backend = Backend(opening(store, artifacts), chosen, chosen_estimator(chosen.hub.estimator))
    return Application(backend, Guard(chosen.hosts, chosen.origins))
