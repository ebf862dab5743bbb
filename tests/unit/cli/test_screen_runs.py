"""The live list of runs."""

from __future__ import annotations

import msgspec
import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.cli.screen.look import Look
from headway.cli.screen.rows import plain_text, row_width
from headway.cli.screen.runs import RunsDisplay, RunsNews
from headway.cli.short_ids import short_ids
from headway.cli.shown import Listing
from headway.protocol import events
from tests.integration.terminals import Screen
from tests.unit.cli.pictures import AUDIT, COMPLETED, FAILED, IDS, VIDEO, Step, listing, short
from tests.unit.cli.test_safe import HOSTILE


def shown(display: RunsDisplay, columns: int = 130, rows: int = 8) -> list[str]:
    return [plain_text(row) for row in display.draw(columns, rows).rows]


def test_a_list() -> None:
    display = RunsDisplay(lambda: 0.0)
    display.take(listing(short(VIDEO, 0), short(AUDIT, 1), short(FAILED, 2, 70), short(COMPLETED, 3, 70)))
    drawn = shown(display)
    assert drawn[0] == "Runs  ● 2 running  ✓ 1 completed  ✗ 1 failed"
    assert drawn[2].startswith(
        "● running     ━━━━━━━━────   67%    00:45  Apollo 11: eight days in 195 hours of radio  summary"
    )
    assert drawn[3].startswith("● running     ━━━━╸───────   39%    00:45  https://shop.example/")
    assert drawn[4].startswith("✗ failed      ━━━━━━━━────   67%    00:58  Apollo 11")
    assert "the model needs" in drawn[4]
    assert drawn[5].startswith("✓ completed   ━━━━━━━━━━━━  100%    01:07")
    assert drawn[2].endswith(IDS[0][:18])


@pytest.mark.parametrize("columns", [31, 60, 80, 100, 140])
def test_runs_of_the_same_name_are_told_apart(columns: int) -> None:
    ids = ["0191f1c2-7e61-7000-8000-000000000000", "0191f1c2-7e75-7abc-8000-000000000000", "nightly-1"]
    runs = [msgspec.structs.replace(short(VIDEO, n), run_id=run_id) for n, run_id in enumerate(ids)]
    display = RunsDisplay(lambda: 0.0)
    display.take(listing(*runs))
    drawn = shown(display, columns)[2:5]
    names = [row.split()[-1] for row in drawn]
    for name, row in zip(names, drawn, strict=True):
        assert [run_id.startswith(name) for run_id in ids].count(True) == 1, names
        assert "67%" in row
        assert "Apol" in row


def test_a_short_id_is_no_shorter_than_it_must_be() -> None:
    def shortened(*run_ids: str) -> set[str]:
        return set(short_ids(run_ids, among_others=False).values())

    assert shortened() == set()
    assert shortened("0123456789") == {"01234567"}
    assert shortened("run", "run-1", "run-12") == {"run", "run-1", "run-12"}
    assert shortened("0123456789a", "0123456789b", "01") == {"0123456789a", "0123456789b", "01"}


MINUTE = "0191f1c2"
ONE, OTHER = f"{MINUTE}-7e61-7000-8000-000000000000", f"{MINUTE}-7e75-7abc-8000-000000000000"


@pytest.mark.parametrize(
    ("filtered", "more", "shown_id"), [(False, None, MINUTE), (True, None, ONE[:18]), (False, "page", ONE[:18])]
)
def test_runs_that_are_not_listed_are_told_apart_too(filtered: bool, more: str | None, shown_id: str) -> None:
    """Another one may be of the same minute, which is all that eight characters say."""
    display = RunsDisplay(lambda: 0.0, filtered=filtered)
    run = msgspec.structs.replace(short(VIDEO, 0), run_id=ONE)
    display.take(RunsNews(Listing(runs=(run,), next=more)))
    assert shown(display, 80)[2].split()[-1] == shown_id


def test_a_run_below_the_screen_is_told_apart_too() -> None:
    display = RunsDisplay(lambda: 0.0)
    display.take(listing(*(msgspec.structs.replace(short(VIDEO, n), run_id=id_) for n, id_ in enumerate((ONE, OTHER)))))
    (name,) = [row.split()[-1] for row in shown(display, 80, rows=4)[2:3]]
    assert ONE.startswith(name)
    assert not OTHER.startswith(name)


def test_an_id_of_ones_own_is_not_cut_beside_unlisted_runs() -> None:
    ids = ["nightly-of-the-whole-shop-1", ONE]
    assert short_ids(ids, among_others=True) == {ids[0]: ids[0], ONE: ONE[:18]}


def test_running_runs_count_on() -> None:
    now = 0.0
    display = RunsDisplay(lambda: now)
    display.take(listing(short(VIDEO, 0), short(COMPLETED, 1, 70)))
    now = 5.0
    drawn = shown(display)
    assert "  00:50  " in drawn[2]
    assert "  01:07  " in drawn[3]


def test_a_cancel_shows_before_it_has_happened() -> None:
    display = RunsDisplay(lambda: 0.0)
    display.take(listing(short([*VIDEO, (42, None, events.RunCancelRequested())], 0)))
    assert shown(display)[2].startswith("● cancelling")


def test_what_does_not_fit_can_be_scrolled_to() -> None:
    display = RunsDisplay(lambda: 0.0)
    display.take(listing(*(short([(0, None, events.RunCreated(kind=f"kind-{n}"))], n) for n in range(9))))
    assert shown(display)[-1].endswith("4 more below")
    for _ in range(20):
        display.key("down")
        shown(display)
    drawn = shown(display)
    assert "kind-8" in drawn[6]
    assert drawn[-1] == "q quit   ↑ ↓ scroll"
    display.key("g")
    assert "kind-0" in shown(display)[2]
    display.key("q")
    assert display.quit


def test_trouble_is_said_and_the_list_stays() -> None:
    display = RunsDisplay(lambda: 0.0)
    assert shown(display)[-1].startswith("q quit")
    display.take(listing())
    assert shown(display)[-1] == "no run yet"
    display.take(listing(short(VIDEO, 0)))
    display.take(RunsNews(None, "runs.db is locked"))
    drawn = shown(display)
    assert drawn[-1] == "! trying again: runs.db is locked"
    assert "Apollo 11" in drawn[2]


@given(
    text=HOSTILE.map(lambda text: text.encode("utf-8", "ignore").decode()),
    columns=st.integers(2, 200),
    rows=st.integers(1, 20),
)
def test_every_size_is_filled_and_no_run_leaves_its_row(text: str, columns: int, rows: int) -> None:
    hostile: list[Step] = [
        (0, None, events.RunCreated(kind=text, title=text)),
        (1, "a", events.StageStarted(message=text)),
        (2, None, events.RunFailed(error=events.ErrorInfo(code=text, message=text))),
    ]
    display = RunsDisplay(lambda: 0.0)
    display.take(listing(short(hostile, 0), short(hostile[:2], 1), short(AUDIT, 2)))
    drawn = [*display.draw(columns, rows).rows]
    assert len(drawn) == rows
    screen = Screen(columns, rows)
    for number, row in enumerate(drawn, 1):
        assert row_width(row) <= columns - 1
        pyte.Stream(screen).feed(f"\x1b[{number};1H{Look().row(row)}")
    assert screen.done == []
