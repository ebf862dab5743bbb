"""What all tests share."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

import pytest
from hypothesis import settings

# No test, nor a process that one starts, keeps anything in the state folder of whoever runs them.
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="headway-tests-")
atexit.register(shutil.rmtree, os.environ["XDG_STATE_HOME"], ignore_errors=True)

# Hypothesis' own deadline measures a shared machine, not our code.
settings.register_profile("quick", deadline=None, max_examples=60)
settings.register_profile("soak", deadline=None, max_examples=2_000)
settings.load_profile("soak" if os.environ.get("HEADWAY_SOAK") else "quick")

pytest.register_assert_rewrite("headway.testing")
