"""``headway answer``: answer a job's question."""

from __future__ import annotations

import time
from collections.abc import Iterator

import click

from headway.cli import output
from headway.cli.answering import choose_question, open_questions, parse_answer, value_text
from headway.cli.options import complete_question, complete_run, examples, json_option, typed_url, url_option
from headway.cli.safe import safe_line
from headway.cli.screen.reports import answer_command
from headway.cli.source import Source, find_run, open_source
from headway.errors import Answered
from headway.ports import RunFilter
from headway.progress.state import InputEntry, State

ASKED_RUNS = 1_000
"""Running runs whose questions are listed."""


@click.command(
    epilog=examples(
        "headway answer",
        "headway answer 0191f1c2 yes",
        "headway answer 0191f1c2 q-5d0c 42",
        "headway answer 0191f1c2 q-5d0c -- -1",
        "headway answer 0191f1c2 q-5d0c '{\"words\": 500}'",
    )
)
@click.argument("run", required=False, shell_complete=complete_run)
@click.argument("id_", metavar="[ID]", required=False, shell_complete=complete_question)
@click.argument("value", required=False)
@click.option("--text", "is_text", is_flag=True, help="VALUE is text, also if it looks like JSON.")
@json_option
@url_option
def command(run: str | None, id_: str | None, value: str | None, is_text: bool, as_json: bool, url: str | None) -> None:
    """Answer a question of a run; with no VALUE, list the questions that wait.

    ID may be left out when only one waits. VALUE is one of the question's choices, or JSON that fits its schema;
    anything that is not JSON is text.
    """
    with open_source(url) as source:
        if run is None or id_ is None:
            _list(source, run, as_json=as_json, url=typed_url(url))
        elif value is None:
            give(source, find_run(source, run), None, id_, is_text=is_text, as_json=as_json)
        else:
            give(source, find_run(source, run), id_, value, is_text=is_text, as_json=as_json)


def _list(source: Source, run: str | None, *, as_json: bool, url: str | None) -> None:
    asked = [(state, entry) for state in _states(source, run) for entry in open_questions(state, time.time())]
    if as_json:
        output.say_json({"questions": [{"run_id": state.run_id, "input": entry} for state, entry in asked]})
        return
    if not asked:
        output.remark("no question waits for an answer")
    for state, entry in asked:
        output.say(f"{output.styled(safe_line(entry.prompt), 'bold')}{_wanted(entry)}")
        output.say(f"  {answer_command(state.run_id, entry, url)}")


def _states(source: Source, run: str | None) -> Iterator[State]:
    if run is not None:
        yield source.show(find_run(source, run)).state
        return
    for short in source.list_runs(RunFilter(status="running"), limit=ASKED_RUNS).runs:
        yield source.show(short.run_id).state


def _wanted(entry: InputEntry) -> str:
    if entry.choices is not None:
        return f" ({', '.join(map(value_text, entry.choices))})"
    return "" if entry.schema is None else f" ({value_text(entry.schema)})"


def give(
    source: Source, run_id: str, id_: str | None, text: str, *, is_text: bool = False, as_json: bool = False
) -> None:
    """Answer a question.

    Raises:
        HeadwayError: Somebody else's answer counts, or nobody waits for one.
        InvalidInput: It is not what the question wants.
    """
    entry = choose_question(source.show(run_id).state, id_, time.time())
    value = parse_answer(entry, text, is_text=is_text)
    try:
        source.answer(run_id, entry.id, value)
    except Answered:
        choose_question(source.show(run_id).state, entry.id, time.time())  # says what counts, and who was faster
        raise
    if as_json:
        output.say_json({"run_id": run_id, "id": entry.id, "value": value})
    else:
        output.say(f"answered {safe_line(entry.prompt)!r}: {value_text(value)}")
