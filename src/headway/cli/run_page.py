"""Everything about a run, for people: what ``headway show`` prints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from headway.cli.amount import age_text, duration_text, percent_text, size_text, taken_text
from headway.cli.last_news import known_view, until
from headway.cli.output import STYLES, styled, symbol
from headway.cli.safe import safe_line, safe_text
from headway.cli.shown import Shown
from headway.progress.state import Eta, InputEntry, StageState, State, View
from headway.progress.view import unix_s

LABEL = 10
"""Width of the labels on the left."""

SHOWN_FINDINGS = 20
SHOWN_TEXTS = 5
SHOWN_CHARS = 300
"""Of one text: some rows of a terminal."""

SHOWN_LINES = 40
"""Of a result."""


def run_page(shown: Shown, now_unix_s: float, heard_at: str | None, *, hide_seconds: bool = False) -> Iterator[str]:
    """The lines, with colours where they are wanted.

    Args:
        shown: The run.
        now_unix_s: Seconds since 1970: ages are counted up to it.
        heard_at: When the job last reported.
        hide_seconds: Leave the seconds out of the time left if they mean nothing.
    """
    state = shown.state
    view = known_view(shown.view, state, heard_at)
    times = _times(state, view.elapsed, view.eta, hide_seconds=hide_seconds)
    yield from _head(state, times, view, now_unix_s, heard_at)
    for part in PARTS:
        lines = list(part(state, until(state, heard_at, now_unix_s)))
        if lines:
            yield ""
            yield from lines


def _head(
    state: State, times: Iterable[tuple[str, str]], view: View, now: float, heard_at: str | None
) -> Iterator[str]:
    status = styled(f"{symbol(state.status)} {state.status}", STYLES[state.status])
    yield f"{status}  {styled(_text(state.title or state.kind), 'bold')}"
    yield ""
    yield _labelled("run", state.run_id)
    yield _labelled("kind", _text(state.kind + (f" ({state.variant})" if state.variant else "")))
    for label in ("created", "started", "ended"):
        at = getattr(state, f"{label}_at")
        if at is not None:
            yield _labelled(label, _moment(at, now))
    yield from (_labelled(label, text) for label, text in (*times, *_facts(state, view)) if text)
    heard = unix_s(heard_at)
    if heard is not None and not state.ended_at:
        yield _labelled("last news", f"{age_text(now - heard)} ago")


def _times(state: State, elapsed: float | None, eta: Eta | None, *, hide_seconds: bool) -> Iterator[tuple[str, str]]:
    yield ("took" if state.ended_at else "elapsed"), taken_text(elapsed)
    if eta is not None:
        yield ("to wait" if eta.basis == "queue" else "left"), _left(eta, hide_seconds=hide_seconds)


def _facts(state: State, view: View) -> Iterator[tuple[str, str]]:
    yield "queue", "" if view.queue is None else f"{view.queue.position} of {view.queue.of or '?'}"
    yield "progress", f"{percent_text(state.progress)}  {_text(state.message or '')}".rstrip()
    yield "attempt", str(state.attempt) if state.attempt > 1 else ""
    yield "size", "" if state.size is None else _json(state.size)
    yield "parent", _text(state.parent or "")
    yield "retry of", _text(state.retry_of or "")
    yield "meta", _json(state.meta) if state.meta else ""
    yield "cancel", "requested" if state.cancel_requested and not state.ended_at else ""
    yield "dropped", ", ".join(f"{count:,} {_text(kind)}" for kind, count in state.dropped.items())


def _left(eta: Eta, *, hide_seconds: bool) -> str:
    left = duration_text(eta.remaining)
    if hide_seconds:
        from headway.progress.remaining import format_estimate  # slow to load, and seldom asked for

        left = format_estimate(eta.remaining, eta.low, eta.high, hide_seconds=True).removeprefix("about ")
    text = f"about {left} ({duration_text(eta.low)} to {duration_text(eta.high)})"
    return ", ".join(filter(None, (text, safe_line(eta.explanation))))


def _moment(at: str, now: float) -> str:
    moment = unix_s(at)
    text = _text(at.replace("T", " ").replace("Z", " UTC"))
    return text if moment is None else f"{text} ({age_text(now - moment)} ago)"


def _labelled(label: str, text: str) -> str:
    return f"{styled(label.ljust(LABEL), 'dim')}{text}"


def _heading(text: str) -> str:
    return styled(text, "bold")


def _error(state: State, _now: float) -> Iterator[str]:
    if state.error is not None:
        yield _heading(f"Error ({_text(state.error.code)})")
        yield f"  {styled(_text(state.error.message), 'red')}"


def _stages(state: State, now: float) -> Iterator[str]:
    if state.stages:
        yield _heading("Stages")
        wide = max(2 * stage.path.count("/") + len(_name(stage)) for stage in state.stages)
        yield from (_stage(stage, min(wide, 40), now) for stage in _as_tree(state.stages))


def _as_tree(stages: tuple[StageState, ...]) -> list[StageState]:
    """Children behind their parents, each level in the order of the log."""
    place = {stage.path: index for index, stage in enumerate(stages)}

    def key(stage: StageState) -> list[int]:
        parts = stage.path.split("/")
        return [place["/".join(parts[: depth + 1])] for depth in range(len(parts))]

    return sorted(stages, key=key)


def _name(stage: StageState) -> str:
    return _text(stage.title or stage.path.rpartition("/")[2])


def _stage(stage: StageState, wide: int, now: float) -> str:
    indent = "  " * stage.path.count("/")
    mark = styled(symbol(stage.status), STYLES[stage.status])
    name = _name(stage).ljust(wide - len(indent))
    text = f"  {indent}{mark} {name}  {taken_text(_duration(stage, now)):>7}  "
    return (text + "  ".join(filter(None, _about(stage)))).rstrip()


def _duration(stage: StageState, now: float) -> float | None:
    if stage.duration is not None and stage.ended_at is not None:
        return float(stage.duration)
    started, ended = unix_s(stage.started_at), unix_s(stage.ended_at)
    return None if started is None else max(0.0, (now if ended is None else ended) - started)


def _about(stage: StageState) -> Iterator[str]:
    is_open = stage.ended_at is None and stage.status != "pending"
    yield percent_text(stage.progress) if is_open or stage.status == "failed" else ""
    if stage.total is not None:
        yield f"{stage.current or 0:,}/{stage.total:,} {_text(stage.unit or '')}".rstrip()
    yield _text(stage.message or "")
    failure = None if stage.error is None else stage.error.message
    if stage.reason is not None and stage.reason != failure:  # of an optional stage that failed they are the same
        fallback = f", {_text(stage.fallback)} instead" if stage.fallback else ""
        yield styled(f"{_text(stage.reason)}{fallback}", "yellow")
    if stage.error is not None:
        yield styled(f"{_text(stage.error.message)} ({_text(stage.error.code)})", "red")


def _findings(state: State, _now: float) -> Iterator[str]:
    findings = state.findings
    if not findings.total:
        return
    counts = msgspec.structs.asdict(findings.by_severity)
    yield _heading(f"Findings ({', '.join(f'{count:,} {name}' for name, count in counts.items() if count)})")
    ranks = list(counts)
    chosen = sorted(findings.recent, key=lambda entry: (ranks.index(entry.severity), -entry.seq))
    for entry in chosen[:SHOWN_FINDINGS]:
        certain = "" if entry.confidence is None else f" ({percent_text(float(entry.confidence))})"
        title = _text(entry.title or entry.id)
        yield f"  {styled(entry.severity.ljust(8), STYLES[entry.severity])}  {title}{certain}"
        if entry.detail:
            yield f"  {'':8}  {styled(_text(entry.detail), 'dim')}"
    if findings.total > SHOWN_FINDINGS:
        yield f"  and {findings.total - SHOWN_FINDINGS:,} more"


def _highlights(state: State, _now: float) -> Iterator[str]:
    if state.highlights:
        yield _heading("Highlights")
        yield from (f"  {_text(entry.text)}" for entry in state.highlights[-SHOWN_TEXTS:])


def _notes(state: State, _now: float) -> Iterator[str]:
    if state.notes:
        yield _heading("Notes")
        yield from (f"  {_text(entry.text)}" for entry in state.notes[-SHOWN_TEXTS:])


def _errors(state: State, _now: float) -> Iterator[str]:
    if state.errors.total:
        yield _heading("Errors on the way")
        for entry in state.errors.recent[-SHOWN_TEXTS:]:
            where = f"{safe_line(entry.stage)}: " if entry.stage else ""
            yield f"  {styled(f'{where}{_text(entry.message)} ({safe_line(entry.code)})', 'yellow')}"
        if state.errors.total > SHOWN_TEXTS:
            yield f"  and {state.errors.total - SHOWN_TEXTS:,} before"


def _questions(state: State, _now: float) -> Iterator[str]:
    if state.inputs:
        yield _heading("Questions")
        yield from (f"  {_text(entry.id)}  {_text(entry.prompt)}  {_answer(entry)}" for entry in state.inputs)


def _answer(entry: InputEntry) -> str:
    if entry.given_at is None:
        return styled("waits for an answer", "yellow")
    by = f" (by {_text(entry.by)})" if entry.by else ""
    return f"answered {_json(entry.value)}{by}"


def _artifacts(state: State, _now: float) -> Iterator[str]:
    if state.artifacts:
        yield _heading(f"Artifacts ({len(state.artifacts):,})")
        for entry in state.artifacts[-SHOWN_FINDINGS:]:
            facts = (_text(entry.media_type or ""), "" if entry.size is None else size_text(entry.size))
            yield f"  {_text(entry.name)}  {styled('  '.join(filter(None, facts)), 'dim')}".rstrip()


def _log(state: State, _now: float) -> Iterator[str]:
    if state.log.lines or state.log.bytes:
        cut = ", the oldest of it no longer kept" if state.log.truncated else ""
        amount = f"{state.log.lines:,} lines, {size_text(state.log.bytes)}{cut}"
        yield f"{_heading('Log')}  {amount}: headway log {state.run_id}"


def _result(state: State, _now: float) -> Iterator[str]:
    if state.result is not None:
        yield _heading("Result")
        text = msgspec.json.format(msgspec.json.encode(state.result), indent=2).decode()
        lines = safe_text(text).splitlines()
        yield from (f"  {_text(line)}" for line in lines[:SHOWN_LINES])
        if len(lines) > SHOWN_LINES:
            yield f"  … {len(lines) - SHOWN_LINES:,} more lines, with --json"


def _json(value: object) -> str:
    return _text(msgspec.json.encode(value).decode())


def _text(text: str) -> str:
    """A job's text on one line; of a long one the beginning, and where the rest is."""
    line = safe_line(text, limit=SHOWN_CHARS)
    return line if len(text) <= SHOWN_CHARS else f"{line} ({len(text):,} characters, all of them with --json)"


PARTS: tuple[Callable[[State, float], Iterator[str]], ...] = (
    _error,
    _stages,
    _findings,
    _highlights,
    _notes,
    _errors,
    _questions,
    _artifacts,
    _log,
    _result,
)
