"""For tests, Headway's own and yours: a clock that you move, and the contracts that any store must keep.

Nothing here needs a test runner; the contract suites are classes whose methods pytest finds.
"""

from headway.testing.artifact_store_contract import ArtifactStoreContract
from headway.testing.clock import FakeClock
from headway.testing.event_store_contract import DurableEventStoreContract, ElisionContract, EventStoreContract
from headway.testing.expectation import Refusal, refused

__all__ = [
    "ArtifactStoreContract",
    "DurableEventStoreContract",
    "ElisionContract",
    "EventStoreContract",
    "FakeClock",
    "Refusal",
    "refused",
]
