"""Whether a server answers, and whether it reaches its store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from headway.doctor.check import Check, fine, problem
from headway.errors import HeadwayError, InvalidTarget, MissingExtra
from headway.protocol.url import shown_url

if TYPE_CHECKING:
    from headway.client import BlockingClient

OTHER_URL = "give another URL, with HEADWAY_URL or --url"


def check_server(url: str, token: str | None) -> Iterator[Check]:
    """Ask a server; what is wrong with its store is found only on its own machine.

    Args:
        url: Where it is.
        token: What it asks for, if anything.
    """
    try:
        from headway.client import BlockingClient
    except MissingExtra as error:
        yield problem("server", f"it cannot be asked: {error}", MissingExtra.command("client"))
        return
    try:
        with BlockingClient(url, token=token) as client:
            client.alive()
            yield _readiness(shown_url(url), client)
    except InvalidTarget as error:
        yield problem("target", str(error), OTHER_URL)
    except HeadwayError as error:
        yield problem("server", str(error), f"start it with  headway serve, or {OTHER_URL}")


def _readiness(url: str, client: BlockingClient) -> Check:
    try:
        durability = client.ready()
    except HeadwayError as error:
        return problem("server", f"{url} is not ready: {error}", "headway doctor  where it runs, with its store's URL")
    kept = "reaches its store" if durability == "full" else "keeps runs in memory, until it ends"
    return fine("server", f"{url} is ready, and {kept}")
