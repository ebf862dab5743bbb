"""Signs of life for any job: never too early, never too late, and fit to be shown, whatever was reported."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from headway.errors import InvalidInput
from headway.protocol import events, limits
from headway.protocol.events import Data
from headway.reporter.signs import SIGN_PLACES
from headway.reporter.templates import FIELDS, TEXT_CHARS, Templates
from tests.unit.reporter.silent_job import SilentJob


class Step(msgspec.Struct, frozen=True):
    """After so many seconds a job reports something of a stage."""

    after: float
    stage: str | None
    data: Data


anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)
numbers = st.one_of(st.none(), st.integers(-5, 200), st.integers(), st.floats(allow_nan=False, allow_infinity=False))
stages = st.sampled_from(["vision", "vision/pass-1", "vision/pass-2", "scout", "a/b/c/d", "\u202eodd {n}"])
of_stages = st.one_of(
    st.builds(
        events.StageStarted,
        title=st.none() | anything,
        expect=numbers,
        total=numbers,
        unit=st.none() | st.sampled_from(["page", "box", "y", "s"]) | anything,
        message=st.none() | anything,
    ),
    st.builds(events.StageProgress, progress=numbers, current=numbers, total=numbers, message=st.none() | anything),
    st.builds(events.StageCompleted),
    st.builds(events.StageDegraded, reason=anything),
    st.builds(events.StageFailed, error=st.just(events.ErrorInfo(code="error", message="no"))),
)
of_anything = st.one_of(
    st.builds(events.Finding, id=st.uuids().map(str)),
    st.builds(events.Highlight, text=anything),
    st.builds(events.Log, lines=st.just(("a line",))),
    st.builds(events.RunUpdated, title=anything),
    st.just(events.RunStarted(attempt=2)),
)
waits = st.floats(0, 40)
steps = st.lists(
    st.builds(Step, after=waits, stage=stages, data=of_stages)
    | st.builds(Step, after=waits, stage=st.none() | stages, data=of_anything),
    max_size=25,
)
words = st.lists(
    st.sampled_from(
        [f"{{{field}}}" for field in FIELDS] + ["{n:d}", "{n:,}", "{percent:>3}", "{stage:.2}", "{{", "\x00"]
    )
    | st.text(st.characters(exclude_characters="{}"), max_size=30),
    min_size=1,
    max_size=8,
).map("".join)


def usable(texts: dict[str, str]) -> dict[str, str]:
    """Those that are taken; the others are refused, and no more than that."""
    taken = {}
    for path, text in texts.items():
        try:
            Templates().replace({path: text})
        except InvalidInput:
            continue
        taken[path] = text
    return taken


templates = st.dictionaries(st.just("") | stages.filter(lambda path: path.isprintable()), words, max_size=4).map(usable)
delays = st.lists(st.floats(0, 2.9), min_size=1, max_size=5).map(tuple)


def play(job: SilentJob, program: list[Step]) -> None:
    for step in program:
        job.wait(step.after)
        job.tell(step.data, step.stage)
    job.wait(30)


@given(steps, templates, delays)
def test_a_watcher_waits_at_most_ten_seconds_and_a_sign_at_least_five(
    program: list[Step], texts: dict[str, str], on_the_way: tuple[float, ...]
) -> None:
    job = SilentJob(texts, on_the_way=on_the_way)
    play(job, program)
    for (before, _), (after, is_sign) in pairwise(job.taken):
        assert after - before <= 10
        assert not is_sign or after - before >= 5


@given(steps, templates, st.dictionaries(stages | st.just(""), st.floats(), max_size=3))
def test_whatever_was_reported_a_sign_is_a_line_that_can_be_shown(
    program: list[Step], texts: dict[str, str], usual: dict[str, float]
) -> None:
    job = SilentJob(texts, usual=usual)
    play(job, program)
    assert job.spoken
    for sign in job.spoken:
        assert 0 < len(sign.text) <= TEXT_CHARS
        assert not [char for char in sign.text if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")]


@given(steps, templates)
def test_signs_crowd_out_no_highlight_of_the_job(program: list[Step], texts: dict[str, str]) -> None:
    job = SilentJob(texts)
    play(job, program)
    own = [step.data.text for step in program if isinstance(step.data, events.Highlight)]
    shown = [entry.text for entry in job.state.highlights]
    for text in own[-(limits.HIGHLIGHTS_KEPT - SIGN_PLACES) :]:
        assert text in shown


@given(st.text(max_size=60))
def test_a_template_is_taken_or_refused(text: str) -> None:
    taken = usable({"vision": text})
    job = SilentJob(taken)
    job.start("vision")
    assert len(job.wait(30)) == 4
