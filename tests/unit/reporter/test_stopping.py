"""Who is told of a stop, and what."""

from __future__ import annotations

import pytest

from headway.errors import Cancelled
from headway.reporter.stopping import Stopping


def test_the_reason_may_come_after_the_request() -> None:
    told: list[str] = []
    stopping = Stopping("run")
    stopping.call(lambda: told.append("once"))
    stopping.request(None)
    stopping.request("enough")
    stopping.request("something else")
    assert (told, stopping.reason) == (["once"], "enough")
    with pytest.raises(Cancelled, match="enough"):
        stopping.check()
