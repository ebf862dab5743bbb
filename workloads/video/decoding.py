"""Bytes to text: only encodings that name themselves, or UTF-8."""

import codecs

from workloads.video.problem import InputProblem

# UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode(body: bytes) -> str:
    """Read the text of a transcript, without its byte order mark.

    An unmarked body has to be UTF-8. Nothing is guessed: text in the wrong encoding reads like text,
    and nobody would notice until the summary is in print.

    Raises:
        InputProblem: The body is empty, holds no text, or is in another encoding.
    """
    if not body.strip():
        raise InputProblem("The input is empty. Give a transcript with cues in it.")
    encoding, rest = _marked(body)
    try:
        text = rest.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputProblem(_advice(encoding, error, rest)) from error
    if "\0" in text:
        raise InputProblem(_BINARY)
    return text


_BINARY = "The input is not text. Give the transcript of the video (.vtt or .srt), not the video itself."


def _marked(body: bytes) -> tuple[str, bytes]:
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return encoding, body.removeprefix(mark)
    return "utf-8", body


def _advice(encoding: str, error: UnicodeDecodeError, body: bytes) -> str:
    if b"\0" in body and encoding == "utf-8":
        return _BINARY
    return (
        f"The input is not valid {encoding.upper()}: byte {error.start} cannot be read. Save it as UTF-8,"
        " for example with: iconv -f WINDOWS-1252 -t UTF-8 old.srt > new.srt"
    )
