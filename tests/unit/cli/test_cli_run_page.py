"""A run for people: what stands above what."""

from __future__ import annotations

from headway.cli.run_page import run_page
from headway.cli.shown import Shown
from headway.progress.fold import Fold
from headway.progress.remaining import Estimate
from headway.progress.view import view
from headway.protocol import codec, events
from headway.testing.samples import AT, started
from headway.testing.samples import failed as failed_run

NOW = 1795203700.0


def page(*drafts: events.Draft, eta: Estimate | None = None, hide_seconds: bool = False) -> list[str]:
    fold = Fold("run")
    for seq, draft in enumerate(drafts, 1):
        fold.apply(codec.decode_event(codec.numbered(codec.encode_tail(draft), seq)))
    state = fold.state()
    shown = Shown(state=state, view=view(state, NOW, eta), cursor="0")
    return list(run_page(shown, NOW, state.last_event_at, hide_seconds=hide_seconds))


def finding(id_: str, severity: events.Severity) -> events.Draft:
    return events.draft(events.Finding(id=id_, severity=severity, title=id_), at=AT)


def test_children_stand_below_their_parents_however_they_began() -> None:
    lines = page(started("a"), started("b"), started("a/y"), started("b/x"), started("a/x"), started("a/y/deep"))
    stages = [line.split()[1] for line in lines[lines.index("Stages") + 1 :]]
    assert stages == ["a", "y", "deep", "x", "b", "x"]
    indents = [len(line) - len(line.lstrip()) for line in lines[lines.index("Stages") + 1 :]]
    assert indents == [2, 4, 6, 4, 2, 4]


def test_the_gravest_findings_come_first_and_of_those_the_newest() -> None:
    said = [finding("one", "low"), finding("two", "high"), finding("three", "critical"), finding("four", "high")]
    lines = page(*said)
    at = lines.index("Findings (1 critical, 2 high, 1 low)")
    assert [line.split() for line in lines[at + 1 : at + 5]] == [
        ["critical", "three"],
        ["high", "four"],
        ["high", "two"],
        ["low", "one"],
    ]


def test_how_to_read_the_log_names_the_run() -> None:
    said = events.draft(events.Log(lines=("one", "two")), at=AT)
    assert page(said)[-1] == "Log  2 lines, 8 B: headway log run"


def test_many_findings_are_summed_up() -> None:
    assert "  and 30 more" in page(*(finding(str(n), "low") for n in range(50)))


def test_why_it_failed_stands_at_the_top() -> None:
    lines = page(started("a"), failed_run())
    assert lines.index("Error (broken)") < lines.index("Stages")
    assert lines[lines.index("Error (broken)") + 1] == "  it broke"


def test_long_texts_are_cut_and_said_to_be() -> None:
    long = "x" * 60_000
    said = [
        events.draft(events.RunUpdated(meta={"seed": int("7" * 400)}), at=AT),
        events.draft(events.Note(text=long), at=AT),
        events.draft(events.Highlight(text=long), at=AT),
        events.draft(events.Finding(id="f", severity="high", title=long, detail=long[:2000]), at=AT),
        events.draft(events.RunCompleted(result={str(n): [long[:500]] for n in range(100)}), at=AT),
    ]
    lines = page(*said)
    assert max(map(len, lines)) < 400
    assert sum(line.endswith("… (60,000 characters, all of them with --json)") for line in lines) == 3
    assert any(line.startswith("meta ") and line.endswith("all of them with --json)") for line in lines)
    assert lines[-1] == "  … 262 more lines, with --json"


def test_why_an_optional_stage_failed_is_said_once() -> None:
    error = events.ErrorInfo(code="failed", message="The mirror is down")
    told = (events.StageDegraded(reason="The mirror is down"), events.StageFailed(error=error, duration=2))
    lines = page(started("a"), *(events.draft(data, at=AT, stage="a") for data in told))
    assert lines[-1] == "  ✗ a    00:02  0%  The mirror is down (failed)"
    told = (events.StageDegraded(reason="slow", fallback="old"), told[1])
    lines = page(started("a"), *(events.draft(data, at=AT, stage="a") for data in told))
    assert lines[-1] == "  ✗ a    00:02  0%  slow, old instead  The mirror is down (failed)"


def test_a_stage_that_was_cancelled_took_its_time() -> None:
    skipped = events.draft(events.StageSkipped(reason="cancelled"), at="2026-11-20T19:41:15.120Z", stage="a")
    (line,) = [line for line in page(started("a"), skipped) if "cancelled" in line]
    assert line.split() == ["–", "a", "00:12", "cancelled"]


def test_errors_that_ended_nothing_are_told_of_a_run_that_ended() -> None:
    said = [events.draft(events.Error(message=f"no {n}", code="net"), at=AT, stage="a") for n in range(7)]
    lines = page(started("a"), *said, events.draft(events.RunCompleted(), at=AT))
    at = lines.index("Errors on the way")
    assert lines[at + 1] == "  a: no 2 (net)"
    assert lines[at + 5 : at + 7] == ["  a: no 6 (net)", "  and 2 before"]


def test_that_it_takes_longer_is_said_once() -> None:
    said = "longer than usual, from 6 runs of video"
    late = Estimate(remaining=60, low=10, high=99, basis="history", runs=6, overdue=True, explanation=said)
    assert [line.count("longer than usual") for line in page(started("a"), eta=late) if "about 01:00" in line] == [1]


def test_seconds_that_mean_nothing_can_be_left_out() -> None:
    unsure = Estimate(remaining=250, low=100, high=600, basis="history", runs=3, explanation="from 3 runs of video")
    assert any("about 04:10 (01:40 to 10:00), from 3 runs" in line for line in page(started("a"), eta=unsure))
    assert any("about 4 min (01:40" in line for line in page(started("a"), eta=unsure, hide_seconds=True))


def test_a_queued_run_waits_and_has_nothing_left() -> None:
    queued = events.draft(events.RunQueued(position=2, of=3), at=AT)
    wait = Estimate(remaining=200, low=100, high=400, basis="queue", runs=6, explanation="2 runs ahead")
    assert any(
        line.split() == ["to", "wait", "about", "03:20", "(01:40", "to", "06:40),", "2", "runs", "ahead"]
        for line in page(queued, eta=wait)
    )
