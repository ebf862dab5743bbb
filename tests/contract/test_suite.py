"""The suite itself: its parts are put together by inheritance, in which nothing may hide anything."""

from __future__ import annotations

from collections import Counter

import pytest

from headway.testing import DurableEventStoreContract, EventStoreContract


@pytest.mark.parametrize("contract", [EventStoreContract, DurableEventStoreContract])
def test_no_part_hides_another_parts_test(contract: type) -> None:
    names = Counter(name for part in contract.__mro__[:-1] for name in vars(part) if not name.startswith("__"))
    assert [name for name, count in names.items() if count > 1 and name.startswith(("test_", "_"))] == []
