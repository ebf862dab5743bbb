"""The black-box suite against the application as it is mounted in another one; the suite's own tests have the rest."""

from __future__ import annotations

import asyncio
from pathlib import Path

from headway.hub.settings import HubSettings
from headway.server import Settings
from headway.testing.conformance import Outcome, check_server
from tests.integration.ways import mounted, served


async def outcomes_of(url: str) -> list[Outcome]:
    return [outcome async for outcome in check_server(url)]


def test_the_protocol_is_kept(tmp_path: Path) -> None:
    settings = Settings(hub=HubSettings(heartbeat_s=1.0))
    with served(mounted, tmp_path, settings) as place:
        outcomes = asyncio.run(outcomes_of(place.url))
    assert len(outcomes) > 95
    assert [outcome for outcome in outcomes if outcome.fault] == []
