"""All checks, in an order in which each may rely on those before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path

from headway.doctor.check import Check, fine, problem
from headway.errors import HeadwayError
from headway.ports import SystemClock
from headway.targets import is_server, sqlite_path


def examine(url: str, spool: Path | None, environment: Mapping[str, str]) -> Iterator[Check]:
    """Look at everything that a store needs; ask a server.

    Args:
        url: The URL of the store, which is not made if it is not there, or of a server.
        spool: Where reports are kept while a store is out of reach; None if there is no such place.
        environment: The environment's variables.
    """
    from headway.doctor.engine import check_engine
    from headway.doctor.extras import check_extras
    from headway.doctor.settings import check_settings
    from headway.doctor.waiting import check_waiting

    yield from _asked("sqlite", check_engine)
    yield from check_settings(environment)
    yield from check_extras()
    yield from _examine_target(url, environment)
    if spool is not None:
        yield from _asked("waiting", lambda: check_waiting(spool))


def _examine_target(url: str, environment: Mapping[str, str]) -> Iterator[Check]:
    from headway.doctor.server import OTHER_URL, check_server

    if is_server(url):
        yield from check_server(url, environment.get("HEADWAY_TOKEN") or None)
        return
    try:
        path = sqlite_path(url)
    except HeadwayError as error:
        yield problem("target", str(error), OTHER_URL)
    else:
        yield from _examine_store(path)


def _examine_store(path: Path) -> Iterator[Check]:
    from headway.doctor.content import check_content
    from headway.doctor.disk import check_disk, is_read_only
    from headway.doctor.permissions import check_permissions

    yield from _asked("disk", lambda: check_disk(path))
    with suppress(OSError):  # of which the next check says more
        if is_read_only(path):
            return
    allowed = list(_asked("permissions", lambda: check_permissions(path)))
    yield from allowed
    if any(check.level == "problem" for check in allowed):
        return
    if not path.exists():
        yield fine("file", f"there is no store at {path} yet: the first job that reports makes it")
        return
    content = list(_asked("file", lambda: check_content(path)))
    yield from content
    if all(check.level == "ok" for check in content):
        yield from _examine_inside(path)


def _examine_inside(path: Path) -> Iterator[Check]:
    from headway.doctor.clock import check_clock
    from headway.doctor.locks import check_locks
    from headway.doctor.runs import check_runs
    from headway.doctor.wal import check_orphans, check_wal
    from headway.stores.sqlite import SqliteEventStore

    yield from _asked("locks", lambda: check_locks(path))
    yield from _asked("wal", lambda: check_wal(path))
    yield from _asked("wal", lambda: check_orphans(path))
    yield from _asked("clock", lambda: check_clock(path, SystemClock()))
    with closing(SqliteEventStore(path)) as store:
        yield from _asked("runs", lambda: check_runs(store))


def _asked(name: str, check: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    """A check that fails in a way that it does not know has found a problem, too."""
    import apsw

    try:
        yield from check()
    except (HeadwayError, OSError, apsw.Error) as error:
        yield problem(name, f"this could not be looked at: {error}", "see the other findings")
