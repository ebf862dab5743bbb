"""Programs as runs: started, followed, understood and stopped."""

from headway.runners.command import command
from headway.runners.options import Settings
from headway.runners.outcome import Outcome

__all__ = ["Outcome", "Settings", "command"]
