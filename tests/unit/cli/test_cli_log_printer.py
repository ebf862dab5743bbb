"""What a followed log prints once, though it was read twice."""

from __future__ import annotations

import pytest

from headway.cli.commands.log import Printer, Wanted
from headway.cli.log_lines import pieces
from headway.stores.memory import MemoryEventStore
from headway.testing.samples import batch, log, new_run
from tests.unit.reporter.flaky import records_of

WANTED = Wanted(
    run=None, follow=True, tail=2, stage=None, stream=None, as_json=False, times=False, raw=False
)  # fmt: skip


def test_what_came_between_two_reads_is_printed_once(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    store = MemoryEventStore()
    store.create(new_run())
    store.append(batch("run", 1, [log("a"), log("b"), log("c", partial=True)]))
    tail = records_of(store)
    store.append(batch("run", 4, [log("d"), log("e")]))
    printer = Printer(WANTED)
    printer.take_tail(list(pieces(tail)), 2)
    printer.take(records_of(store))
    printer.end()
    assert capsysbinary.readouterr().out == b"a\nb\ncd\ne\n"
