"""Notices: rows among the events, since followers read those anyway, of a run that no run has."""

from __future__ import annotations

import apsw
import msgspec

from headway.ports import Notice
from headway.protocol.cursor import new_nonce
from headway.stores.sqlite.queries import execute

KEPT = 100
"""Notices that stay: more than anybody can be behind by who is still to hear them."""


def announce(connection: apsw.Connection, notice: Notice) -> None:
    """See ``EventStore.announce``."""
    execute(connection, "insert_notice", new_nonce(), msgspec.json.encode(notice))
    execute(connection, "trim_notices", KEPT)
