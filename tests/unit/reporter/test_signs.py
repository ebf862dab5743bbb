"""What a silent job is said to be doing, and when."""

from __future__ import annotations

from itertools import pairwise

import pytest

from headway.errors import InvalidInput
from headway.ports import PastRun
from headway.protocol import events, limits
from headway.reporter.signs import SIGN_PLACES, SILENCE_S, Sign, Signs, highlights, usual
from headway.reporter.templates import FIELDS, TEMPLATES, TEXT_CHARS
from tests.unit.reporter.silent_job import SilentJob


def test_a_silent_job_gives_a_sign_every_five_to_ten_seconds() -> None:
    job = SilentJob()
    job.start("shape")
    assert len(job.wait(60)) == 60 // SILENCE_S
    moments = [moment for moment, _ in job.taken]
    gaps = [after - before for before, after in pairwise(moments)]
    assert all(gap == 0 or 5 <= gap <= 10 for gap in gaps)


def test_whatever_the_log_takes_puts_the_sign_off() -> None:
    job = SilentJob()
    for _ in range(10):
        assert job.wait(SILENCE_S - 0.1) == []
        job.tell(events.Log(lines=("still here",)))
    assert len(job.wait(SILENCE_S)) == 1


def test_nothing_is_said_before_it_is_due() -> None:
    job = SilentJob()
    assert job.signs.sign(job.state, job.signs.due_at - 0.001) is None
    assert job.signs.sign(job.state, job.signs.due_at) is not None


def test_asking_puts_the_next_sign_off_even_if_the_log_never_takes_this_one() -> None:
    signs = SilentJob().signs
    due = signs.due_at
    state = SilentJob().state
    assert signs.sign(state, due) is not None
    assert signs.due_at == due + SILENCE_S
    assert signs.sign(state, due + 1) is None


def test_nothing_is_said_of_a_run_that_has_ended() -> None:
    job = SilentJob()
    job.start("shape")
    job.tell(events.RunFailed(error=events.ErrorInfo(code="error", message="no")))
    assert job.wait(100) == []


# What it says without a template


def test_counts_are_said_with_their_unit_and_the_time() -> None:
    job = SilentJob()
    job.start("summary", title="Summary", total=16, unit="chunk")
    job.wait(73)
    job.progress("summary", current=7)
    assert job.wait(SILENCE_S) == ["Summary: 7 of 16 chunks, 01:20 so far"]


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"current": 3}, "work: 3 done, 00:07 so far"),
        ({"current": 3, "unit": "box"}, "work: 3 boxes, 00:07 so far"),
        ({"current": 3, "unit": "query"}, "work: 3 queries, 00:07 so far"),
        ({"current": 3, "unit": "days"}, "work: 3 days, 00:07 so far"),
        ({"current": 1, "unit": "page"}, "work: 1 page, 00:07 so far"),
        ({"current": 1, "total": 2, "unit": "page"}, "work: 1 of 2 pages, 00:07 so far"),
        ({"current": 1.25, "total": 8, "unit": "MB"}, "work: 1.2 of 8 MB, 00:07 so far"),
        ({"current": 3.0, "total": 0}, "work: 3 done, 00:07 so far"),
        ({"current": 3, "message": "Chunk 4"}, "work: 3 done, 00:07 so far"),
        ({"progress": 0.5, "message": "Denoising"}, "work: Denoising, 00:07 so far"),
        ({"progress": 0.29}, "work: 29 %, 00:07 so far"),
        ({"progress": 0.9999}, "work: 99 %, 00:07 so far"),
        ({"progress": 0.0}, "work: 00:07 so far"),
        ({"current": 10**16, "total": 10**17}, "work: 10 %, 00:07 so far"),
    ],
)
def test_what_is_not_known_is_left_out(said: dict[str, object], text: str) -> None:
    job = SilentJob()
    job.start("work")
    job.progress("work", **said)
    assert job.wait(SILENCE_S) == [text]


def test_findings_are_said_when_nothing_is_counted() -> None:
    job = SilentJob()
    job.start("vision/pass-2")
    job.find(3, "vision/pass-2")
    assert job.wait(SILENCE_S) == ["pass-2: 3 findings, 00:07 so far"]


def test_what_is_expected_is_said_until_it_takes_much_longer() -> None:
    job = SilentJob()
    job.start("shape", title="Shape generation", expect=60)
    texts = job.wait(78)
    assert texts[0] == "Shape generation: 00:07 so far, usually about 01:00"
    assert texts[8] == "Shape generation: 01:03 so far, usually about 01:00"
    assert texts[10] == "Shape generation: 01:17 so far, longer than usual (about 01:00)"


def test_between_stages_the_run_is_spoken_of() -> None:
    job = SilentJob()
    job.find(2, "vision")
    assert job.wait(SILENCE_S) == ["Audit of a shop: 2 findings, 00:07 so far"]
    assert job.spoken[0].stage is None


def test_what_earlier_runs_took_beats_what_the_plan_expects() -> None:
    job = SilentJob(usual={"shape": 90.4, "": 300})
    job.start("shape", expect=10)
    assert job.wait(SILENCE_S) == ["shape: 00:07 so far, usually about 01:30"]
    job.tell(events.StageCompleted(), "shape")
    assert job.wait(SILENCE_S) == ["Audit of a shop: 00:14 so far, usually about 05:00"]


def test_the_history_is_asked_for_at_the_first_sign_and_for_every_variant_once() -> None:
    job = SilentJob(usual={"": 300})
    job.start("shape")
    assert job.asked == []
    job.wait(3 * SILENCE_S)
    job.tell(events.RunUpdated(variant="large"))
    job.wait(3 * SILENCE_S)
    assert job.asked == [("audit", None), ("audit", "large")]


def test_the_usual_time_is_the_median_of_the_newest_runs() -> None:
    def past(duration: float, **stages: tuple[float, float]) -> PastRun:
        return PastRun(run_id="r", ended_at="2026-11-20T19:41:03.120Z", duration=duration, stages=stages)

    assert usual([]) == {}
    runs = [past(100.0, shape=(0.0, 60.0)), past(10.0, shape=(1.0, 7.0)), past(20.0, shape=(0.0, 8.0), late=(8.0, 9.0))]
    assert usual(runs) == {"": 20.0, "shape": 8.0, "late": 1.0}
    assert usual(runs[:1] * 50 + runs[1:2] * 30) == {"": 10.0, "shape": 6.0}


@pytest.mark.parametrize("expect", [0, -5, 10**20])
def test_an_expectation_that_is_none_is_not_said(expect: int) -> None:
    job = SilentJob()
    job.start("shape", expect=expect)
    assert job.wait(SILENCE_S) == ["shape: 00:07 so far"]


def test_of_a_stage_that_another_process_began_no_time_is_said() -> None:
    job = SilentJob()
    job.start("shape")
    stranger = Signs(job.now - SILENCE_S)
    sign = stranger.sign(job.state, job.now)
    assert sign is not None
    assert sign.text == "shape: under way"


def test_of_a_run_that_was_taken_over_no_time_is_said() -> None:
    job = SilentJob()
    job.tell(events.RunStarted(attempt=2))
    assert job.wait(SILENCE_S) == ["Audit of a shop: under way"]


def test_a_stage_that_starts_again_has_its_time_from_then() -> None:
    job = SilentJob()
    job.start("shape")
    job.wait(30)
    job.tell(events.StageCompleted(), "shape")
    job.start("shape", message="once more")
    assert job.wait(SILENCE_S) == ["shape: once more, 00:07 so far"]


def test_long_titles_do_not_hide_the_figures() -> None:
    job = SilentJob()
    job.start("work", title="long " * 100, total=16, unit="u" * 900)
    job.progress("work", current=7)
    [text] = job.wait(SILENCE_S)
    assert "…: 7 of 16 " in text
    assert text.endswith("00:07 so far")
    assert len(text) <= TEXT_CHARS


def test_line_ends_and_control_characters_become_spaces() -> None:
    job = SilentJob()
    job.start("work", title="a\x1b[31mb\u202ec", message="one\r\n\ttwo\x00")
    assert job.wait(SILENCE_S) == ["a [31mb c: one two, 00:07 so far"]


def test_what_is_above_a_stage_began_with_the_first_stage_in_it() -> None:
    job = SilentJob({"vision": "vision {elapsed}"})
    job.start("vision/pass-1")
    job.wait(SILENCE_S)
    job.tell(events.StageCompleted(), "vision/pass-1")
    job.start("vision/pass-2")
    assert job.wait(SILENCE_S) == ["vision 00:14"]


# Which stage it is about


def test_a_sign_is_about_the_innermost_stage_that_runs() -> None:
    job = SilentJob()
    job.start("vision")
    job.start("vision/pass-1")
    job.tell(events.StageCompleted(), "vision/pass-1")
    job.start("vision/pass-2")
    job.wait(SILENCE_S)
    job.tell(events.StageCompleted(), "vision/pass-2")
    job.wait(SILENCE_S)
    job.tell(events.StageCompleted(), "vision")
    job.wait(SILENCE_S)
    assert [sign.stage for sign in job.spoken] == ["vision/pass-2", "vision", None]


def test_a_degraded_stage_runs_too() -> None:
    job = SilentJob()
    job.start("vision")
    job.tell(events.StageDegraded(reason="no model"), "vision")
    job.wait(SILENCE_S)
    assert job.spoken[0].stage == "vision"


def test_agents_side_by_side_take_turns_the_newest_first() -> None:
    job = SilentJob()
    for agent in ("demand", "inventory", "pricing"):
        job.now += 1
        job.start(agent, role="agent")
    job.wait(6 * SILENCE_S)
    assert [sign.stage for sign in job.spoken] == ["pricing", "inventory", "demand"] * 2


# Templates


def test_a_template_speaks_of_its_stage_with_all_that_is_in_it() -> None:
    job = SilentJob({"vision": "{n} dark patterns so far"})
    job.start("vision/pass-2", total=5)
    job.find(2, "vision/pass-2")
    job.find(1, "vision")
    job.find(4, "visionary")
    job.find(4, None)
    assert job.wait(SILENCE_S) == ["3 dark patterns so far"]
    assert job.spoken[0].stage == "vision"


def test_the_nearest_template_is_taken() -> None:
    job = SilentJob({"": "all", "vision": "parent", "vision/pass-2": "own"})
    job.start("vision/pass-2")
    job.start("vision/pass-3")
    job.start("scout")
    assert sorted(job.wait(3 * SILENCE_S)) == ["all", "own", "parent"]
    assert {sign.text: sign.stage for sign in job.spoken} == {
        "all": "scout",
        "own": "vision/pass-2",
        "parent": "vision",
    }


def test_every_field_can_be_named() -> None:
    job = SilentJob({"": "|".join(f"{{{field}}}" for field in FIELDS)})
    job.start("a/b", title="B", total=16, unit="chunk", message="Hm", expect=75)
    job.find(2, "a/b")
    job.progress("a/b", current=7)
    assert job.wait(SILENCE_S) == ["B|a/b|Audit of a shop|chunk|Hm|00:07|01:15|7|2|16|43"]


def test_a_template_is_not_used_while_something_in_it_is_not_known() -> None:
    job = SilentJob({"work": "{n} of {total}", "": "{stage} goes on"})
    job.start("work")
    assert job.wait(SILENCE_S) == ["work goes on"]
    job.progress("work", current=1, total=4)
    assert job.wait(SILENCE_S) == ["1 of 4"]
    job.tell(events.StageCompleted(), "work")
    assert job.wait(SILENCE_S)[0].startswith("Audit of a shop: ")


def test_a_format_that_a_number_is_not_for_leaves_the_template_out() -> None:
    job = SilentJob({"work": "{n:d} done"})
    job.start("work")
    job.progress("work", current=2)
    assert job.wait(SILENCE_S) == ["2 done"]
    job.progress("work", current=2.5)
    assert job.wait(SILENCE_S) == ["work: 2.5 done, 00:14 so far"]


def test_findings_that_the_state_has_not_all_kept_are_said_to_be_more() -> None:
    job = SilentJob({"vision": "{n:,} dark patterns, {findings}"})
    job.start("vision")
    job.find(limits.FINDINGS_KEPT, "vision")
    assert job.wait(SILENCE_S) == ["100 dark patterns, 100"]
    job.find(1, "vision")
    assert job.wait(SILENCE_S) == ["100+ dark patterns, 100+"]
    job.start("vision/pass-2")
    job.find(3, "vision/pass-2")
    assert job.wait(SILENCE_S) == ["100+ dark patterns, 100+"]


def test_our_own_words_say_so_too() -> None:
    job = SilentJob()
    job.start("vision")
    job.find(limits.FINDINGS_KEPT + 1, "vision")
    assert job.wait(SILENCE_S) == ["vision: 100+ findings, 00:07 so far"]


def test_findings_of_which_nothing_is_known_any_more_are_not_said_to_be_none() -> None:
    job = SilentJob({"vision": "{n} dark patterns"})
    job.start("vision")
    job.find(limits.FINDINGS_KEPT + 1, "scout")
    assert job.wait(SILENCE_S) == ["vision: 00:07 so far"]


def test_templates_of_the_process_are_replaced_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TEMPLATES, "_by_path", {})
    job = SilentJob()
    job.start("scout")
    signs = Signs(job.now - SILENCE_S)
    highlights({"scout": "one", "vision": "two"})
    highlights({"vision": "three"})
    sign = signs.sign(job.state, job.now)
    assert sign is not None
    assert sign.text == "one"


@pytest.mark.parametrize(
    ("templates", "hint"),
    [
        ({"vision": "{count} so far"}, "names 'count': use stage, path"),
        ({"vision": "{} so far"}, "names '': use stage, path"),
        ({"vision": "{stage.__class__}"}, "names 'stage.__class__'"),
        ({"vision": "{path[0]}"}, r"names 'path\[0\]'"),
        ({"vision": "{n!r}"}, "use a plain format"),
        ({"vision": "{n:{total}}"}, "use a plain format"),
        ({"vision": "{n:999999999}"}, "use a plain format"),
        ({"vision": "{n so far"}, "for a field"),
        ({"vision": "n} so far"}, "for braces"),
        ({"vision": "{stage:d}"}, "n, findings, total, percent are numbers"),
        ({"vision": " \x00\n"}, "says nothing"),
        ({"vision": ""}, "says nothing"),
        ({"vision": 3}, "give a text such as"),
        ({"a//b": "x"}, "not a stage's path"),
        ({3: "x"}, "not a stage's path"),
        (["vision"], "give a mapping"),
    ],
)
def test_a_wrong_template_is_refused_with_what_to_do(
    templates: object, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[str, object] = {}
    monkeypatch.setattr(TEMPLATES, "_by_path", kept)
    with pytest.raises(InvalidInput, match=hint):
        highlights({"scout": "fine", **templates} if isinstance(templates, dict) else templates)  # type: ignore[arg-type]
    assert kept == {}


# What is kept


def kept(job: SilentJob) -> list[str]:
    return [sign.text for sign in job.spoken if sign.kept]


def test_of_our_own_words_the_first_in_a_stage_and_the_overdue_one_are_kept() -> None:
    job = SilentJob()
    job.start("shape", expect=20, total=100)
    for chunk in range(12):
        job.progress("shape", current=chunk)
        job.wait(SILENCE_S)
    assert kept(job) == [
        "shape: 0 of 100, 00:07 so far, usually about 00:20",
        "shape: 3 of 100, 00:28 so far, longer than usual (about 00:20)",
    ]


def test_an_authors_words_are_kept_whenever_they_are_others_but_for_the_time() -> None:
    job = SilentJob({"vision": "{n} dark patterns in {elapsed}"})
    job.start("vision")
    job.wait(3 * SILENCE_S)
    job.find(4, "vision")
    job.wait(3 * SILENCE_S)
    assert kept(job) == ["0 dark patterns in 00:07", "4 dark patterns in 00:28"]


def test_a_sign_that_is_kept_is_a_highlight_and_another_one_an_event_that_no_state_keeps() -> None:
    job = SilentJob()
    job.start("shape")
    job.wait(SILENCE_S)
    [shown] = job.state.highlights
    assert (shown.stage, shown.text) == ("shape", "shape: 00:07 so far")
    before = job.state
    job.wait(SILENCE_S)
    assert job.spoken[-1] == Sign("shape", "shape: 00:14 so far", kept=False)
    assert job.state.highlights == before.highlights
    assert job.state.notes == ()
    assert job.state.seq == before.seq + 1
    report = job.spoken[-1].report(12.5)
    assert (report.at, report.type, report.priority) == (12.5, "x.sign", "low")
    assert report.data == {"text": "shape: 00:14 so far"}


def test_signs_leave_half_of_the_places_to_the_jobs_own_highlights() -> None:
    job = SilentJob({"vision": "{n} dark patterns so far"})
    job.start("vision")
    for number in range(40):
        job.tell(events.Highlight(text=f"own {number}"), "vision")
        for _ in range(3):
            job.find(1, "vision")
            job.wait(SILENCE_S)
    own = [entry.text for entry in job.state.highlights if entry.text.startswith("own")]
    assert len(job.state.highlights) == limits.HIGHLIGHTS_KEPT
    assert len(own) >= limits.HIGHLIGHTS_KEPT - SIGN_PLACES
    assert own[-1] == "own 39"
    assert len(own) < limits.HIGHLIGHTS_KEPT, "signs have their places too"


def test_the_jobs_newest_highlight_outlives_any_silence() -> None:
    job = SilentJob({"vision": "{n} dark patterns so far"})
    job.start("vision")
    job.tell(events.Highlight(text="the checkout hides the price"))
    for _ in range(100):
        job.find(1, "vision")
        job.wait(SILENCE_S)
    assert "the checkout hides the price" in [entry.text for entry in job.state.highlights]


def test_a_job_without_highlights_of_its_own_leaves_all_places_to_the_signs() -> None:
    job = SilentJob({"vision": "{n} dark patterns so far"})
    job.start("vision")
    for _ in range(30):
        job.find(1, "vision")
        job.wait(SILENCE_S)
    assert [entry.text for entry in job.state.highlights][-1] == "30 dark patterns so far"
    assert len(job.state.highlights) == limits.HIGHLIGHTS_KEPT


def test_stages_without_end_take_no_memory_without_end() -> None:
    job = SilentJob()
    for number in range(3 * limits.STAGES_PER_RUN):
        job.signs.began(f"stage/{number}", job.now)
    assert len(job.signs._began) == limits.STAGES_PER_RUN
