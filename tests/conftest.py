"""What all tests share."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# Hypothesis' own deadline measures a shared machine, not our code.
settings.register_profile("quick", deadline=None, max_examples=60)
settings.register_profile("soak", deadline=None, max_examples=2_000)
settings.load_profile("soak" if os.environ.get("HEADWAY_SOAK") else "quick")

pytest.register_assert_rewrite("headway.testing")
