"""Debian's Chromium, without a window."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = shutil.which("chromium")

# Nothing of its own goes to the network: what it asks for there would be refused, again and again.
QUIET = ["--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser, ended with the block; the test is skipped where there is none."""
    if CHROMIUM is None:
        pytest.skip("needs chromium: scripts/debian installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET, chromium_sandbox=False)
        try:
            yield browser
        finally:
            browser.close()
