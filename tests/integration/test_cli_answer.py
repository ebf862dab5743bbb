"""``headway answer``: people answer jobs that wait."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import headway
from headway.protocol import events
from headway.stores.sqlite import SqliteEventStore
from tests.integration.command_line import CommandLine
from tests.integration.jobs import Job, job, state, tell, until


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


@contextmanager
def asking(cli: CommandLine, question: str) -> Iterator[Job]:
    """A job that asks, and says what it was answered."""
    code = f"""
with headway.run("release", run_id="run", target=url) as run:
    try:
        say(repr(run.ask({question})))
    except TimeoutError:
        say("nobody")
"""
    with job(code, cli.path) as worker:
        until(cli.path.exists)
        store = SqliteEventStore(cli.path)
        until(lambda: store.list_runs().headers and state(store).inputs)
        store.close()
        yield worker


def test_the_only_question(cli: CommandLine) -> None:
    with asking(cli, '"Publish?", choices=["yes", "no"]') as worker:
        assert cli("answer", "run", "yes").out == "answered 'Publish?': yes\n"
        assert worker.hear() == "'yes'"
        worker.end()


def test_json_that_fits_a_schema(cli: CommandLine) -> None:
    with asking(cli, '"How many?", schema={"type": "integer", "maximum": 9}') as worker:
        assert "of type integer" in cli("answer", "run", "many", code=2).err
        assert "at most 9" in cli("answer", "run", "10", code=2).err
        done = cli("answer", "run", "3", "--json").json
        assert (done["run_id"], done["value"], sorted(done)) == ("run", 3, ["id", "run_id", "value"])
        assert worker.hear() == "3"
        worker.end()


def test_what_is_no_choice_is_refused_with_the_choices(cli: CommandLine) -> None:
    with asking(cli, '"Publish?", choices=["yes", "no"]') as worker:
        assert "yes, no" in cli("answer", "run", "maybe", code=2).err
        cli("answer", "run", "no")
        assert worker.hear() == "'no'"
        worker.end()


def test_text_that_looks_like_json(cli: CommandLine) -> None:
    with asking(cli, '"Name?"') as worker:
        cli("answer", "run", "--text", "42")
        assert worker.hear() == "'42'"
        worker.end()


def test_questions_that_wait_are_listed_with_how_to_answer(cli: CommandLine) -> None:
    with asking(cli, '"Publi\\x1b[2Jsh?", choices=["yes", "no"]') as worker:
        question, command = cli("answer").lines
        assert question == "Publish? (yes, no)"
        assert cli("answer", "run").lines == [question, command]
        listed = cli("answer", "--json").json
        assert listed["questions"][0]["run_id"] == "run"
        assert listed["questions"][0]["input"]["choices"] == ["yes", "no"]
        assert command.split()[:2] == ["headway", "answer"]
        cli(*command.split()[1:])
        assert worker.hear() == "'yes'"
        worker.end()
    assert "no question" in cli("answer").err


def test_how_to_answer_in_another_store_names_it(cli: CommandLine) -> None:
    cli.path = cli.folder / "other jobs.db"
    with asking(cli, '"How many?"') as worker:
        elsewhere = {"HEADWAY_URL": f"sqlite:///{cli.folder}/none.db"}
        _, command = cli("answer", "--url", cli.url, environment=elsewhere).lines
        words = shlex.split(command)
        assert (words[:4], words[-1]) == (["headway", "answer", "--url", cli.url], "VALUE")
        cli(*words[1:-1], "3", environment=elsewhere)
        assert worker.hear() == "3"
        worker.end()


def test_only_the_first_answer_counts(cli: CommandLine) -> None:
    with asking(cli, '"Publish?"') as worker:
        store = SqliteEventStore(cli.path)
        id_ = state(store).inputs[0].id
        cli("answer", "run", id_, "first")
        done = cli("answer", "run", id_, "second", code=1)
        assert re.search(rf"'{id_}' was answered already by \S+: first", done.err)
        assert worker.hear() == "'first'"
        worker.end()
    assert state(store).inputs[0].value == "first"


def test_a_question_that_nobody_waits_for(cli: CommandLine) -> None:
    with asking(cli, '"Publish?", timeout=0.05') as worker:
        assert worker.hear() == "nobody"
        worker.end()
    store = SqliteEventStore(cli.path)
    id_ = state(store).inputs[0].id
    assert "has ended" in cli("answer", "run", id_, "yes", code=1).err
    assert "asks nothing" in cli("answer", "run", "yes", code=3).err
    assert "asked nothing called 'other'" in cli("answer", "run", "other", "yes", code=3).err


def test_several_questions_must_be_named(cli: CommandLine) -> None:
    run = headway.run("release", run_id="run", target=cli.url)
    run.start()
    run.flush()
    store = SqliteEventStore(cli.path)
    for id_ in ("a", "b"):
        tell(store, events.InputRequested(id=id_, prompt=f"{id_}?"))
    assert "say which: a, b" in cli("answer", "run", "yes", code=3).err
    cli("answer", "run", "b", "null")
    found = {entry.id: (entry.value, entry.given_at is None) for entry in state(store).inputs}
    assert found == {"a": (None, True), "b": (None, False)}
    run.complete()
