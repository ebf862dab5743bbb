"""The terminal's own progress, in its tab or in the task bar (``OSC 9;4``), where there is one."""

from __future__ import annotations

import os
from collections.abc import Mapping

from headway.cli.screen.watched import Picture

NORMAL, FAILED, WORKING, PAUSED = 1, 2, 3, 4
REMOVED = "\x1b]9;4;0;\x1b\\"

_PROGRAMS = ("ghostty", "WezTerm")
_VTE = 8000
"""VTE 0.80, the first that knows it."""


def knows_progress(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this terminal is one that shows progress; others could take it for a message to show."""
    if environment.get("TMUX") or environment.get("TERM", "").startswith("screen"):
        return False
    vte = environment.get("VTE_VERSION", "")
    return (
        bool(environment.get("WT_SESSION"))
        or environment.get("ConEmuANSI") == "ON"
        or environment.get("TERM_PROGRAM") in _PROGRAMS
        or (vte.isdecimal() and int(vte) >= _VTE)
    )


def taskbar_text(picture: Picture) -> str:
    """What to write for a picture."""
    state = picture.state
    if state is None or state.status == "pending":
        return f"\x1b]9;4;{WORKING};\x1b\\"
    kind = FAILED if state.status == "failed" else PAUSED if state.status == "lost" or picture.trouble else NORMAL
    return f"\x1b]9;4;{kind};{int(state.progress * 100 + 1e-9)}\x1b\\"
