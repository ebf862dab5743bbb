"""``headway serve``: a store over HTTP and WebSocket, for reporters elsewhere and for whoever watches."""

from __future__ import annotations

import logging

import click

from headway.cli import exits, output
from headway.cli.keeping import USUAL, retention, retention_text
from headway.cli.options import examples, url_option
from headway.targets import default_url


@click.command(
    epilog=examples(
        "headway serve",
        "headway serve --url sqlite:///jobs.db --port 9000",
        "headway serve --keep 7d --keep preview=1h --keep failed=30d",
        "headway serve --allow-host headway.example.com --allow-origin https://app.example.com",
    )
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address; without a key one of this machine.")
@click.option("--port", default=8642, show_default=True, type=click.IntRange(0, 65535), help="0 for any that is free.")
@click.option("--allow-host", "hosts", multiple=True, metavar="NAME", help="A name that a proxy calls this server by.")
@click.option("--allow-origin", "origins", multiple=True, metavar="ORIGIN", help="Pages that may use it in a browser.")
@click.option(
    "--keep",
    multiple=True,
    metavar="[KIND=|STATUS=]SPAN",
    help=f"How long runs that have ended are kept; {USUAL} by default. 7d, audit=30d, failed=forever.",
)
@url_option
def command(
    host: str, port: int, hosts: tuple[str, ...], origins: tuple[str, ...], keep: tuple[str, ...], url: str | None
) -> int:
    """Serve a store over HTTP and WebSocket.

    Jobs elsewhere report to it (HEADWAY_URL=http://…), and anybody on this machine can watch. SIGTERM and Ctrl-C end
    it: all watchers are told when to come back.

    Runs that ended more than a day ago are removed, unless --keep says something else; what estimates of remaining
    time have learned stays.
    """
    from headway.hub.settings import HubSettings
    from headway.server import Settings, serve

    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    target = url or default_url()
    settings = Settings(hosts=hosts, origins=origins, hub=HubSettings(retention=retention(keep)))

    def ready(place: str) -> None:
        output.say(f"serving {target} (ended runs are kept: {retention_text(keep)}) at {place}")

    serve(target, host=host, port=port, settings=settings, ready=ready)
    return exits.OK
