"""Python and the SQLite in use."""

from __future__ import annotations

import platform
from collections.abc import Iterator

from headway.doctor.check import Check, fine, problem
from headway.errors import StoreUnsafe

NEEDED_OPTIONS = {
    "OMIT_WAL": "it has no write-ahead log",
    "OMIT_JSON": "it cannot read JSON",
    "THREADSAFE=0": "it must not be used from several threads",
}
"""Compile options of SQLite with which a store does not work."""


def check_engine() -> Iterator[Check]:
    """Whether the SQLite that apsw carries loses nothing and can do what is needed."""
    import apsw

    from headway.stores.sqlite.connections import check_version

    version = apsw.sqlite_lib_version()
    try:
        check_version(version)
    except StoreUnsafe as error:
        yield problem("sqlite", str(error).partition(":")[0], "install a newer one:  pip install -U apsw")
        return
    lacking = [why for option, why in NEEDED_OPTIONS.items() if option in apsw.compile_options]
    if lacking:
        yield problem(
            "sqlite",
            f"SQLite {version} was built in a way that does not serve: {', '.join(lacking)}",
            "install apsw as it comes:  pip install --force-reinstall apsw",
        )
        return
    yield fine("sqlite", f"SQLite {version} in apsw {apsw.apsw_version()}, under Python {platform.python_version()}")
