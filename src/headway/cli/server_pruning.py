"""Removing old runs of a server: by its lists and one by one, with the rules that stores have."""

from __future__ import annotations

from collections.abc import Iterator

from headway.client import BlockingClient
from headway.errors import InvalidInput, NotFound
from headway.ports import Clock, PrunePolicy
from headway.progress.state import ShortState
from headway.stores.retention import EndedRun, choose

PAGE_RUNS = 500
"""The most that a server lists at once."""


def chosen_runs(client: BlockingClient, policy: PrunePolicy, clock: Clock) -> tuple[str, ...]:
    """The runs that the policy removes, by what lists tell: not how large a run is, nor when it was imported.

    Raises:
        InvalidInput: The policy asks for sizes.
    """
    if policy.max_bytes is not None:
        raise InvalidInput("a server does not say how large runs are: leave --max-bytes out, or give its store's --url")
    ended = [
        EndedRun(key, run.run_id, run.kind, run.status, run.ended_at, 0)
        for key, run in enumerate(_listed(client, policy))
        if run.ended_at is not None
    ]
    return tuple(run.run_id for run in choose(ended, 0, policy, clock))


def _listed(client: BlockingClient, policy: PrunePolicy) -> Iterator[ShortState]:
    page: str | None = None
    while True:
        found = client.runs({"kind": policy.kind, "status": policy.status}, limit=PAGE_RUNS, page=page)
        yield from found.runs
        page = found.next
        if page is None:
            return


def removed_runs(client: BlockingClient, run_ids: tuple[str, ...]) -> tuple[str, ...]:
    """Remove these; those of them that nobody else has removed meanwhile."""
    return tuple(run_id for run_id in run_ids if _is_removed(client, run_id))


def _is_removed(client: BlockingClient, run_id: str) -> bool:
    try:
        client.delete(run_id)
    except NotFound:
        return False
    return True
