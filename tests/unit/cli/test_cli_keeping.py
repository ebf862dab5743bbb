"""How long ended runs are kept, as it is typed."""

from __future__ import annotations

import click
import pytest

from headway.cli.keeping import retention, retention_text
from headway.hub.settings import HubSettings
from headway.ports import Lifetime, PrunePolicy

HOUR_S = 3600.0


def test_a_day_by_default() -> None:
    assert retention(()) == HubSettings().retention == (PrunePolicy(older_than_s=24 * HOUR_S),)
    assert retention_text(()) == "24h"


def test_by_kind_and_by_status() -> None:
    said = ("audit=forever", "7d", "failed=30d", "a=b=1h")
    lifetimes = (
        Lifetime(kind="audit", kept_s=None),
        Lifetime(status="failed", kept_s=720 * HOUR_S),
        Lifetime(kind="a=b", kept_s=HOUR_S),
    )
    assert retention(said) == (PrunePolicy(older_than_s=168 * HOUR_S, lifetimes=lifetimes),)
    assert retention_text(said) == "7d, audit=forever, failed=30d, a=b=1h"


def test_for_ever() -> None:
    assert retention(("forever",)) == (PrunePolicy(),)


@pytest.mark.parametrize("status", ["pending", "running", "lost"])
def test_of_runs_that_have_not_ended(status: str) -> None:
    with pytest.raises(click.BadParameter, match=f"{status} runs have not ended"):
        retention((f"{status}=7d",))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("canceled", "cancelled"),
        ("complete", "completed"),
        ("faild", "failed"),
        ("fail", "failed"),
        ("FAILED", "failed"),
    ],
)
def test_a_status_that_was_mistyped_is_no_kind(typed: str, meant: str) -> None:
    with pytest.raises(click.BadParameter, match=f"'{typed}' is no status: did you mean '{meant}'"):
        retention((f"{typed}=7d",))


def test_kinds_that_are_not_so_like_a_status() -> None:
    kinds = ("compile", "crawl", "mail", "feed", "compose")
    assert [each.kind for each in retention([f"{kind}=1h" for kind in kinds])[0].lifetimes] == list(kinds)


@pytest.mark.parametrize("kind", ["computed", "FAILED", "failed", "lost", "kind:x", "kind:", "a=b", "forever"])
def test_any_kind_can_be_said(kind: str) -> None:
    assert retention((f"kind:{kind}=1h",))[0].lifetimes == (Lifetime(kind=kind, kept_s=HOUR_S),)


@pytest.mark.parametrize("name", ["computed", "lost"])
def test_who_is_refused_hears_how_to_say_the_kind(name: str) -> None:
    with pytest.raises(click.BadParameter, match=f"kind:{name}"):
        retention((f"{name}=7d",))


@pytest.mark.parametrize(
    "said", [("1 day or so",), ("=7d",), ("audit=",), ("1d", "2d"), ("audit=1d", "kind:audit=2d"), ("kind:=1d",)]
)
def test_what_nobody_can_mean(said: tuple[str, ...]) -> None:
    with pytest.raises(click.BadParameter):
        retention(said)
