"""Plain lines: one for each change."""

from __future__ import annotations

from hypothesis import given

from headway.cli.screen.lines import Lines
from headway.cli.screen.watched import Picture, Watched
from headway.progress.state import Eta
from headway.protocol import events
from headway.protocol.frames import ProblemFrame
from tests.unit.cli.pictures import AUDIT, COMPLETED, LATER, RUN_ID, VIDEO, Step, picture, watched
from tests.unit.cli.test_screen_layout import hostile_runs


def told(steps: list[Step], every: int = 1) -> list[str]:
    """The lines for a run that is looked at after each event, or after some."""
    lines = Lines()
    said: list[str] = []
    for count in [*range(every, len(steps), every), len(steps)]:
        seen = steps[:count]
        said += lines.changes(picture(seen, seen[-1][0], LATER))
    return said


def test_a_run_in_lines() -> None:
    assert [line[25:] for line in told(COMPLETED)] == [
        f"run        {RUN_ID}  video-summary  Apollo 11: eight days in 195 hours of radio",
        "pending",
        "running",
        "running    Validate  00:00",
        "completed  Validate  00:02  16 blocks",
        "running    Metadata  00:00  0/8,474 cues",
        "completed  Metadata  00:04  8,474 cues, 12 speakers",
        "running    Transcript  00:00  0/8,474 cues",
        "running    Transcript  00:10  8,474/8,474 cues",
        "completed  Transcript  00:10  8,474 cues",
        "highlight  122,640 words by 12 speakers",
        "running    Analysis  00:00",
        "degraded   Analysis  00:04  no speaker model → voice activity",
        "completed  Analysis  00:04  no speaker model → voice activity",
        "highlight  43 chapters found",
        "running    Summary  00:00  0/16 chunk",
        "running    Summary  00:20  7/16 chunk · Chunk 7 of 16",
        "running    Summary  00:42  16/16 chunk · Chunk 7 of 16",
        "completed  Summary  00:42  288 sentences",
        "running    Quality  00:00",
        "completed  Quality  00:03  coverage 0.61",
        "artifact   summary.md  14.2 kB",
        "completed",
    ]


def test_each_line_begins_with_percent_and_times() -> None:
    lines = Lines(eta_range=True)
    first = next(lines.changes(picture(VIDEO, 41.3, LATER)))
    assert first.startswith(" 67%  00:41  00:23 left (00:18-00:31)    run        01a1")


def test_seconds_that_mean_nothing_can_be_left_out() -> None:
    unsure = Eta(remaining=250.0, low=100.0, high=600.0, basis="history", runs=3)
    first = next(Lines(hide_seconds=True).changes(picture(VIDEO, 41.3, unsure)))
    assert first.startswith(" 67%  00:41  about 4 min left  run")


def test_each_change_is_told_once() -> None:
    said = told(COMPLETED)
    assert len(said) == len(set(said))
    again = Lines()
    last = picture(COMPLETED, 70)
    assert list(again.changes(last))
    assert list(again.changes(last)) == []


def test_whoever_comes_late_is_told_what_there_is() -> None:
    said = list(Lines().changes(picture(AUDIT, 41, LATER)))
    words = [line[25:36].strip() for line in said]
    assert words.count("finding") == 5
    assert {"run", "completed", "running", "failed", "highlight", "error", "screenshot", "artifact", "question"} <= {
        *words
    }
    assert said[-1].endswith(f"headway answer {RUN_ID} login yes")


def test_progress_is_told_every_few_percent() -> None:
    steps: list[Step] = [
        (0, None, events.RunCreated(kind="job")),
        (0, None, events.RunStarted()),
        (0, "a", events.StageStarted(total=1000, unit="row")),
        *((n / 10, "a", events.StageProgress(current=n)) for n in range(1, 1001)),
    ]
    said = told(steps)
    assert 18 <= len([line for line in said if " row" in line]) <= 22


def test_trouble_is_told_and_its_end() -> None:
    watching = watched(VIDEO, 41)
    lines = Lines()
    list(lines.changes(watching.picture()))
    watching.take(ProblemFrame(code="store-unavailable", message="log.db is away"))
    assert list(lines.changes(watching.picture())) == ["trying again: log.db is away"]
    assert list(lines.changes(watching.picture())) == []
    better = watched(VIDEO, 41)
    assert list(lines.changes(better.picture())) == ["the store is back"]


def test_a_run_that_is_waited_for() -> None:
    lines = Lines()
    assert list(lines.changes(Watched().picture())) == ["waiting for a run"]
    assert list(lines.changes(Watched().picture())) == []


@given(shown=hostile_runs())
def test_hostile_text_stays_in_its_line(shown: Picture) -> None:
    for line in Lines().changes(shown):
        assert not any(character < " " or "\x7f" <= character <= "\x9f" for character in line)


def test_errors_that_ended_nothing_are_told_of_a_run_that_ended() -> None:
    steps: list[Step] = [
        (0, None, events.RunCreated(kind="job")),
        (1, "a", events.Error(message="no answer", code="net")),
        (2, None, events.RunCompleted()),
    ]
    assert any(line[25:] == "error      no answer" for line in Lines().changes(picture(steps, 3)))
