"""What an operator may set of a server, and what is so by default."""

from __future__ import annotations

import msgspec

from headway.hub.settings import HubSettings
from headway.protocol import limits


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds of one server. Each has an error of its own for who goes beyond it.

    Attributes:
        batch_bytes: Of the body of one append.
        body_bytes: Of any other JSON body.
        artifact_bytes: Of one artifact.
        import_bytes: Of one log that is imported.
        wait_s: The longest that a request may be held: proxies cut those that are silent for a minute.
        pong_s: How long a client may take to answer a Ping.
        messages: What a client may say on a WebSocket within ten seconds.
        store_threads: Threads that ask the store at once.
        waiting_requests: Requests that wait for one of those threads; more are refused (``overloaded``).
        hub: Of what watchers are served by.
    """

    batch_bytes: int = 2 * limits.BATCH_BYTES  # the store measures what it writes; JSON may be said at greater length
    body_bytes: int = 1024 * 1024
    artifact_bytes: int = 10 * 1024**3
    import_bytes: int = 4 * 1024**3
    wait_s: float = 55.0
    pong_s: float = 10.0
    messages: int = 200
    store_threads: int = 16
    waiting_requests: int = 1_000
    hub: HubSettings = HubSettings()
