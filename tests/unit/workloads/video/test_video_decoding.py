"""Bytes to text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.video.decoding import decode
from workloads.video.problem import InputProblem


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_utf_8_and_what_is_marked_can_be_read(encoding: str) -> None:
    assert decode("WEBVTT\n\nKärnten ☾".encode(encoding)) == "WEBVTT\n\nKärnten ☾"


@pytest.mark.parametrize(
    ("body", "advice"),
    [
        (b"", "is empty"),
        (b" \r\n\t", "is empty"),
        ("WEBVTT\n\nKärnten".encode("windows-1252"), "not valid UTF-8: byte 9"),
        (b"\xff\xfeW\x00E", "not valid UTF-16-LE"),
        (b"\x00\x00\x00\x18ftypmp42\xff\xfe", "not the video itself"),
        (b"WEBVTT\x00", "not the video itself"),
    ],
)
def test_anything_else_is_refused_with_advice(body: bytes, advice: str) -> None:
    with pytest.raises(InputProblem, match=advice):
        decode(body)


@given(st.binary())
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        text = decode(body)
    except InputProblem:
        return
    assert "\0" not in text
