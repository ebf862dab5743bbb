"""``headway log``: what a run has logged, as it was."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

import click
import msgspec

from headway.cli import output
from headway.cli.amount import size_text
from headway.cli.following import Following
from headway.cli.log_lines import Cut, Joiner, LogLine, Missing, Piece, pieces
from headway.cli.options import complete_stage, examples, json_option, newest_run_argument, url_option
from headway.cli.safe import safe_line, safe_text
from headway.cli.source import Source, find_run, open_source
from headway.errors import NotFound
from headway.ports import LogQuery, Record
from headway.protocol.events import TERMINAL
from headway.protocol.ready import ready

TYPES = ("log", "log.gap", *sorted(TERMINAL))
GROWTH = 4
"""By which a tail is asked for again when long lines took up the first one."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to see of a log, and how."""

    run: str | None
    follow: bool
    tail: int | None
    stage: str | None
    stream: str | None
    as_json: bool
    times: bool
    raw: bool


@click.command(
    epilog=examples(
        "headway log",
        "headway log 0191f1c2 -f",
        "headway log 0191f1c2 --stream stderr --tail 20",
        "headway log 0191f1c2 --json | jq .text",
    )
)
@newest_run_argument
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until the run ends.")
@click.option("-n", "--tail", type=click.IntRange(min=0), metavar="N", help="Only the newest N lines.")
@click.option("--stage", metavar="PATH", shell_complete=complete_stage, help="Only this stage's lines.")
@click.option("--stream", metavar="NAME", help="Only this stream's lines: stdout, stderr, log.")
@click.option("-t", "--times", is_flag=True, help="Begin each line with its time, in UTC.")
@click.option("--raw", is_flag=True, help="Leave escape sequences in also on a terminal, which they can control.")
@json_option
@url_option
def command(url: str | None, **options: object) -> None:
    """Print what a run has logged, by default the newest run.

    The text goes to standard output as it was reported; what is no longer kept is said on standard error. On a terminal
    only its colours stay.
    """
    wanted = msgspec.convert(options, Wanted)
    with open_source(url) as source:
        _print(source, find_run(source, wanted.run), wanted)


def _print(source: Source, run_id: str, wanted: Wanted) -> None:
    printer = Printer(wanted)
    after = None
    if wanted.tail is not None:
        after = source.newest(run_id)
        printer.take_tail(_tail(source, run_id, wanted), wanted.tail)
    if wanted.follow:
        for page in Following(source, run_id, after, TYPES).pages():
            printer.take(page.records)
    elif wanted.tail is None:
        _print_all(source, run_id, printer)
    printer.end()
    if not printer.printed and wanted.tail != 0:
        _say_why_nothing(source, run_id, wanted)


def _say_why_nothing(source: Source, run_id: str, wanted: Wanted) -> None:
    """Raises NotFound if the stage that is wanted is none of the run's."""
    if wanted.stage:
        stages = [stage.path for stage in source.show(run_id).state.stages]
        if wanted.stage not in stages:
            raise NotFound(f"run {run_id} has no stage {wanted.stage!r}: it has {_list(stages) or 'none at all'}")
    logged = _logged(source, run_id)
    streams = {line.stream for line in logged if wanted.stage in (None, line.stage or "")}
    place = f"stage {safe_line(wanted.stage)}" if wanted.stage else f"run {run_id}"
    if streams and wanted.stream is not None:
        output.remark(f"{place} has no lines on {wanted.stream!r} in the log, only on {_list(sorted(streams))}")
    elif wanted.stage is not None or wanted.stream is not None:
        output.remark(f"{place} has no lines in the log")


def _logged(source: Source, run_id: str) -> Iterator[LogLine]:
    page = source.events(run_id, types=("log",))
    while page.records:
        yield from (piece for piece in pieces(page.records) if isinstance(piece, LogLine))
        page = source.events(run_id, page.cursor, types=("log",))


def _list(names: Sequence[str]) -> str:
    return safe_line(", ".join(names))


def _print_all(source: Source, run_id: str, printer: Printer) -> None:
    page = source.events(run_id, types=TYPES)
    while page.records:
        printer.take(page.records)
        if page.complete:
            return
        page = source.events(run_id, page.cursor, types=TYPES)


def _tail(source: Source, run_id: str, wanted: Wanted) -> list[Piece]:
    """At least as many pieces as lines are wanted, if there are; more if some of them are parts of one line."""
    tail, before = wanted.tail or 0, -1
    while True:
        records = source.log(run_id, LogQuery(tail=tail, stage=wanted.stage, stream=wanted.stream)).records
        found = list(pieces(records))
        whole = sum(1 for piece in found if isinstance(piece, LogLine) and (wanted.as_json or not piece.partial))
        # One more than wanted, since the first may be the end of a line that began before.
        if whole > (wanted.tail or 0) or len(records) == before:
            return found
        tail, before = tail * GROWTH + 1, len(records)


class Printer:
    """Prints lines on standard output, and what is missing on standard error.

    Attributes:
        printed: Whether there was a line.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._joiner = Joiner()
        self._newest = 0
        self._cut = Cut(0, 0)
        self.printed = False
        self._write = _write_json if wanted.as_json else _text_writer(wanted)

    def take(self, records: Iterable[Record]) -> None:
        """Print events past those that were printed already."""
        for line in self._lines(pieces(record for record in records if record.seq > self._newest)):
            self._print(line)
        sys.stdout.flush()

    def take_tail(self, found: list[Piece], count: int) -> None:
        """Print the last lines of these, so many at most."""
        lines = list(self._lines(found))
        if not self._wanted.follow:
            lines += self._joiner.rest()
        if len(lines) > count:
            lines, self._cut = lines[len(lines) - count :], Cut(0, 0)
        for line in lines:
            self._print(line)
        self._newest = max((piece.seq for piece in found if isinstance(piece, LogLine)), default=0)
        sys.stdout.flush()

    def end(self) -> None:
        """Print what is left, and say what is missing after it."""
        for line in self._joiner.rest():
            self._print(line)
        self._tell_cut()

    def _lines(self, found: Iterable[Piece]) -> Iterator[LogLine]:
        """The lines that are wanted, joined for people; the rest is counted."""
        for piece in found:
            if isinstance(piece, Cut):
                self._cut = Cut(self._cut.size_bytes + piece.size_bytes, self._cut.lines + piece.lines)
            elif isinstance(piece, Missing):
                output.remark(f"{piece.reports:,} reports were lost here before they were stored")
            elif self._is_wanted(piece):
                line = piece if self._wanted.as_json else self._joiner.take(piece)
                if line is not None:
                    yield line

    def _is_wanted(self, line: LogLine) -> bool:
        wanted = self._wanted
        return wanted.stage in (None, line.stage or "") and wanted.stream in (None, line.stream)

    def _print(self, line: LogLine) -> None:
        self._tell_cut()
        self.printed = True
        self._write(line)

    def _tell_cut(self) -> None:
        cut, self._cut = self._cut, Cut(0, 0)
        if cut.size_bytes:
            output.remark(f"{size_text(cut.size_bytes)} in {cut.lines:,} lines of older text are no longer kept")


def _write_json(line: LogLine) -> None:
    output.say_json(line)


def _text_writer(wanted: Wanted) -> Callable[[LogLine], None]:
    write = sys.stdout.buffer.write
    as_it_was = wanted.raw or not output.is_terminal()
    colours = output.has_colours()

    def print_text(line: LogLine) -> None:
        text = line.text if as_it_was else safe_text(line.text, colours=colours)
        if wanted.times:
            text = f"{line.at}  {text}"
        write(text.encode("utf-8", "replace") + b"\n")

    return print_text


ready(Wanted)
