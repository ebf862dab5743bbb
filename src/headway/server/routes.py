"""Every path of the server, and what answers it."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route, WebSocketRoute

from headway.server import operating
from headway.server.backend import Backend
from headway.server.reading import artifacts, events, export, health, history, log, runs
from headway.server.reporting import appending, asking, creating, leases, receiving
from headway.server.resource import Handler, Resource
from headway.server.streams import sse
from headway.server.streams.websocket import WebSocketWatch, without_upgrade

API = "/api/v1"
RUN = API + "/runs/{run_id}"

WATCH = API + "/watch"
"""Where the WebSocket is."""

PATHS: dict[str, dict[str, Handler]] = {
    "/healthz": {"GET": health.alive},
    "/readyz": {"GET": health.ready},
    API + "/runs": {"GET": runs.list_runs, "POST": creating.create_run},
    API + "/runs/import": {"POST": receiving.import_log, "GET": runs.read_run, "DELETE": creating.delete_run},
    RUN: {"GET": runs.read_run, "DELETE": creating.delete_run},
    RUN + "/state": {"GET": runs.read_state},
    RUN + "/events": {"GET": events.read_events, "POST": appending.append_events},
    RUN + "/log": {"GET": log.read_log},
    RUN + "/artifacts": {"GET": artifacts.list_artifacts},
    RUN + "/artifacts/{name:path}": {"GET": artifacts.read_artifact, "PUT": receiving.put_artifact},
    RUN + "/export": {"GET": export.export_run},
    RUN + "/stream": {"GET": sse.stream_run},
    API + "/stream": {"GET": sse.stream_runs},
    WATCH: {"GET": without_upgrade},
    RUN + "/attempts": {"POST": creating.take_over},
    RUN + "/lease": {"POST": leases.change_lease},
    RUN + "/helpers": {"GET": leases.list_helpers},
    RUN + "/inbox": {"GET": events.read_inbox},
    RUN + "/cancel": {"POST": asking.cancel_run},
    RUN + "/inputs/{input_id:path}": {"POST": asking.give_input},
    API + "/watchers": {"GET": operating.list_watchers},
    API + "/notices": {"POST": operating.post_notice},
    API + "/kinds": {"GET": history.list_kinds},
    API + "/kinds/{kind}/history": {"GET": history.read_history},
}
"""A path → its methods. The first that fits counts."""


def routes(backend: Backend) -> list[BaseRoute]:
    """The routes of an application."""
    found: list[BaseRoute] = [Route(path, Resource(backend, handlers)) for path, handlers in PATHS.items()]
    return [*found, WebSocketRoute(WATCH, WebSocketWatch(backend))]
