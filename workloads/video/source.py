"""Where the transcript comes from: a file, or an address on the web."""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from workloads.video import web
from workloads.video.problem import InputProblem

EXTENSIONS = (".vtt", ".srt")
# A day of captions is about 1 MB at most. Sixteen times that is not captions any more, and parsing it takes a
# dozen times its size in memory.
MAX_BYTES = 16 * 1024 * 1024
BLOCK_BYTES = 64 * 1024
# A title is for reading; an address may be as long as it likes.
MAX_NAME = 120

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A transcript on its way: its extension ("" if its address has none) and its bytes, in blocks.

    ``size`` is how many bytes will come, if that is known. Taking a block may raise
    :class:`InputProblem`: the connection broke, it takes too long, or it is too much.
    """

    extension: str
    size: int | None
    blocks: Iterator[bytes]


def name(location: str) -> str:
    """What to call the transcript in a title: no directories, no query and no password of an address."""
    shown = _last_part(location)
    return "".join(char if char.isprintable() else " " for char in shown[:MAX_NAME])


def _last_part(location: str) -> str:
    if not _scheme(location):
        return Path(location).name or location
    try:
        split = urlsplit(location)
    except ValueError:  # an address that cannot be one; reading it will say so
        return "transcript"
    return unquote(split.path.rstrip("/").rpartition("/")[2]) or split.hostname or "transcript"


def open_source(location: str) -> Incoming:
    """Begin to read a path, or an http, https or file address.

    Raises:
        InputProblem: It cannot be had; the message says what to do.
    """
    scheme = _scheme(location)
    if scheme in {"http", "https"}:
        reply = web.fetch(location, MAX_BYTES, BLOCK_BYTES)
        return Incoming(extension=_extension(urlsplit(location).path), size=reply.size, blocks=reply.blocks)
    if scheme == "file":
        return _open_file(_local(location))
    if scheme:
        raise InputProblem(
            f"Addresses that begin with {scheme}: cannot be read, only http:, https: and file:."
            " Download the transcript and give the path of the file."
        )
    return _open_file(Path(location))


def _scheme(location: str) -> str:
    """The scheme of an address, "" for a path; a file that is there under such a name is a path."""
    found = _SCHEME.match(location)
    return "" if found is None or _look(Path(location)) is not None else found[1].lower()


def _look(path: Path) -> os.stat_result | None:
    """What is there under this path; nothing under one that no file can have, either."""
    try:
        return path.stat()
    except (OSError, ValueError):
        return None


def _local(address: str) -> Path:
    split = urlsplit(address)
    if split.netloc not in {"", "localhost"}:
        raise InputProblem(f"A file: address names a file of this machine, not of {split.netloc}: write file:///path.")
    return Path(url2pathname(split.path))


def _extension(path: str) -> str:
    return Path(path).suffix.lower()


def _open_file(path: Path) -> Incoming:
    found = _look(path)
    if found is None:
        raise InputProblem(f"There is no file {path.name}. Check the path.")
    if not stat.S_ISREG(found.st_mode):
        kind = "a directory" if stat.S_ISDIR(found.st_mode) else "not a regular file"
        raise InputProblem(f"{path.name} is {kind}. Give a .vtt or .srt file.")
    if _extension(path.name) not in EXTENSIONS:
        raise InputProblem(
            f"{path.name} is neither a .vtt nor a .srt file. Give the transcript of the video, under such a name."
        )
    if found.st_size > MAX_BYTES:
        raise InputProblem(web.too_big(MAX_BYTES))
    return Incoming(extension=_extension(path.name), size=found.st_size, blocks=_read(path))


def _read(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                yield block
    except OSError as error:
        raise InputProblem(f"{path.name} cannot be read ({error.strerror}). Check its permissions.") from error
