"""One path of the server: which methods it takes, and what becomes of errors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from headway.errors import MethodNotAllowed, NoSuchPath, StoreUnavailable
from headway.server.answers import nothing, refusal

if TYPE_CHECKING:
    from headway.server.backend import Backend

Handler = Callable[["Backend", Request], Awaitable[Response]]


class Resource:
    """An ASGI application for one path.

    Args:
        backend: What stands behind the server.
        handlers: A method → what answers it. HEAD is answered as GET.
    """

    def __init__(self, backend: Backend, handlers: Mapping[str, Handler]) -> None:
        self._backend = backend
        self._handlers = dict(handlers)
        if "GET" in handlers:
            self._handlers["HEAD"] = handlers["GET"]
        self._allowed = tuple(sorted({*self._handlers, "OPTIONS"}))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        request = Request(scope, receive, send)
        try:
            response = await self._respond(request)
        except ClientDisconnect:
            return
        except Exception as error:
            # While the server ends nothing is what it seems; another one will know.
            told = StoreUnavailable("the server is ending") if self._backend.ending else error
            response = refusal(told, request)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        handler = self._handlers.get(request.method)
        if handler is not None:
            return await handler(self._backend, request)
        if request.method == "OPTIONS":
            return nothing(headers={"Allow": ", ".join(self._allowed)})
        raise MethodNotAllowed(
            f"{request.url.path} does not take {request.method[:20]}, but {', '.join(self._allowed)}",
            allowed=self._allowed,
        )


async def no_such_path(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request to a path that is not there."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": "no such path"})
        return
    request = Request(scope, receive, send)
    error = NoSuchPath(f"there is no {request.url.path[:200]!r} here: the API is under /api/v1")
    await refusal(error, request)(scope, receive, send)
