"""Environment variables, commands and layers are documented as they are."""

from __future__ import annotations

import ast
import re
import tomllib

import pytest

from tests.meta.documents import ROOT, modules, names, rows, section, text

VARIABLE = re.compile(r"^[A-Z][A-Z0-9_]+\Z")
MAKEFILE = text("Makefile")
TARGETS = dict(re.findall(r"^([a-z]+):.*?## (.*)$", MAKEFILE, re.MULTILINE))


def asked_for(tree: ast.AST) -> set[str]:
    """The environment variables that some code asks for."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=source, attr="get"), args=[ast.Constant(value=str(name)), *_]):
                found |= {name} if _is_environment(source) else set()
            case ast.Call(func=ast.Attribute(attr="getenv"), args=[ast.Constant(value=str(name)), *_]):
                found.add(name)
            case ast.Subscript(value=source, slice=ast.Constant(value=str(name))):
                found |= {name} if _is_environment(source) else set()
            case ast.Constant(value=str(name)) if name.startswith(("HEADWAY_", "XDG_")) and VARIABLE.match(name):
                found.add(name)
    return found


def _is_environment(node: ast.AST) -> bool:
    return "environ" in ast.unparse(node)


def test_every_environment_variable_is_documented() -> None:
    asked = set[str]().union(*(asked_for(ast.parse(path.read_text(encoding="utf-8"))) for path in modules()))
    listed = [names(row[0])[0] for row in rows(text("docs/reference/settings.md"), "| variable |")]
    assert sorted(listed) == sorted(asked)


def test_a_way_to_ask_is_recognised() -> None:
    code = 'os.environ["A_B"]; environment.get("C_D"); os.getenv("E_F"); x = "HEADWAY_G"; y = {}["NO"]'
    assert asked_for(ast.parse(code)) == {"A_B", "C_D", "E_F", "HEADWAY_G"}


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/reference/settings.md"])
def test_commands_are_in_the_makefile(document: str) -> None:
    named = set(re.findall(r"\bmake ([a-z]+)\b(?=`|\s+#|$)", text(document), re.MULTILINE))
    assert named
    assert named <= set(TARGETS)


def test_the_readme_has_the_two_commands() -> None:
    assert {"make demo", "make test"} <= set(
        re.findall(r"^make \w+", section(text("README.md"), "Two commands"), re.MULTILINE)
    )


def test_contributing_explains_every_command() -> None:
    listed = [names(row[0])[0] for row in rows(text("CONTRIBUTING.md"), "| command |")]
    assert sorted(listed) == sorted(f"make {target}" for target in TARGETS)


def test_every_target_of_the_makefile_says_what_it_does() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert phony is not None
    assert sorted(phony[1].split()) == sorted(TARGETS)


def test_contributing_has_the_layers_that_are_enforced() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    enforced = next(contract for contract in settings["contracts"] if contract["type"] == "layers")["layers"]
    shown = [names(row[0]) for row in rows(text("CONTRIBUTING.md"), "| layer |")]
    assert [set(layer) for layer in shown] == [{name.strip(" ()") for name in layer.split("|")} for layer in enforced]
