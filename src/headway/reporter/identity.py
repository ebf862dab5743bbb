"""Who reports."""

from __future__ import annotations

import os
import time

from headway.protocol.events import ReporterInfo
from headway.protocol.names import uuid7


def new_reporter() -> ReporterInfo:
    """A new identity for this process: under its id the log numbers what this reporter sends."""
    return ReporterInfo(id=uuid7(time.time(), os.urandom(10)), host=_host(), pid=os.getpid())


def _host() -> str | None:
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME")
