"""The whole job on five hours of Apollo 11, and on input that is not fit for it."""

from pathlib import Path

import pytest

import workloads.video
from tests.unit.workloads.video.proof import chapters, quotes, strays
from tests.unit.workloads.video.recording import RecordingRun, Stopped
from workloads.video import vectors
from workloads.video.job import PLAN, Outcome, summarise
from workloads.video.problem import InputProblem
from workloads.video.quality import Judge, rivals, verdict
from workloads.video.sentences import sentences
from workloads.video.timestamp import clock
from workloads.video.transcript import parse

LANDING = Path(workloads.video.__file__).parent / "data" / "apollo-11-landing.vtt"


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> tuple[RecordingRun, Outcome]:
    run = RecordingRun()
    return run, summarise(run, str(LANDING), tmp_path_factory.mktemp("landing"))


def test_every_sentence_stands_at_its_time_in_the_source(landing: tuple[RecordingRun, Outcome]) -> None:
    summary = landing[1].path.read_text()
    assert len(quotes(summary)) == landing[1].result()["sentences"] > 20
    assert strays(summary, LANDING.read_text()) == []


def test_every_chapter_is_represented(landing: tuple[RecordingRun, Outcome]) -> None:
    found = chapters(landing[1].path.read_text())
    assert len(found) == landing[1].result()["chapters"]
    assert all(quotes(chapter) for chapter in found)


def test_chapters_begin_where_the_crew_turns_to_something_else(landing: tuple[RecordingRun, Outcome]) -> None:
    assert [clock(section.start_ms) for section in landing[1].sections] == [
        "0:17:06",
        "0:43:00",  # Columbia and Eagle look at each other
        "1:14:09",  # after seven minutes of silence behind the moon, to the landing
        "2:45:33",  # on the ground
        "3:14:02",
        "3:33:16",
        "4:02:26",
    ]


def test_the_summary_beats_the_first_sentences_and_random_ones(landing: tuple[RecordingRun, Outcome]) -> None:
    verdict = landing[1].verdict
    for rival in (verdict.first, verdict.drawn):
        assert verdict.summary.coverage > rival.coverage
        assert verdict.summary.redundancy < rival.redundancy
    assert landing[0].findings == []


def test_the_rivals_are_as_many_sentences_of_the_same_transcript(landing: tuple[RecordingRun, Outcome]) -> None:
    outcome = landing[1]
    spoken = list(sentences(parse(LANDING.read_text(), "vtt").cues))
    judge = Judge(spoken, vectors.rarity(one.words for one in spoken))
    first, *_ = chosen = rivals(spoken, sum(len(section.sentences) for section in outcome.sections))
    assert outcome.verdict.first == judge.measure(first)
    assert outcome.verdict == verdict(outcome.verdict.summary, [judge.measure(rival) for rival in chosen])


def test_the_stages_of_the_plan_are_gone_through_in_order(landing: tuple[RecordingRun, Outcome]) -> None:
    stages = landing[0].stages
    assert list(PLAN.items()) == [
        ("validate", 5),
        ("metadata", 10),
        ("transcript", 20),
        ("analysis", 15),
        ("summary", 40),
        ("quality", 10),
    ]
    assert list(stages) == list(PLAN)
    assert {stage.status for stage in stages.values()} == {"completed"}
    assert all(stage.seen for stage in stages.values())
    assert all(stage.seen == stage.total for stage in stages.values() if stage.total is not None)
    assert stages["validate"].progress == [65_536 / LANDING.stat().st_size, 1.0]
    assert (stages["metadata"].seen, stages["metadata"].unit) == (693, "cue")


def test_the_summary_goes_chunk_by_chunk(landing: tuple[RecordingRun, Outcome]) -> None:
    stage = landing[0].stages["summary"]
    assert (stage.total, stage.unit) == (12, "chunk")
    assert stage.messages == [f"Chunk {number} of 12" for number in range(1, 13)]


def test_result_artifact_and_highlight_are_reported(landing: tuple[RecordingRun, Outcome]) -> None:
    run, outcome = landing
    assert run.artifacts == {"summary.md": outcome.path.read_bytes()}
    assert run.highlights == [f"{len(outcome.sections)} chapters found"]
    (result,) = run.results
    assert result == outcome.result()
    assert (result["words"], result["duration"], result["speakers"]) == (7052, 17_995.0, 4)
    assert set(result) == {"words", "duration", "speakers", "chapters", "sentences", "coverage", "redundancy"}


def test_nothing_but_the_summary_is_left(landing: tuple[RecordingRun, Outcome]) -> None:
    assert [path.name for path in landing[1].path.parent.iterdir()] == ["summary.md"]


@pytest.mark.parametrize("stage", PLAN)
def test_a_cancel_in_any_stage_leaves_nothing_behind(stage: str, tmp_path: Path) -> None:
    run = RecordingRun(stop=stage)
    with pytest.raises(Stopped):
        summarise(run, str(LANDING), tmp_path / "out")
    assert run.stages[stage].status == "broken"
    assert run.stages[stage].failures == []
    assert list(run.stages)[-1] == stage
    assert list(tmp_path.iterdir()) == []
    assert run.artifacts == {}
    assert run.results == []


def test_an_earlier_summary_outlives_a_cancelled_one(tmp_path: Path) -> None:
    (tmp_path / "summary.md").write_text("earlier")
    with pytest.raises(Stopped):
        summarise(RecordingRun(stop="quality"), str(LANDING), tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("summary.md", "earlier")]


def vtt(*said: str) -> str:
    return "WEBVTT\n\n" + "".join(f"00:{at:02}.000 --> 00:{at:02}.500\n{text}\n\n" for at, text in enumerate(said))


def test_a_short_subrip_file_is_summarised(tmp_path: Path) -> None:
    path, run = tmp_path / "talk.srt", RecordingRun()
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\nThe Eagle has\n\n2\n00:00:02,000 --> 00:00:03,000\nlanded.\n")
    outcome = summarise(run, str(path), tmp_path / "out")
    assert "## 1. 0:00:01 Eagle, landed\n\n- **0:00:01** The Eagle has landed.\n" in outcome.path.read_text()
    assert run.highlights == ["1 chapter found"]


@pytest.mark.parametrize(("good", "severity"), [(9, "medium"), (10, "low")])
def test_unreadable_cues_are_a_finding(good: int, severity: str, tmp_path: Path) -> None:
    path, run = tmp_path / "talk.vtt", RecordingRun()
    path.write_text(vtt(*["Go for landing."] * good) + "00:99:00.000 --> 00:99:01.000\nlost\n")
    summarise(run, str(path), tmp_path)
    assert run.findings == [("Cues that could not be read and are left out: 1", severity)]


def test_a_summary_that_a_lazy_one_beats_is_a_finding(tmp_path: Path) -> None:
    path, run = tmp_path / "talk.vtt", RecordingRun()
    rich = " ".join(f"{letter}{other}" for letter in "abcdefg" for other in "uvwxyz")
    path.write_text(vtt(f"Hm {rich}.", "The landing radar sees the surface of the landing site."))
    outcome = summarise(run, str(path), tmp_path)
    assert outcome.result()["sentences"] == 1
    assert ("The summary covers less than the first as many sentences", "medium") in run.findings


@pytest.mark.parametrize(
    ("body", "stage", "advice"),
    [
        (b"", "validate", "is empty"),
        (b"00:01.000 --> 00:02.000\nhello\n", "validate", "Put a line that says WEBVTT"),
        (b"WEBVTT\n\nNOTE nothing\n\n00:01.000 --> 00:02.000\n", "metadata", "no cue with text"),
        (b"WEBVTT\n\n00:01.000 --> 00:02.000\n1201\n", "transcript", "no words in the cues"),
    ],
)
def test_unfit_input_fails_its_stage_with_advice(body: bytes, stage: str, advice: str, tmp_path: Path) -> None:
    path = tmp_path / "talk.vtt"
    path.write_bytes(body)
    run = RecordingRun()
    with pytest.raises(InputProblem, match=advice) as problem:
        summarise(run, str(path), tmp_path / "out")
    assert run.stages[stage].failures == [(str(problem.value), "bad-input")]
    assert not (tmp_path / "out").exists()
