"""A run as lines of JSON: a header, then its events as they are stored, one a line."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from headway.ports import EventStore
from headway.protocol.ready import ready

FORMAT = 1
"""The version of the lines, in the header's member ``headway``."""


class ExportHeader(msgspec.Struct, frozen=True, kw_only=True, rename={"version": "headway"}):
    """The first line: which run this is, and the name that its log had where it comes from."""

    version: int
    run_id: str
    kind: str
    epoch: str


def export_lines(store: EventStore, run_id: str) -> Iterator[bytes]:
    """A run's lines, each with its end; read page by page, so that memory stays flat.

    A run that has not ended gives what it has now.

    Raises:
        NotFound: There is no such run.
        Gap: It was removed meanwhile: what was given so far is not all of it.
    """
    header = store.header(run_id)
    first = ExportHeader(version=FORMAT, run_id=run_id, kind=header.kind, epoch=header.epoch)
    yield msgspec.json.encode(first) + b"\n"
    page = store.read(run_id)
    while page.records:
        yield from (record.body + b"\n" for record in page.records)
        if page.complete:
            return
        page = store.read(run_id, page.cursor)


ready(ExportHeader)
