"""The fold is defined by examples: each case of ``conformance/cases`` holds."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from headway.progress.fold import Fold
from headway.progress.state import State
from tests.conformance.cases import CASES, read, section


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_events_fold_into_the_state(path: Path) -> None:
    case = read(path)
    fold = Fold("run-1")
    for event in case.events:
        fold.apply(event)
    state = fold.state()
    assert msgspec.json.decode(msgspec.json.encode(state)) == case.state
    assert state == case.expected()


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_any_state_on_the_way_is_enough_to_go_on_from(path: Path) -> None:
    case = read(path)
    for cut in {0, 1, 2, len(case.events) // 2, len(case.events) - 1} & set(range(len(case.events))):
        fold = Fold("run-1")
        for event in case.events[:cut]:
            fold.apply(event)
        fold = Fold.restore(msgspec.json.decode(msgspec.json.encode(fold.state()), type=State))
        for event in case.events[cut:]:
            fold.apply(event)
        assert msgspec.json.decode(msgspec.json.encode(fold.state())) == case.state


def test_cases_are_named_like_their_files() -> None:
    assert CASES
    assert all(read(path).name == path.stem for path in CASES)


def test_every_rule_has_a_case_and_every_case_a_rule() -> None:
    rules = re.findall(r"^\d+\. `([a-z-]+)`:", section("The fold"), re.MULTILINE)
    assert len(rules) == len(set(rules)) > 50
    assert {read(path).rule for path in CASES} == {*rules, "transitions"}
