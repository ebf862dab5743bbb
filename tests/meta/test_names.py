"""The public names are those of the reference, and the reference names every call that a job can make."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

import headway
from headway.ports import ArtifactStore, EventStore, Follower
from headway.reporter.reports import Finding
from tests.meta.documents import module_name, modules, names, section, text


def has_all(path: Path) -> bool:
    """Whether the package says what its public names are."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assigned = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    return any(isinstance(target, ast.Name) and target.id == "__all__" for target in assigned)


# What is in these is reached through `headway`, or only by a server: their names are for the package itself.
INTERNAL = ("headway.reporter.", "headway.hub.")
PACKAGES = [path for path in modules() if path.name == "__init__.py" and has_all(path)]
WITH_ALL = [name for name in map(module_name, PACKAGES) if not name.startswith(INTERNAL)]
PAGE = text("docs/reference/public-names.md")


def test_the_reference_has_every_package_with_public_names() -> None:
    assert re.findall(r"^## (.*)$", PAGE, re.MULTILINE) == sorted(WITH_ALL)


@pytest.mark.parametrize("module", WITH_ALL)
def test_public_names_are_those_of_the_reference(module: str) -> None:
    listed = names(section(PAGE, module).partition("\n\nBesides")[0])
    assert sorted(listed) == sorted(importlib.import_module(module).__all__)


@pytest.mark.parametrize("module", WITH_ALL)
def test_public_names_are_there(module: str) -> None:
    imported = importlib.import_module(module)
    assert all(getattr(imported, name, None) is not None for name in imported.__all__)


def test_other_names_that_the_reference_promises_are_there() -> None:
    for name in names(PAGE.partition("\n\nBesides")[2]):
        if name.startswith("headway."):
            module, _, member = name.rpartition(".")
            assert hasattr(importlib.import_module(module), member), name


def test_the_reference_of_reporting_has_every_method() -> None:
    page = text("docs/reference/reporting.md")
    called = set(re.findall(r"`(?:\w+\.)?(\w+)[(`]", page))
    for kind in (headway.Run, headway.Stage, Finding):
        public = {name for cls in kind.__mro__ for name in vars(cls) if not name.startswith("_")}
        assert public - called == set(), f"{kind.__name__} has methods that the reference does not name"
    assert set(headway.__all__) <= set(re.findall(r"headway\.(\w+)", page))


def test_the_reference_of_stores_has_every_method() -> None:
    page = text("docs/reference/store-port.md")
    called = set(re.findall(r"^\| `(\w+)\(", page, re.MULTILINE))
    public = {name for port in (EventStore, Follower, ArtifactStore) for name in vars(port) if not name.startswith("_")}
    assert called == public
