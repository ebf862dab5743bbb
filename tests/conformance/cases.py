"""The conformance cases, and what it means to pass one."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from headway.progress.state import State
from headway.protocol.events import Event, JsonObject

ROOT = Path(__file__).parents[2]
CASES = sorted((ROOT / "conformance" / "cases").glob("*.json"))
PROTOCOL = (ROOT / "PROTOCOL.md").read_text(encoding="utf-8")


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    rule: str
    events: list[Event]
    state: JsonObject

    def expected(self) -> State:
        """The state with its types checked, which tells 1 from true."""
        return msgspec.json.decode(msgspec.json.encode(self.state), type=State)


def read(path: Path) -> Case:
    return msgspec.json.decode(path.read_bytes(), type=Case)


def section(title: str) -> str:
    """The text of one section of PROTOCOL.md."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PROTOCOL, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def tables(text: str) -> list[list[list[str]]]:
    """The tables in a text, as rows of cells, without the line under the heading."""
    found = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    return [
        [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in rows if not line.startswith("|-")]
        for rows in (table.splitlines() for table in found)
    ]
