"""What the sending thread imports and opens, so that the job need not wait for it.

A child that is forked while another thread imports a module would wait for ever for that module, since the thread does
not exist there; a store that is half open would stay so. So a fork waits until nothing is being loaded here: some
milliseconds, at the beginning of a run. The gate is the one that the stores go through, and stands from the moment this
module is imported.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from headway.ports.forking import unforked


def loading() -> AbstractContextManager[None]:
    """To be held around imports, and the opening of stores, in another thread than the job's."""
    return unforked()
