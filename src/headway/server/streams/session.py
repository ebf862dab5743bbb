"""How every stream begins: who is there, and what the server says first."""

from __future__ import annotations

import secrets

from headway import __version__
from headway.hub.sink import Peer
from headway.protocol.frames import WelcomeFrame
from headway.server.backend import Backend

AGENT_CHARS = 200
"""Of a User-Agent: what lists of watchers show of it."""

ADDRESS_CHARS = 64
"""Of what a proxy says about where somebody comes from."""

SERVER = f"headway/{__version__}"


def welcome(backend: Backend) -> WelcomeFrame:
    """The first frame."""
    return WelcomeFrame(server=SERVER, session=secrets.token_hex(8), heartbeat=backend.settings.hub.heartbeat_s)


def peer(address: str, user_agent: str) -> Peer:
    """Who watches."""
    return Peer(address=address[:ADDRESS_CHARS], user_agent=user_agent[:AGENT_CHARS])
