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
        from headway.errors import MissingExtra

        sys.stderr.write(f"headway: {MissingExtra(f'{error.name} is missing', extra='cli')}\n")
        sys.exit(MISSING_EXTRA)
    from headway.cli.app import run_app

    sys.exit(run_app(sys.argv[1:]))
