"""The screen as a function of what is known and of its size."""

from __future__ import annotations

import itertools
import re
import unicodedata

import pyte
import pytest
import wcwidth
from hypothesis import given
from hypothesis import strategies as st

from headway.cli.screen.cells import width
from headway.cli.screen.layout import ScreenOptions, final_rows, screen_rows
from headway.cli.screen.look import Look
from headway.cli.screen.pages import LogPage, help_rows
from headway.cli.screen.rows import Row, plain_text, row_width
from headway.cli.screen.watched import Picture, Watched
from headway.progress.state import Eta
from headway.protocol import events, times
from headway.protocol.frames import ProblemFrame, WaitingFrame
from tests.integration.terminals import Screen
from tests.unit.cli.pictures import (
    AUDIT,
    BEGAN,
    COMPLETED,
    FAILED,
    LATER,
    RUN_ID,
    VIDEO,
    Step,
    picture,
    planned,
    watched,
)
from tests.unit.cli.test_safe import HOSTILE

OPTIONS = ScreenOptions(keys="q quit   c cancel   l log   ? help")
PICTURES = {
    "video": picture(VIDEO, 41.3, LATER),
    "audit": picture(AUDIT, 41.3, LATER),
    "failed": picture(FAILED, 58),
    "completed": picture(COMPLETED, 70),
    "nothing": Watched(lambda: 0.0).picture(),
}


def text(rows: list[Row]) -> list[str]:
    return [plain_text(row) for row in rows]


def test_a_screen_of_eighty_by_twenty_four() -> None:
    assert text(screen_rows(PICTURES["video"], 80, 24, OPTIONS)) == [
        "Apollo 11: eight days in 195 hours of radio  video-summary            ● running",
        "━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━────────────────────────   67%",
        "00:41 elapsed · 00:23 left",
        "",
        "✓ Validate    00:02  16 blocks",
        "✓ Metadata    00:04  8,474 cues, 12 speakers",
        "✓ Transcript  00:10  8,474 cues",
        "✓ Analysis    00:04  no speaker model → voice activity",
        "● Summary     00:20  ━━━━━───────   43%   7/16 chunk       Chunk 7 of 16",
        "○ quality",
        "",
        "◆ 122,640 words by 12 speakers",
        "◆ 43 chapters found",
        "",
        "Log",
        "│ chunk 1: 61 sentences, 4 kept",
        "│ chunk 2: 58 sentences, 6 kept",
        "│ chunk 3: 53 sentences, 3 kept",
        "│ chunk 4: 54 sentences, 4 kept",
        "│ chunk 5: 55 sentences, 5 kept",
        "│ chunk 6: 56 sentences, 6 kept",
        "│ chunk 7: 57 sentences, 7 kept",
        "",
        "q quit   c cancel   l log   ? help         01a1fb13-9c5e-731c-8aa7-f4a0da84d7c8",
    ]


def test_ten_rows_of_sixty_columns_show_what_matters() -> None:
    assert text(screen_rows(PICTURES["audit"], 60, 10, OPTIONS)) == [
        "https://shop.example/  site-audit (shop)          ● running",
        "━━━━━━━━━━━━━━━━━━━━━────────────────────────────────   39%",
        "00:41 elapsed · 00:23 left",
        "● Security agent  00:21  ━━━━╸─   75%   9/12 checks",
        "● Vision agent    00:16  ━╸────   28%",
        "  ● Pass 2        00:10  ━━╸───   44%  4/9 page      check…",
        "? Log in as a customer?  yes / no           09:58 to answer",
        "Findings  1 critical · 1 high · 2 medium · 1 low",
        "  critical  100%  Card form is loaded over http  security",
        "q quit   c cancel   l log   ? help",
    ]


def test_what_stays_of_a_failed_run_says_why_and_what_was_logged_last() -> None:
    shown = text(final_rows(PICTURES["failed"], 100, OPTIONS))
    assert shown[2].startswith("took 00:58")
    assert shown[2].endswith(RUN_ID)
    assert "✗ the model needs 6 GB more than there are (out-of-memory)" in shown
    assert any(line.startswith("✗ Summary") and "7/16 chunk" in line for line in shown)
    assert "! disk is nearly full" in shown
    assert shown[-1] == "│ chunk 7: 57 sentences, 7 kept"


def test_what_stays_of_a_completed_run_has_its_result_and_no_log() -> None:
    shown = text(final_rows(PICTURES["completed"], 100, OPTIONS))
    assert shown[-1] == 'result  {"sentences":288,"coverage":0.611}'
    assert shown[-3] == "1 file  summary.md (14.2 kB)"
    assert not any("chunk 7" in line for line in shown)


def test_the_range_is_shown_when_it_is_asked_for() -> None:
    asked = text(screen_rows(PICTURES["video"], 100, 24, ScreenOptions(eta_range=True)))
    assert asked[2] == "00:41 elapsed · 00:23 left (00:18 – 00:31) · from 14 runs of video-summary"
    overdue = picture(VIDEO, 41.3, Eta(remaining=3.0, low=1.0, high=9.0, basis="history", runs=1, overdue=True))
    assert text(screen_rows(overdue, 100, 24, OPTIONS))[2] == "00:41 elapsed · 00:03 left · longer than usual"


def test_the_reason_of_an_overdue_run_says_that_once() -> None:
    late = "longer than usual, from 3 runs of x"
    eta = Eta(remaining=3.0, low=1.0, high=9.0, basis="history", runs=3, overdue=True, explanation=late)
    shown = text(screen_rows(picture(VIDEO, 41.3, eta), 100, 24, ScreenOptions(eta_range=True)))
    assert shown[2] == f"00:41 elapsed · 00:03 left (00:01 – 00:09) · {late}"


def test_seconds_that_mean_nothing_can_be_left_out() -> None:
    unsure = Eta(remaining=250.0, low=100.0, high=600.0, basis="history", runs=3)
    options = ScreenOptions(hide_seconds=True)
    assert text(screen_rows(picture(VIDEO, 41.3, unsure), 100, 24, options))[2] == "00:41 elapsed · about 4 min left"
    sure = Eta(remaining=250.0, low=240.0, high=260.0, basis="history", runs=3)
    assert text(screen_rows(picture(VIDEO, 41.3, sure), 100, 24, options))[2] == "00:41 elapsed · 04:10 left"


def test_a_queued_run_shows_how_long_it_waits() -> None:
    queued: list[Step] = [(0, None, events.RunCreated(kind="job")), (1, None, events.RunQueued(position=3, of=5))]
    eta = Eta(remaining=300.0, low=150.0, high=600.0, basis="queue", runs=6, explanation="3 runs ahead")
    shown = text(screen_rows(picture(queued, 2, eta), 100, 24, OPTIONS))
    assert shown[2] == "number 3 of 5 in the queue · 05:00 to wait"
    asked = text(screen_rows(picture(queued, 2, eta), 100, 24, ScreenOptions(eta_range=True)))
    assert asked[2].endswith("05:00 to wait (02:30 – 10:00) · 3 runs ahead")


def test_the_log_can_be_left_out() -> None:
    shown = text(screen_rows(PICTURES["video"], 80, 24, ScreenOptions(log=False)))
    assert "Log" not in shown
    assert not any("chunk 7:" in line for line in shown)


def test_a_question_says_how_to_answer_it() -> None:
    shown = text(screen_rows(PICTURES["audit"], 120, 40, OPTIONS))
    assert f"  headway answer {RUN_ID} login yes" in shown
    elsewhere = text(screen_rows(PICTURES["audit"], 140, 40, ScreenOptions(url="sqlite:///my jobs.db")))
    assert f"  headway answer --url 'sqlite:///my jobs.db' {RUN_ID} login yes" in elsewhere
    narrow = "".join(text(screen_rows(PICTURES["audit"], 40, 30, OPTIONS)))
    assert "headway answer 01a1fb13-9c5e-731c" in narrow


def test_the_key_that_answers_is_named_while_there_is_a_question() -> None:
    options = ScreenOptions(keys="q quit", answer_key="a answer")
    assert text(screen_rows(PICTURES["audit"], 60, 30, options))[-1] == "a answer   q quit"
    assert text(screen_rows(PICTURES["video"], 60, 30, options))[-1] == "q quit"


def test_answered_and_late_questions_are_gone() -> None:
    answered: list[Step] = [*AUDIT, (42, None, events.InputGiven(id="login", value="yes"))]
    assert "Log in" not in "".join(text(screen_rows(picture(answered, 43), 120, 40, OPTIONS)))
    assert "Log in" not in "".join(text(screen_rows(picture(AUDIT, 700), 120, 40, OPTIONS)))


@pytest.mark.parametrize(
    ("more", "now", "said"),
    [
        ([(42, None, events.RunLost())], 43, "! the job has gone silent"),
        ([(42, None, events.RunCancelRequested(by="ada"))], 43, "! a cancel was asked for"),
        ([], 70, "! no news for 00:29"),
        ([], 50, "q quit"),
    ],
)
def test_the_last_row_says_what_is_the_matter(more: list[Step], now: float, said: str) -> None:
    assert text(screen_rows(picture([*VIDEO, *more], now), 100, 24, OPTIONS))[-1].startswith(said)


def test_trouble_with_the_store_is_said_and_forgotten() -> None:
    watching = watched(VIDEO, 41)
    watching.take(ProblemFrame(code="store-unavailable", message="/some/where/log.db is locked by another program"))
    assert text(screen_rows(watching.picture(), 100, 24, OPTIONS))[-1].startswith(
        "! trying again: …/log.db is locked by"
    )


def test_a_run_that_is_waited_for() -> None:
    watching = Watched(lambda: 0.0)
    watching.take(WaitingFrame(run_id="nightly-7"))
    shown = text(screen_rows(watching.picture(), 60, 12, OPTIONS))
    assert shown[0].endswith("○ waiting")
    assert shown[-1] == "waiting for run nightly-7"


def test_more_than_one_attempt_and_a_place_in_the_queue_are_shown() -> None:
    again: list[Step] = [*VIDEO, (42, None, events.RunLost()), (50, None, events.RunStarted(attempt=2))]
    assert text(screen_rows(picture(again, 51), 80, 24, OPTIONS))[0].endswith("attempt 2  ● running")
    queued: list[Step] = [(0, None, events.RunCreated(kind="job")), (1, None, events.RunQueued(position=3, of=5))]
    assert text(screen_rows(picture(queued, 2), 80, 24, OPTIONS))[2] == "number 3 of 5 in the queue"


def test_a_sign_of_life_is_shown_until_something_happens() -> None:
    silent: list[Step] = [*VIDEO, (48, "summary", ("x.sign", {"text": "Summary has run for 27 s"}))]
    assert text(screen_rows(picture(silent, 49), 80, 24, OPTIONS))[2].endswith("Summary has run for 27 s")
    going: list[Step] = [*silent, (50, None, events.Highlight(text="44 chapters"))]
    assert "27 s" not in text(screen_rows(picture(going, 51), 80, 24, OPTIONS))[2]


def many(count: int, running: int) -> list[Step]:
    """A plan of so many stages, of which one runs."""
    weights = {f"s{n:03}": 1.0 for n in range(count)}
    steps: list[Step] = [
        (0, None, events.RunCreated(kind="many")),
        (0, None, planned(**weights)),
        (0, None, events.RunStarted()),
    ]
    for n in range(running):
        steps += [(n, f"s{n:03}", events.StageStarted()), (n, f"s{n:03}", events.StageCompleted(duration=1))]
    return [*steps, (running, f"s{running:03}", events.StageStarted())]


@pytest.mark.parametrize("running", [0, 1, 57, 98, 99])
def test_of_many_stages_those_around_the_running_one_are_shown(running: int) -> None:
    shown = text(screen_rows(picture(many(100, running), running + 1), 80, 20, OPTIONS))
    assert any(line.startswith(f"● s{running:03}") for line in shown)
    counted = sum(int(count) for line in shown for count in re.findall(r"(\d+) (?:completed|pending)", line))
    stages = [line for line in shown if re.match(r"[✓●○] s\d", line)]
    assert counted + len(stages) == 100
    assert stages == sorted(stages, key=lambda line: line[2:6])


def drawn(rows: list[Row], columns: int) -> Screen:
    """Rows on a terminal's screen."""
    screen = Screen(columns, len(rows))
    stream = pyte.Stream(screen)
    for number, row in enumerate(rows, 1):
        stream.feed(f"\x1b[{number};1H{Look().row(row)}\x1b[K")
    return screen


def is_drawn(character: str) -> bool:
    """Whether pyte draws a character as we think it does; behind some marks it draws nothing at all."""
    return width(character) == wcwidth.wcwidth(character) and (
        width(character) > 0 or unicodedata.combining(character) > 0
    )


def without_marks(text: str) -> str:
    """What is on the screen joins marks with what they are on, or leaves them out."""
    return "".join(one for one in unicodedata.normalize("NFD", text) if unicodedata.category(one)[0] != "M")


def check(rows: list[Row], columns: int) -> None:
    """No row reaches the last column, and each is on the screen as it was meant, on its own row."""
    for row in rows:
        assert row_width(row) <= columns - 1
    screen = drawn(rows, columns)
    assert screen.done == []
    for row, shown in zip(rows, screen.rows, strict=True):
        meant = plain_text(row)
        if all(map(is_drawn, meant)):
            assert without_marks(shown) == without_marks(meant)


@given(
    name=st.sampled_from(sorted(PICTURES)),
    columns=st.integers(2, 160),
    rows=st.integers(1, 50),
    log=st.booleans(),
    eta_range=st.booleans(),
)
def test_every_size_is_filled_exactly(name: str, columns: int, rows: int, log: bool, eta_range: bool) -> None:
    shown = screen_rows(PICTURES[name], columns, rows, ScreenOptions(keys=OPTIONS.keys, log=log, eta_range=eta_range))
    assert len(shown) == rows
    check(shown, columns)
    check(final_rows(PICTURES[name], columns, OPTIONS), columns)


TEXT = HOSTILE.map(lambda text: text.encode("utf-8", "ignore").decode())


@st.composite
def hostile_runs(draw: st.DrawFn) -> Picture:
    """A run that says something hostile wherever it can say anything."""
    texts = itertools.cycle(draw(st.lists(TEXT, min_size=1, max_size=5)))

    def said() -> str:
        return next(texts)

    failure = events.ErrorInfo(code=said(), message=said())
    steps: list[Step] = [
        (0, None, events.RunCreated(kind=said(), variant=said(), title=said())),
        (0, None, events.RunPlanned(stages=(events.PlannedStage(path="a", title=said(), role="agent"),))),
        (0, None, events.RunStarted()),
        (1, "a", events.StageStarted(total=9, unit=said(), message=said())),
        (1, "a/b", events.StageStarted(title=said())),
        (2, "a/b", events.StageDegraded(reason=said(), fallback=said())),
        (2, "a", events.StageProgress(current=3, message=said())),
        (2, "c", events.StageStarted(title=said())),
        (2, "c", events.StageFailed(error=failure)),
        (2, "d", events.StageSkipped(reason=said())),
        (3, None, events.Finding(id=said() or "f", severity="high", title=said(), detail=said(), confidence=0.5)),
        (3, None, events.Highlight(text=said())),
        (3, None, events.Note(text=said())),
        (3, None, events.Error(message=said(), code=said(), recoverable=draw(st.booleans()))),
        (3, None, events.Screenshot(artifact=said(), caption=said())),
        (3, None, events.Artifact(name=said(), size=3)),
        (3, None, events.InputRequested(id=said() or "q", prompt=said(), choices=(said(), 3, None))),
        (3, None, events.Log(lines=(said(), said()), stream=said() or "log")),
        (3, None, ("x.sign", {"text": said()})),
    ]
    if draw(st.booleans()):
        steps.append((4, None, events.RunFailed(error=failure)))
    elif draw(st.booleans()):
        steps.append((4, None, events.RunCompleted(result={"said": said()})))
    return picture(steps, 5.0, LATER)


@given(shown=hostile_runs(), columns=st.integers(2, 130), rows=st.integers(1, 45))
def test_a_hostile_run_stays_in_its_cells(shown: Picture, columns: int, rows: int) -> None:
    check(screen_rows(shown, columns, rows, OPTIONS), columns)
    check(final_rows(shown, columns, OPTIONS), columns)
    check(LogPage(shown.log).rows(columns, rows, colours=True), columns)


@given(columns=st.integers(2, 100), rows=st.integers(1, 40))
def test_the_help_fits(columns: int, rows: int) -> None:
    shown = help_rows([("q", "quit"), ("← →", "back, forward")], columns, rows)
    assert len(shown) == rows
    check(shown, columns)


def test_times_go_on_between_frames() -> None:
    now = 0.0
    watching = Watched(lambda: now)
    before = watched(VIDEO, 41, LATER)
    watching.__dict__.update({name: value for name, value in before.__dict__.items() if name != "_clock"})
    now = 3.0
    later = watching.picture()
    assert later.view.elapsed == pytest.approx(44.0)
    assert later.view.eta is not None
    assert later.view.eta.remaining == pytest.approx(20.0)
    assert later.now == pytest.approx(BEGAN + 44.0)
    now = 100.0
    eta = watching.picture().view.eta
    assert eta is not None
    assert (eta.remaining, eta.low) == (1.0, 1.0)
    assert times.to_text(BEGAN).startswith("2026-11-20T19:41:03")
