"""Who reports."""

from __future__ import annotations

import os
import socket
import uuid

from headway.protocol.events import ReporterInfo


def new_reporter() -> ReporterInfo:
    """A new identity for this process: under its id the log numbers what this reporter sends."""
    return ReporterInfo(id=str(uuid.uuid4()), host=socket.gethostname(), pid=os.getpid())
