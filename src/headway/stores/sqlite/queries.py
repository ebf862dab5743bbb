"""The statements of ``queries.sql``, by name."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

import apsw

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def _load() -> dict[str, str]:
    text = resources.files(__package__).joinpath("queries.sql").read_text(encoding="utf-8")
    parts = _NAME.split(text)
    return {name: sql.strip() for name, sql in zip(parts[1::2], parts[2::2], strict=True)}


SQL = _load()


Values = tuple[Any, ...]


def fetch(connection: apsw.Connection, name: str, *bindings: apsw.SQLiteValue) -> list[Values]:
    """All rows of a named statement; also for statements that give none."""
    return connection.execute(SQL[name], bindings).fetchall()


def fetch_one(connection: apsw.Connection, name: str, *bindings: apsw.SQLiteValue) -> Values | None:
    """The first row of a named statement, or None."""
    return connection.execute(SQL[name], bindings).fetchone()


def execute(connection: apsw.Connection, name: str, *bindings: apsw.SQLiteValue) -> None:
    """Run a named statement that gives no rows."""
    connection.execute(SQL[name], bindings)
