"""Cues out of WebVTT and SubRip, well made and hostile."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.video.problem import InputProblem
from workloads.video.transcript import Cue, parse, sniff

HEADER = "WEBVTT\n\n"


def texts(source: str) -> list[str]:
    return [cue.text for cue in parse(source, sniff(source, "")).cues]


def cue(start: str, text: str, end: str = "999:59:59.999") -> str:
    return f"{start} --> {end}\n{text}\n\n"


def test_reads_hours_of_three_digits_to_the_millisecond() -> None:
    (one,) = parse(HEADER + cue("195:17:54.250", "Splashdown!", "195:17:59.000"), "vtt").cues
    assert (one.start_ms, one.end_ms) == (703_074_250, 703_079_000)


def test_reads_times_without_hours() -> None:
    (one,) = parse(HEADER + cue("01:02.003", "Go", "01:03.000"), "vtt").cues
    assert one.start_ms == 62_003


def test_voice_tags_name_the_speaker() -> None:
    (one,) = parse(HEADER + cue("00:01.000", "<v.loud Charlie Duke>Roger, <i>Tranquility</i>.</v>"), "vtt").cues
    assert (one.speaker, one.text) == ("Charlie Duke", "Roger, Tranquility.")


def test_two_voices_in_one_cue_are_told_apart() -> None:
    both = parse(HEADER + cue("00:01.000", "<v Neil>Shut down.\n<v Buzz>Okay."), "vtt").cues
    assert [(one.number, one.speaker, one.text) for one in both] == [
        (1, "Neil", "Shut down."),
        (1, "Buzz", "Okay."),
    ]


def test_a_name_in_capitals_is_a_speaker_and_stays_in_the_text() -> None:
    (one,) = parse("1\n00:00:01,000 --> 00:00:02,000\nMISSION CONTROL: Go.\n", "srt").cues
    assert (one.speaker, one.text) == ("MISSION CONTROL", "MISSION CONTROL: Go.")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_any_line_end_will_do(newline: str) -> None:
    source = (HEADER + cue("00:01.000", "one\ntwo") + cue("00:05.000", "three")).replace("\n", newline)
    assert texts(source) == ["one two", "three"]


def test_empty_lines_before_the_header_do_no_harm() -> None:
    assert texts("\r\n\n" + HEADER + cue("00:01.000", "text")) == ["text"]


def test_notes_styles_and_regions_are_not_text() -> None:
    blocks = "NOTE a\nremark\n\nSTYLE\n::cue { color: red }\n\nREGION\nid:one\n\n"
    assert texts(HEADER + blocks + cue("00:01.000", "text") + "NOTE end\n") == ["text"]


def test_entities_are_read_and_markup_is_not() -> None:
    assert texts(HEADER + cue("00:01.000", "O<sub>2</sub> &lt;b&gt; Q&amp;A <c.red>now</c>")) == ["O2 <b> Q&A now"]


def test_subrip_placement_is_no_text() -> None:
    assert texts("1\n00:00:01,000 --> 00:00:02,000\n{\\an8}<i>Up</i> here\n") == ["Up here"]


def test_what_steers_a_terminal_is_taken_out() -> None:
    (text,) = texts(HEADER + cue("00:01.000", "red \x1b[31malert\x07 \u202egnp.exe &#27;[2J"))
    assert text == "red [31malert gnp.exe [2J"


def test_cues_out_of_order_are_put_in_order() -> None:
    assert texts(HEADER + cue("00:09.000", "last") + cue("00:01.000", "first")) == ["first", "last"]


def test_overlapping_cues_are_both_kept() -> None:
    source = HEADER + cue("00:01.000", "long", "00:10.000") + cue("00:02.000", "short", "00:03.000")
    assert texts(source) == ["long", "short"]


def test_a_cue_that_ends_before_it_begins_takes_no_time() -> None:
    (one,) = parse(HEADER + cue("00:09.000", "back", "00:01.000"), "vtt").cues
    assert (one.start_ms, one.end_ms) == (9_000, 9_000)


def test_scrolling_captions_are_read_once() -> None:
    source = (
        HEADER
        + cue("00:00.000", "we choose to", "00:02.000")
        + cue("00:02.000", "we choose to", "00:02.010")
        + cue("00:02.010", "we choose to\ngo to the moon", "00:04.000")
        + cue("00:04.000", "go to the moon", "00:04.010")
        + cue("00:04.010", "go to the moon\nin this decade", "00:06.000")
    )
    assert texts(source) == ["we choose to", "go to the moon", "in this decade"]


def test_captions_that_follow_each_other_are_kept_whole() -> None:
    source = HEADER + cue("00:00.000", "we choose", "00:02.000") + cue("00:02.000", "to go\nto the moon", "00:04.000")
    assert texts(source) == ["we choose", "to go to the moon"]


def test_what_another_or_a_later_cue_repeats_is_kept() -> None:
    source = (
        HEADER
        + cue("00:00.000", "<v Buzz>Roger.", "00:01.000")
        + cue("00:01.000", "<v Mike>Roger.\nGo on.", "00:02.000")
        + cue("00:02.200", "<v Mike>Go on.\nOver.", "00:03.000")
    )
    assert texts(source) == ["Roger.", "Roger. Go on.", "Go on. Over."]


def test_two_who_say_the_same_are_both_heard() -> None:
    source = (
        HEADER
        + cue("00:00.000", "<v Buzz>Roger.", "00:01.000")
        + cue("00:01.000", "<v Mike>Roger.", "00:02.000")
        + cue("00:02.000", "<v Mike>Roger.", "00:03.000")
    )
    assert texts(source) == ["Roger."] * 3


def test_unreadable_cues_are_counted_and_left_out() -> None:
    source = HEADER + cue("00:01.000", "good") + cue("00:99:01.000", "bad") + cue("0x:01.000", "worse")
    transcript = parse(source, "vtt")
    assert [one.text for one in transcript.cues] == ["good"]
    assert transcript.unreadable == 2


@pytest.mark.parametrize(
    ("source", "extension", "advice"),
    [
        ("00:01.000 --> 00:02.000\nno header\n", ".vtt", "Put a line that says WEBVTT"),
        ("1\n00:00:01,000 --> 00:00:02,000\nsubrip\n", ".vtt", "name it .srt"),
        ("<!DOCTYPE html><html>", "", "This is a web page"),
        ("Dear diary,\n", ".srt", "Export the captions"),
    ],
)
def test_what_is_no_transcript_is_refused_with_advice(source: str, extension: str, advice: str) -> None:
    with pytest.raises(InputProblem, match=advice):
        sniff(source, extension)


@pytest.mark.parametrize("source", [HEADER, HEADER + "NOTE nothing\n", HEADER + cue("00:01.000", "<i></i>")])
def test_a_transcript_without_text_is_refused(source: str) -> None:
    with pytest.raises(InputProblem, match="no cue with text"):
        parse(source, "vtt")


def test_subrip_without_numbers_is_refused() -> None:
    with pytest.raises(InputProblem, match="a number on its own line"):
        parse("00:00:01,000 --> 00:00:02,000\nhello\n", "srt")


FRAGMENTS = st.sampled_from(
    ["WEBVTT", "\n", "\n\n", "\r", "00:01.000", " --> ", "99:00:00,5", "<v ", ">", "</v>", "&amp;", "NOTE ", "1\n"]
)


@given(st.lists(FRAGMENTS | st.text(max_size=8)).map("".join), st.sampled_from([".vtt", ".srt", ""]))
def test_any_text_is_read_or_refused(source: str, extension: str) -> None:
    try:
        cues = parse(source, sniff(source, extension)).cues
    except InputProblem:
        return
    assert [one.start_ms for one in cues] == sorted(one.start_ms for one in cues)
    for one in cues:
        assert one.text
        assert one.start_ms <= one.end_ms
        assert not {"Cc", "Cf"} & {unicodedata.category(char) for char in one.text}


WORDS = st.text("abcdefghij XYZ.,?!", min_size=1).map(lambda text: " ".join(text.split())).filter(bool)
CUES = st.lists(
    st.builds(
        lambda start, text, speaker: Cue(number=0, start_ms=start, end_ms=start + 500, speaker=speaker, text=text),
        st.integers(0, 10**9),
        WORDS,
        st.sampled_from([None, "Neil", "Buzz"]),
    ),
    min_size=1,
    unique_by=lambda one: one.start_ms // 1000,
)


def written(one: Cue) -> str:
    def time(ms: int) -> str:
        return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"

    voice = f"<v {one.speaker}>" if one.speaker else ""
    return f"{time(one.start_ms)} --> {time(one.end_ms)}\n{voice}{one.text}\n\n"


@given(CUES)
def test_what_is_written_is_read_back_in_order(cues: list[Cue]) -> None:
    read = parse(HEADER + "".join(map(written, cues)), "vtt").cues
    expected = sorted(cues, key=lambda one: one.start_ms)
    assert [(one.start_ms, one.end_ms, one.speaker, one.text) for one in read] == [
        (one.start_ms, one.end_ms, one.speaker, one.text) for one in expected
    ]
    assert [one.number for one in read] == list(range(1, len(cues) + 1))
