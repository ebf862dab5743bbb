"""The server: everything that a store has, over HTTP; for reporters elsewhere, and for whoever watches."""

from __future__ import annotations

from headway.errors import MissingExtra

try:
    from headway.server.application import Application, create_app
    from headway.server.serving import serve
    from headway.server.settings import Settings
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] == "headway":
        raise
    raise MissingExtra(f"the server needs {error.name}", extra="server") from error

__all__ = ["Application", "Settings", "create_app", "serve"]
