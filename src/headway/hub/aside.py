"""Records that are put aside while their log is read from the store: in order, and so many of them and no more."""

from __future__ import annotations

from headway.ports import Record

PUT_ASIDE = 10_000
"""Records of one run; what there is no room for is read from the store afterwards."""

PUT_ASIDE_BYTES = 4 * 1024 * 1024
"""Their bytes: so many of the largest records would be 640 MB."""


class Aside:
    """What was put aside. For one thread."""

    __slots__ = ("_records", "_size")

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._size = 0

    def __len__(self) -> int:
        return len(self._records)

    def put(self, record: Record) -> bool:
        """Put another one aside; false, and it is not, if there is no room."""
        if len(self._records) >= PUT_ASIDE or self._size + len(record.body) > PUT_ASIDE_BYTES:
            return False
        self._records.append(record)
        self._size += len(record.body)
        return True

    def take(self) -> list[Record]:
        """All of them; none is aside any more."""
        records = self._records
        self.clear()
        return records

    def clear(self) -> None:
        """Forget them."""
        self._records, self._size = [], 0
