"""The job: six stages over one transcript, and a seventh, "complete", that is the end of the run itself.

The run is an argument, so that the stages can be driven by whatever reports. The loop of every stage goes
through ``track``, which is where a cancel takes effect. Nothing is written before the last stage, and
then under another name first, so that a run that is cut off leaves no half summary behind.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workloads.video import decoding, quality, source, vectors
from workloads.video.chapters import chapters
from workloads.video.markdown import document
from workloads.video.metadata import Metadata, describe
from workloads.video.problem import InputProblem
from workloads.video.quality import Judge, Verdict
from workloads.video.reporting import Run, Stage
from workloads.video.sections import Section, sections
from workloads.video.sentences import Sentence, sentences
from workloads.video.summary import Summary, chunks
from workloads.video.transcript import Format, Transcript, parse, sniff

KIND = "video-summary"
PLAN = {"validate": 5, "metadata": 10, "transcript": 20, "analysis": 15, "summary": 40, "quality": 10}
ARTIFACT = "summary.md"
BAD_INPUT = "bad-input"

# A file that lost more of its cues than this is not the transcript of the video any more.
MANY_UNREADABLE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came out: the summary's file, what the transcript is like, and how good the summary is.

    ``kept`` says whether the summary is an artifact of the run as well.
    """

    path: Path
    kept: bool
    facts: Metadata
    sections: tuple[Section, ...]
    verdict: Verdict

    def result(self) -> dict[str, float]:
        """The run's result; ``duration`` is the video's, in seconds."""
        return {
            "words": self.facts.words,
            "duration": self.facts.duration_ms / 1000,
            "speakers": len(self.facts.speakers),
            "chapters": len(self.sections),
            "sentences": sum(len(section.sentences) for section in self.sections),
            "coverage": round(self.verdict.summary.coverage, 4),
            "redundancy": round(self.verdict.summary.redundancy, 4),
        }


def summarise(run: Run, location: str, out: Path) -> Outcome:
    """Summarise the transcript at a path or address into ``out``/summary.md, reporting to the run.

    The same transcript gives the same summary, byte for byte. ``out`` is made if it is not there.

    Raises:
        InputProblem: The transcript cannot be read; nothing was written.
    """
    text, form = _validate(run, location)
    transcript, facts = _metadata(run, text, form)
    spoken = _transcript(run, transcript)
    weights = vectors.rarity(one.words for one in spoken)
    full = _analysis(run, transcript, spoken)
    short = _summary(run, full, weights)
    verdict = _quality(run, spoken, short, weights)
    path = _write(out, document(source.name(location), facts, short, verdict))
    kept = run.artifact(ARTIFACT, path)
    outcome = Outcome(path=path, kept=kept, facts=facts, sections=short, verdict=verdict)
    run.result(outcome.result())
    return outcome


@contextmanager
def _told(stage: Stage) -> Iterator[None]:
    """What is wrong with the input is told to whoever watches, in the words that are meant for them."""
    try:
        yield
    except InputProblem as problem:
        stage.fail(str(problem), code=BAD_INPUT)
        raise


def _validate(run: Run, location: str) -> tuple[str, Format]:
    with run.stage("validate", unit="block") as stage, _told(stage):
        incoming = source.open_source(location)
        text = decoding.decode(b"".join(_received(stage, incoming)))
        return text, sniff(text, incoming.extension)


def _received(stage: Stage, incoming: source.Incoming) -> Iterator[bytes]:
    got = 0
    for block in stage.track(incoming.blocks):
        got += len(block)
        if incoming.size:
            stage.update(progress=min(1.0, got / incoming.size))
        yield block


def _metadata(run: Run, text: str, form: Format) -> tuple[Transcript, Metadata]:
    with run.stage("metadata", unit="cue") as stage, _told(stage):
        transcript = parse(text, form)
        if transcript.unreadable:
            many = transcript.unreadable > MANY_UNREADABLE * len(transcript.cues)
            title = f"Cues that could not be read and are left out: {transcript.unreadable:,}"
            run.finding(title, severity="medium" if many else "low")
        return transcript, describe(stage.track(transcript.cues))


def _transcript(run: Run, transcript: Transcript) -> list[Sentence]:
    with run.stage("transcript", total=len(transcript.cues), unit="cue") as stage, _told(stage):
        spoken = list(sentences(stage.track(transcript.cues)))
        if not spoken:
            raise InputProblem("There are no words in the cues. Give a transcript of what is said in the video.")
        return spoken


def _analysis(run: Run, transcript: Transcript, spoken: Sequence[Sentence]) -> list[Section]:
    gaps = range(len(transcript.cues))
    with run.stage("analysis", total=len(gaps), unit="cue") as stage:
        full = sections(transcript.cues, spoken, chapters(transcript.cues, stage.track(gaps)))
        run.highlight("1 chapter found" if len(full) == 1 else f"{len(full)} chapters found")
        return full


def _summary(run: Run, full: Sequence[Section], weights: Mapping[str, float]) -> tuple[Section, ...]:
    parts = chunks(full)
    summary, taken = Summary(weights), [list[Sentence]() for _ in full]
    with run.stage("summary", total=len(parts), unit="chunk") as stage:
        for number, chunk in enumerate(stage.track(parts), start=1):
            stage.update(message=f"Chunk {number} of {len(parts)}")
            taken[chunk.section].extend(summary.add(chunk))
    return tuple(
        dataclasses.replace(section, sentences=tuple(sentences)) for section, sentences in zip(full, taken, strict=True)
    )


def _quality(run: Run, spoken: Sequence[Sentence], short: Sequence[Section], weights: Mapping[str, float]) -> Verdict:
    judge = Judge(spoken, weights)
    own = [sentence for section in short for sentence in section.sentences]
    selections = [own, *quality.rivals(spoken, len(own))]
    with run.stage("quality", total=len(selections), unit="selection") as stage:
        measured = [judge.measure(selection) for selection in stage.track(selections)]
        verdict = quality.verdict(measured[0], measured[1:])
        for problem in verdict.problems():
            run.finding(problem, severity="medium")
        return verdict


def _write(out: Path, text: str) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    path, part = out / ARTIFACT, out / f".{ARTIFACT}.part"
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path
