"""The whole job on five hours of Apollo 11, and on input that is not fit for it."""

import re
from pathlib import Path

import pytest
import workloads.video
from tests.unit.workloads.video.recording import RecordingRun, Stopped
from workloads.video.job import PLAN, Outcome, summarise
from workloads.video.problem import InputProblem

LANDING = Path(workloads.video.__file__).parent / "data" / "apollo-11-landing.vtt"


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> tuple[RecordingRun, Outcome]:
    run = RecordingRun()
    return run, summarise(run, str(LANDING), tmp_path_factory.mktemp("landing"))


def quotes(summary: str) -> list[tuple[str, str, str]]:
    """Time, speaker and words of each sentence."""
    found = re.findall(r"^- \*\*(\d+:\d\d:\d\d)\*\* ([^:]+): (.+)$", summary, re.MULTILINE)
    return [(time, speaker, re.sub(r"\\(.)", r"\1", text)) for time, speaker, text in found]


def said(source: str) -> dict[str, list[tuple[str, str]]]:
    """By start time, who said what, read with no code of the workload's."""
    found: dict[str, list[tuple[str, str]]] = {}
    for time, speaker, text in re.findall(r"^(\d+:\d\d:\d\d)\.\d+ -->.*\n<v ([^>]+)>(.*)$", source, re.MULTILINE):
        plain = re.sub(r"<[^>]*>", "", text)
        found.setdefault(re.sub(r"^0(?=\d)", "", time), []).append((speaker, plain))
    return found


def test_every_sentence_stands_at_its_time_in_the_source(landing: tuple[RecordingRun, Outcome]) -> None:
    spoken = said(LANDING.read_text())
    quoted = quotes(landing[1].path.read_text())
    assert len(quoted) == landing[1].result()["sentences"] > 20
    for time, speaker, text in quoted:
        assert any(name == speaker and text in words for name, words in spoken[time])


def test_every_chapter_is_represented(landing: tuple[RecordingRun, Outcome]) -> None:
    chapters = re.split(r"^## \d+\. ", landing[1].path.read_text(), flags=re.MULTILINE)[1:]
    assert len(chapters) == landing[1].result()["chapters"] > 3
    assert all(quotes(chapter) for chapter in chapters)


def test_the_summary_beats_the_first_sentences_and_random_ones(landing: tuple[RecordingRun, Outcome]) -> None:
    verdict = landing[1].verdict
    for rival in (verdict.first, verdict.drawn):
        assert verdict.summary.coverage > rival.coverage
        assert verdict.summary.redundancy < rival.redundancy
    assert landing[0].findings == []


def test_the_stages_of_the_plan_are_gone_through_in_order(landing: tuple[RecordingRun, Outcome]) -> None:
    stages = landing[0].stages
    assert list(stages) == list(PLAN)
    assert {stage.status for stage in stages.values()} == {"completed"}
    assert all(stage.seen for stage in stages.values())
    assert all(stage.seen == stage.total for stage in stages.values() if stage.total is not None)
    assert stages["validate"].progress[-1] == 1.0
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
    assert run.stages[stage].status == "failed"
    assert list(run.stages)[-1] == stage
    assert list(tmp_path.iterdir()) == []
    assert run.artifacts == {}
    assert run.results == []


def test_an_earlier_summary_outlives_a_cancelled_one(tmp_path: Path) -> None:
    (tmp_path / "summary.md").write_text("earlier")
    with pytest.raises(Stopped):
        summarise(RecordingRun(stop="quality"), str(LANDING), tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("summary.md", "earlier")]


def test_a_short_subrip_file_is_summarised(tmp_path: Path) -> None:
    path = tmp_path / "talk.srt"
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\nThe Eagle has\n\n2\n00:00:02,000 --> 00:00:03,000\nlanded.\n")
    outcome = summarise(RecordingRun(), str(path), tmp_path / "out")
    assert "## 1. 0:00:01 eagle, landed\n\n- **0:00:01** The Eagle has landed.\n" in outcome.path.read_text().replace(
        "Eagle, landed", "eagle, landed"
    )


def test_unreadable_cues_are_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "talk.vtt"
    path.write_text("WEBVTT\n\n00:01.000 --> 00:02.000\nGo for landing.\n\n00:99:00.000 --> 00:99:01.000\nlost\n")
    run = RecordingRun()
    summarise(run, str(path), tmp_path)
    assert run.findings == [("Cues that could not be read and are left out: 1", "medium")]


@pytest.mark.parametrize(
    ("name", "body", "advice"),
    [
        ("talk.vtt", b"", "is empty"),
        ("talk.mp4", b"WEBVTT", "neither a .vtt nor a .srt"),
        ("talk.vtt", b"WEBVTT\n\n00:01.000 --> 00:02.000\n1201\n", "no words in the cues"),
        ("talk.vtt", b"00:01.000 --> 00:02.000\nhello\n", "Put a line that says WEBVTT"),
    ],
)
def test_unfit_input_is_refused_with_advice(name: str, body: bytes, advice: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(body)
    with pytest.raises(InputProblem, match=advice):
        summarise(RecordingRun(), str(path), tmp_path / "out")
    assert not (tmp_path / "out").exists()
