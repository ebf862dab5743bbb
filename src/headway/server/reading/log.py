"""A run's log: its newest lines, or any stretch of its text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from headway.errors import RangeNotSatisfiable
from headway.ports import EventStore, LogQuery
from headway.server import parameters
from headway.server.answers import SAFE, encoded
from headway.server.backend import Backend
from headway.server.log_text import Piece, Selection, Texts, piece_of
from headway.server.ranges import Stretch, stretch
from headway.server.reading.runs import run_id

TAIL_LINES = 1_000
"""Lines in an answer, unless told otherwise."""

TAIL_LINES_MOST = 10_000
"""Lines in an answer at most."""

ANSWER_BYTES = 8 * 1024 * 1024
"""Text in an answer at most; the rest is there to be asked for."""

NDJSON = "application/x-ndjson"

SAFE_TEXT = {**SAFE, "Content-Security-Policy": "default-src 'none'; sandbox", "Accept-Ranges": "bytes"}
"""Text that a job has written is never anything else to a browser."""


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line, or a ``partial`` piece of one; ``offset`` is in its stage and stream."""

    seq: int
    at: str
    stage: str | None
    stream: str
    level: str | None
    offset: int
    text: str
    partial: bool


class Found(msgspec.Struct, frozen=True):
    """Some pieces of a text, and of how many bytes they are a part."""

    pieces: list[Piece]
    total: int
    cut: int


async def read_log(backend: Backend, request: Request) -> Response:
    """``GET /runs/{id}/log``."""
    stage = request.query_params.get("stage")
    selection = Selection(run_id(request), stage, parameters.text(request, "stream"))
    as_json = _wants_json(request)
    asks_for_bytes = "offset" in request.query_params or "limit" in request.query_params
    if asks_for_bytes or (not as_json and "range" in request.headers):
        return await _bytes(backend, request, selection, as_json)
    lines = parameters.whole(request, "tail", TAIL_LINES, least=1, most=TAIL_LINES_MOST)
    found = await backend.ask_much(lambda store: _tail(store, selection, lines))
    return _tail_answer(found, lines, as_json)


def _wants_json(request: Request) -> str:
    """Which JSON is wanted; empty for text."""
    accepted = request.headers.get("accept", "")
    return next((kind for kind in ("application/json", NDJSON) if kind in accepted), "")


def _tail(store: EventStore, selection: Selection, lines: int) -> Found:
    wanted = lines + 1
    while True:
        query = LogQuery(tail=wanted, stage=selection.stage, stream=selection.stream)
        found = store.read_log(selection.run_id, query)
        pieces = [piece_of(record, 0) for record in found.records]
        given = sum(len(piece.log.lines) for piece in pieces)
        whole = sum(len(piece.log.lines) for piece in pieces if not piece.log.partial)
        if given < wanted or whole > lines or _size(pieces) >= ANSWER_BYTES:
            return Found(_newest(pieces), found.total_bytes, found.cut_bytes)
        wanted *= 2  # pieces of long lines are among them


def _size(pieces: Iterable[Piece]) -> int:
    return sum(piece.size for piece in pieces if not piece.cut)


def _newest(pieces: list[Piece]) -> list[Piece]:
    """As many of the last ones as fit into an answer."""
    size = 0
    for place in range(len(pieces) - 1, -1, -1):
        size += 0 if pieces[place].cut else pieces[place].size
        if size > ANSWER_BYTES:
            return pieces[place + 1 :]
    return pieces


def _tail_answer(found: Found, lines: int, as_json: str) -> Response:
    about = _about(found)
    if as_json:
        return _lines_answer(_lines(found.pieces)[-lines:], about, as_json)
    whole = b"".join(piece.encoded() for piece in found.pieces).split(b"\n")
    kept = lines + 1 if whole[-1] == b"" else lines
    return Response(b"\n".join(whole[-kept:]), 200, {**SAFE_TEXT, **about}, "text/plain")


def _about(found: Found) -> dict[str, str]:
    return {"Headway-Log-Bytes": str(found.total), "Headway-Log-Cut": str(found.cut)}


def _lines(pieces: Iterable[Piece]) -> list[LogLine]:
    lines: list[LogLine] = []
    for piece in pieces:
        offset = piece.log.offset or 0
        for text in piece.log.lines:
            lines.append(
                LogLine(
                    seq=piece.event.seq,
                    at=piece.event.at,
                    stage=piece.event.stage,
                    stream=piece.log.stream,
                    level=piece.log.level,
                    offset=offset,
                    text=text,
                    partial=piece.log.partial,
                )
            )
            offset += len(text.encode()) + (not piece.log.partial)
    return lines


def _lines_answer(lines: list[LogLine], about: Mapping[str, str], as_json: str) -> Response:
    bodies = [msgspec.json.encode(line) for line in lines]
    if as_json == NDJSON:
        return Response(b"".join(body + b"\n" for body in bodies), 200, {**SAFE, **about}, NDJSON)
    totals = {"total_bytes": int(about["Headway-Log-Bytes"]), "cut_bytes": int(about["Headway-Log-Cut"])}
    return encoded(b'{"lines":[%b],%b' % (b",".join(bodies), msgspec.json.encode(totals)[1:]), headers=about)


async def _bytes(backend: Backend, request: Request, selection: Selection, as_json: str) -> Response:
    texts = backend.texts
    total = await backend.ask_much(lambda store: texts.size(store, selection))
    wanted, status = _wanted(request, total)
    found = await backend.ask_much(lambda store: _stretch(store, texts, selection, wanted, total))
    kept = [piece for piece in found.pieces if not piece.cut]
    if as_json:
        return _lines_answer(_lines(kept), _about(found), as_json)
    if status == 206 and not kept:
        raise RangeNotSatisfiable(f"the text up to byte {wanted.end:,} was cut: it is not kept any more", size=total)
    return _text_answer(found, kept, wanted, status)


def _wanted(request: Request, total: int) -> tuple[Stretch, int]:
    """Which bytes are wanted, and the status of the answer."""
    asked = stretch(request.headers.get("range"), total) if "offset" not in request.query_params else None
    if asked is not None:
        return Stretch(asked.begin, min(asked.end, asked.begin + ANSWER_BYTES)), 206
    begin = min(total, parameters.whole(request, "offset", 0))
    size = parameters.whole(request, "limit", ANSWER_BYTES, least=1, most=ANSWER_BYTES)
    return Stretch(begin, min(total, begin + size)), 200


def _stretch(store: EventStore, texts: Texts, selection: Selection, wanted: Stretch, total: int) -> Found:
    cut = store.read_log(selection.run_id, LogQuery(limit=1)).cut_bytes
    return Found(list(texts.pieces(store, selection, wanted.begin, wanted.end)), total, cut)


def _text_answer(found: Found, kept: list[Piece], wanted: Stretch, status: int) -> Response:
    begin = max(wanted.begin, kept[0].offset) if kept else wanted.begin
    text = b"".join(piece.encoded() for piece in kept)
    first = kept[0].offset if kept else begin
    body = text[begin - first : wanted.end - first]
    sent = Stretch(begin, begin + len(body))
    headers = {**SAFE_TEXT, **_about(found), "Headway-Log-Offset": str(begin)}
    if status == 206:
        headers["Content-Range"] = sent.of(found.total)
    return Response(body, status, headers, "text/plain")
