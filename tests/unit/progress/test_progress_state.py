from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec

from headway.progress.state import BySeverity, Findings, LogTotals, Short, ShortState, StageState, State, View

PROTOCOL = (Path(__file__).parents[3] / "PROTOCOL.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```json\n(.*?)```", PROTOCOL.partition("## State and view")[2], re.DOTALL)
ADDED = ["size", "duration", "queue"]


def names(type_: type[msgspec.Struct]) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(type_)]


def test_the_members_are_those_of_the_protocol_in_its_order() -> None:
    state = json.loads(EXAMPLES[0])
    view = json.loads("{" + EXAMPLES[1] + "}")["view"]
    assert names(State) == [*state, *ADDED]
    assert names(StageState) == [*state["stages"][0]]
    assert names(Findings) == [*state["findings"]]
    assert names(BySeverity) == [*state["findings"]["by_severity"]]
    assert names(LogTotals) == [*state["log"]]
    assert names(View) == [*view, "queue"]


def test_the_short_forms_are_those_of_the_protocol() -> None:
    listed = re.search(r"\*\*Short state\*\*.*?: (.*?)\.\n", PROTOCOL)
    framed = re.search(r"short \(([a-z, ]+)\)", PROTOCOL)
    assert listed
    assert framed
    assert [name for name in names(ShortState) if name != "queue"] == listed[1].split(", ")
    assert names(Short) == framed[1].split(", ")


def test_the_protocols_own_example_is_a_state() -> None:
    assert msgspec.json.decode(EXAMPLES[0], type=State).stages[0].total == 16


def test_every_member_is_written() -> None:
    written = json.loads(msgspec.json.encode(State(run_id="r", stages=(StageState(path="a"),))))
    assert [*written] == names(State)
    assert [*written["stages"][0]] == names(StageState)
    assert written["stages"][0]["reason"] is None
