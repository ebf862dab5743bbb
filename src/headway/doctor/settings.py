"""The ``HEADWAY_`` variables of the environment."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path

from headway.doctor.check import Check, fine, problem, warning
from headway.errors import InvalidInput
from headway.hub.choosing import chosen_estimator

FOR_JOBS = (
    "HEADWAY_URL",
    "HEADWAY_TOKEN",
    "HEADWAY_KEY",
    "HEADWAY_LEASE_S",
    "HEADWAY_FLUSH_S",
    "HEADWAY_ESTIMATOR",
    "HEADWAY_RUN_ID",
    "HEADWAY_ARTIFACTS",
)
"""What somebody may have meant by another name."""

KNOWN = (*FOR_JOBS, "HEADWAY_SOAK")
"""All that anything of Headway looks at, or sets; the last is for its own tests."""

RANGES = {"HEADWAY_LEASE_S": (1.0, 86_400.0), "HEADWAY_FLUSH_S": (0.0, 3_600.0)}
"""Seconds that a variable may say."""

KEY_BYTES = 32
"""A shorter key can be guessed."""


def _is_ours(name: str) -> bool:
    return name.upper().partition("_")[0] == "HEADWAY"


def check_settings(environment: Mapping[str, str]) -> Iterator[Check]:
    """Whether they have names that somebody asks for, and values that will be taken."""
    found = [
        *_names(environment),
        *_numbers(environment),
        *_key(environment),
        *_estimator(environment),
        *_state_folder(environment),
    ]
    yield from found
    if not found:
        said = sorted(name for name in environment if _is_ours(name))
        yield fine("settings", f"{', '.join(said)} can be understood" if said else "none are given")


def _names(environment: Mapping[str, str]) -> Iterator[Check]:
    for name in sorted(environment):
        if _is_ours(name) and name not in KNOWN:
            meant = difflib.get_close_matches(name.upper(), FOR_JOBS, n=1)
            remedy = f"rename it to {meant[0]}" if meant else f"remove it; there are {', '.join(FOR_JOBS)}"
            yield warning("settings", f"nothing looks at {name}", remedy)


def _numbers(environment: Mapping[str, str]) -> Iterator[Check]:
    for name, (least, most) in RANGES.items():
        text = environment.get(name)
        if text and not _is_within(text, least, most):
            remedy = f"give seconds, from {least:g} to {most:g}"
            yield problem("settings", f"{name} is {text!r}, which is not taken", remedy)


def _is_within(text: str, least: float, most: float) -> bool:
    try:
        return least <= float(text) <= most
    except ValueError:
        return False


def _key(environment: Mapping[str, str]) -> Iterator[Check]:
    key = environment.get("HEADWAY_KEY")
    if key and len(key.encode("utf-8", "surrogateescape")) < KEY_BYTES:
        remedy = "make one:  python -c 'import secrets; print(secrets.token_hex(32))'"
        yield problem("settings", f"HEADWAY_KEY has fewer than {KEY_BYTES} bytes, so that it could be guessed", remedy)


def _estimator(environment: Mapping[str, str]) -> Iterator[Check]:
    try:
        chosen_estimator(environment=environment)
    except InvalidInput as error:
        yield problem("settings", f"HEADWAY_ESTIMATOR: {error}", "choose one that there is, or remove it")


def _state_folder(environment: Mapping[str, str]) -> Iterator[Check]:
    state = environment.get("XDG_STATE_HOME")
    if state and not Path(state).is_absolute():
        remedy = "make it absolute, or remove it"
        yield warning("settings", f"XDG_STATE_HOME is {state!r}, which is not absolute, and so is ignored", remedy)
