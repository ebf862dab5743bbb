"""The contract of ``EventStore`` as a suite of tests: a store's author makes a subclass and runs it.

Example::

    from headway.testing import EventStoreContract

    class TestMyStore(EventStoreContract):
        def make_store(self, clock, *, log_limit_bytes=10_000_000):
            return MyStore(clock=clock, log_limit_bytes=log_limit_bytes)

The methods are found by pytest; they use nothing of it.
"""

from __future__ import annotations

from headway.testing.event_store import (
    appending,
    closing,
    following,
    leases,
    limits,
    listening,
    listing,
    logs,
    reading,
    retention,
)
from headway.testing.event_store.durability import Enduring, Restarting
from headway.testing.event_store.snapshots import Snapshotting


class EventStoreContract(
    appending.Creating,
    appending.Numbering,
    appending.Repeating,
    appending.Losing,
    appending.Fencing,
    appending.Ending,
    appending.Digesting,
    limits.Refusing,
    reading.Reading,
    reading.Filtering,
    reading.Diverging,
    following.Following,
    following.Announcing,
    following.Waiting,
    listening.Listening,
    Snapshotting,
    listing.Listing,
    listing.Paging,
    leases.TakingOver,
    leases.Renewing,
    leases.RunningOutOfPatience,
    leases.Shown,
    leases.Helping,
    leases.Serving,
    logs.Logging,
    retention.Remembering,
    retention.Deleting,
    retention.Pruning,
    retention.UsingArtifacts,
    closing.Closing,
):
    """Everything that holds of any store. Override ``make_store``."""


class ElisionContract(logs.Eliding):
    """The cutting of old log text. Override ``make_store``."""


class DurableEventStoreContract(Enduring, Restarting):
    """What holds of a store that outlives its process. Override ``make_store`` and ``reopen``."""
