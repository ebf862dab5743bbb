"""What a client makes of the Close of a WebSocket."""

from __future__ import annotations

import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError
from websockets.frames import Close

from headway.client.ladder import ConnectionLost
from headway.client.transports.websocket import _lost
from headway.errors import NotAllowed, Unauthorized
from headway.protocol.farewell import farewell
from headway.protocol.frames import CloseCode


def closed(code: int, reason: str) -> ConnectionClosed:
    return ConnectionClosedError(Close(code, reason), None)


@pytest.mark.parametrize(
    ("code", "reason", "wait_s"),
    [
        (CloseCode.GOING_AWAY, farewell("the server is ending", 2.7), 2.7),
        (CloseCode.OVERLOAD, farewell("nothing could be sent for 60 s", 1.5), 1.5),
        (CloseCode.OVERLOAD, "nothing could be sent for 60 s", None),
        (CloseCode.ALL_ENDED, farewell("all runs have ended", 3.0), None),
    ],
)
def test_a_client_comes_back_when_it_is_told_to(code: int, reason: str, wait_s: float | None) -> None:
    lost = _lost(closed(code, reason))
    assert isinstance(lost, ConnectionLost)
    assert lost.retry_after_s == wait_s


def test_who_is_not_allowed_does_not_come_back() -> None:
    assert isinstance(_lost(closed(CloseCode.NOT_ALLOWED, "no")), NotAllowed)
    assert isinstance(_lost(closed(CloseCode.TOKEN_EXPIRED, "over")), Unauthorized)
