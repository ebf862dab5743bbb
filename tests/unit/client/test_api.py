"""What is said when no answer comes."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from headway.client.api import Api
from headway.errors import StoreUnavailable


class Failing(httpx.AsyncBaseTransport):
    """A network on which nothing gets through."""

    def __init__(self, error: type[httpx.TransportError]) -> None:
        self.error = error

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise self.error("", request=request)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (httpx.ConnectError, "http://host/below is out of reach"),
        (httpx.ConnectTimeout, "http://host/below is out of reach"),
        (httpx.RemoteProtocolError, "http://host/below is out of reach"),
        (httpx.ReadTimeout, "http://host/below is there, and does not answer"),
        (httpx.WriteTimeout, "http://host/below is there, and does not answer"),
    ],
)
def test_a_server_that_is_there_and_does_not_answer_is_not_looked_for(
    error: type[httpx.TransportError], said: str
) -> None:
    async def ask() -> None:
        async with httpx.AsyncClient(base_url="http://host/below/api/v1/", transport=Failing(error)) as http:
            await Api(http).show("run")

    with pytest.raises(StoreUnavailable) as refusal:
        asyncio.run(ask())
    assert str(refusal.value).startswith(f"{said} ({error.__name__})")
