"""The doctor knows every variable that Headway asks for, and says what is wrong with their values."""

from __future__ import annotations

import ast

import pytest

from headway.doctor.settings import KNOWN, check_settings
from headway.errors import InvalidInput
from headway.hub.choosing import chosen_estimator
from tests.meta.documents import modules, names, rows, text
from tests.meta.test_settings import asked_for


def test_it_knows_all_variables() -> None:
    asked = set[str]().union(*(asked_for(ast.parse(path.read_text(encoding="utf-8"))) for path in modules()))
    documented = {names(row[0])[0] for row in rows(text("docs/reference/settings.md"), "| variable |")}
    assert {name for name in asked | documented if name.startswith("HEADWAY_")} == set(KNOWN)


def levels(**environment: str) -> list[str]:
    return [check.level for check in check_settings(environment)]


def test_nothing_given_is_well() -> None:
    assert levels() == levels(PATH="/bin", HEADWAY_URL="none:", HEADWAY_LEASE_S="30", HEADWAY_KEY="k" * 32) == ["ok"]


@pytest.mark.parametrize("value", ["", "1", "86400", " 5 ", "1e3"])
def test_spans_that_are_taken(value: str) -> None:
    assert levels(HEADWAY_LEASE_S=value) == ["ok"]


@pytest.mark.parametrize("value", ["0.9", "86401", "inf", "nan", "-1", "5s", "٣٠٠٠٠٠"])
def test_spans_that_are_not(value: str) -> None:
    assert levels(HEADWAY_LEASE_S=value) == ["problem"]


@pytest.mark.parametrize("value", ["", "learned", "ema", "ema:0.3", "headway.progress.remaining.registry:estimator"])
def test_estimators_that_there_are(value: str) -> None:
    assert levels(HEADWAY_ESTIMATOR=value) == ["ok"]


@pytest.mark.parametrize("value", ["bogus", "ema:2", "os:getcwd", "no.such:thing"])
def test_estimators_that_there_are_not_are_told_as_the_commands_tell_them(value: str) -> None:
    (check,) = check_settings({"HEADWAY_ESTIMATOR": value})
    with pytest.raises(InvalidInput) as told:
        chosen_estimator(value)
    assert (check.level, check.text) == ("problem", f"HEADWAY_ESTIMATOR: {told.value}")


def test_each_fault_is_told() -> None:
    assert levels(HEADWAY_URLS="x", HEADWAY_KEY="short", HEADWAY_FLUSH_S="x", XDG_STATE_HOME="x") == [
        "warning", "problem", "problem", "warning",
    ]  # fmt: skip


def test_what_is_for_our_own_tests_is_proposed_to_nobody() -> None:
    for name in ("HEADWAY_SPOOL", "HEADWAY_X"):
        (check,) = check_settings({name: "x"})
        assert "HEADWAY_SOAK" not in (check.remedy or "")
