"""What an operator may set of a server, and what is so by default."""

from __future__ import annotations

import msgspec

from headway.hub.settings import HubSettings
from headway.protocol import limits
from headway.protocol.frames import MESSAGE_BYTES


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Who may come to a server, and its bounds; each bound has an error of its own for who goes beyond it.

    Attributes:
        hosts: Names, beside those of this machine, that a request's ``Host`` may have.
        origins: Origins of pages, such as ``https://example.com``, that may use the server from a browser.
        head_bytes: Of a request's line and headers.
        batch_bytes: Of the body of one append.
        body_bytes: Of any other JSON body.
        artifact_bytes: Of one artifact.
        import_bytes: Of one log that is imported.
        wait_s: The longest that a request may be held: proxies cut those that are silent for a minute.
        request_s: How long a client may take for a request's head, and how long nothing may come of its body.
        pong_s: How long a client may take to answer a Ping or a Close, and to take what waits for it before a Close.
        message_bytes: Of what a client says at once on a WebSocket.
        messages: What a client may say on a WebSocket within ten seconds: messages, or parts of them, Pings and Pongs.
        store_threads: Threads that ask the store at once.
        waiting_requests: Requests that wait for one of those threads; more are refused (``overloaded``).
        hub: Of what watchers are served by.
    """

    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    head_bytes: int = 128 * 1024  # no usual proxy lets more through
    batch_bytes: int = 2 * limits.BATCH_BYTES  # the store measures what it writes; JSON may be said at greater length
    body_bytes: int = 1024 * 1024
    artifact_bytes: int = 10 * 1024**3
    import_bytes: int = 4 * 1024**3
    wait_s: float = 55.0
    request_s: float = 30.0  # a head comes in one go, and networks that lose packets send them again within seconds
    pong_s: float = 10.0
    message_bytes: int = MESSAGE_BYTES
    messages: int = 200
    store_threads: int = 16
    waiting_requests: int = 1_000
    hub: HubSettings = HubSettings()
