"""The default store: one SQLite file that many processes write and follow, with nothing to start before.

How a commit goes: callers queue their operations; one of them takes the writers' lock of all processes, runs what is
queued in one transaction and makes it durable; then it rings the bells of the followers. Readers never wait for that.
"""

from headway.stores.sqlite.store import SqliteEventStore

__all__ = ["SqliteEventStore"]
