"""Removing old runs of a server: which ones, by the rules that stores have, and one by one."""

from __future__ import annotations

from collections.abc import Iterable

from headway.client import BlockingClient
from headway.errors import InvalidInput, NotFound
from headway.ports import Clock, PrunePolicy
from headway.progress.state import ShortState
from headway.stores.retention import EndedRun, choose


def chosen_runs(listed: Iterable[ShortState], policy: PrunePolicy, clock: Clock) -> tuple[str, ...]:
    """Which of the runs, newest first, the policy removes, by what lists tell: neither a size nor when it was imported.

    Raises:
        InvalidInput: The policy asks for sizes.
    """
    if policy.max_bytes is not None:
        raise InvalidInput("a server does not say how large runs are: leave --max-bytes out, or give its store's --url")
    ended = [
        EndedRun(key, run.run_id, run.kind, run.status, run.ended_at, 0)
        for key, run in enumerate(listed)
        if run.ended_at is not None
    ]
    return tuple(run.run_id for run in choose(ended, 0, policy, clock))


def removed_runs(client: BlockingClient, run_ids: Iterable[str]) -> tuple[str, ...]:
    """Remove these; those of them that nobody else has removed meanwhile."""
    return tuple(run_id for run_id in run_ids if _is_removed(client, run_id))


def _is_removed(client: BlockingClient, run_id: str) -> bool:
    try:
        client.delete(run_id)
    except NotFound:
        return False
    return True
