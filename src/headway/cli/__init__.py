"""The command ``headway``: run anything, watch anything.

``app`` finds the commands, each in a file of its own under ``commands``; ``source`` is where what they show comes
from, a store or a server; ``exits`` says what their exit codes mean.
"""

from __future__ import annotations

import sys

MISSING_EXTRA = 2


def main() -> None:
    """Run the command line, and exit."""
    try:
        import click  # noqa: F401
        import rich  # noqa: F401
    except ImportError as error:
        sys.stderr.write(f"headway: {error.name} is missing: install the extra with  pip install 'headway[cli]'\n")
        sys.exit(MISSING_EXTRA)
    from headway.cli.app import run_app

    sys.exit(run_app(sys.argv[1:]))
