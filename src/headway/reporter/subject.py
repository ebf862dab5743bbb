"""What a sign of life speaks of: a stage, or the run when none runs, with all that is known of it, and no more."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from headway.protocol.events import Number
from headway.reporter.loading import loading
from headway.reporter.templates import FIELDS, TEXT_CHARS, Template, Values, line

if TYPE_CHECKING:
    from headway.progress.state import StageState, State

FIELD_CHARS = 80
"""A title or a message in a sign: the figures after it must still be seen."""

OVERDUE = 1.2
"""Half of all runs take longer than the usual one; only so many times as long is worth a remark."""

COUNT_MAX = 1e15
"""Nothing that is counted, or measured in seconds, comes to as much: such a number is left out as nonsense."""

_REGULAR_NOUN = re.compile(r"[a-z]{2,}[a-rt-z]")


class Subject(msgspec.Struct, frozen=True):
    """A stage, or the run.

    Attributes:
        state: The run's state.
        stage: The stage in it; None for the run.
        elapsed_s: How long it has run; None if that is not known.
        expected_s: How long it usually takes; None if that is not known.
    """

    state: State
    stage: StageState | None
    elapsed_s: float | None
    expected_s: Number | None

    @property
    def path(self) -> str | None:
        """The stage's; None for the run."""
        return None if self.stage is None else self.stage.path

    @property
    def overdue(self) -> bool:
        """Whether it takes so much longer than usual that one should say so."""
        expected_s = _seconds(self.expected_s)
        return self.elapsed_s is not None and expected_s is not None and self.elapsed_s > OVERDUE * expected_s

    def filled(self, template: Template) -> str:
        """The template with what it names; empty if it cannot be used."""
        return template.filled(self._known())

    def filled_timeless(self, template: Template) -> str:
        """The same, but for the time that has passed."""
        return template.filled({**self._known(), "elapsed": ""})

    def plainly(self) -> str:
        """What is known, in words of our own."""
        known = self._known()
        name = known.get("stage") or known.get("path") or known.get("run") or "The run"
        said = ", ".join(part for part in (self._done(known), self._time(known)) if part)
        return line(f"{name}: {said or 'under way'}", TEXT_CHARS)

    def _known(self) -> Values:
        count = None if self.stage is None else _count(self.stage.current)
        findings = self._findings()
        every = {
            "run": line(self.state.title or self.state.kind, FIELD_CHARS),
            "n": findings if count is None else count,
            "findings": findings,
            "percent": _percent(self.state.progress if self.stage is None else self.stage.progress),
            "elapsed": _duration(self.elapsed_s),
            "expected": _duration(_seconds(self.expected_s)),
            **({} if self.stage is None else _of_stage(self.stage)),
        }
        return {field: value for field in FIELDS if (value := every.get(field)) is not None and value != ""}

    def _findings(self) -> int | None:
        """How many there are in it; None if none of those that the state has kept is, and it has not kept all."""
        findings = self.state.findings
        if self.stage is None:
            return findings.total
        inside = self.stage.path + "/"
        count = sum(f"{entry.stage}/".startswith(inside) for entry in findings.recent if entry.stage)
        if findings.total == len(findings.recent):
            return count
        return _AtLeast(count) if count else None

    def _done(self, known: Values) -> str:
        """How far it is, in the most telling way that is known."""
        if self.stage is not None and _count(self.stage.current) is not None:
            return _counted(known)
        if "message" in known:
            return str(known["message"])
        # A run without a plan stands at 100 after its first stage.
        if self.stage is not None and known["percent"]:
            return f"{known['percent']} %"
        found = known.get("findings")
        return f"{found} {_units('finding', found)}" if found else ""

    def _time(self, known: Values) -> str:
        so_far = f"{known['elapsed']} so far" if "elapsed" in known else ""
        if "expected" not in known:
            return so_far
        usual = f"about {known['expected']}"
        usually = f"longer than usual ({usual})" if self.overdue else f"usually {usual}"
        return ", ".join(part for part in (so_far, usually) if part)


class _AtLeast(int):
    """A count of which not everything was seen."""

    def __format__(self, spec: str) -> str:
        return f"{int(self):{spec}}+"


def _of_stage(stage: StageState) -> dict[str, str | Number | None]:
    total = _count(stage.total)
    return {
        "stage": line(stage.title or stage.path.rpartition("/")[2], FIELD_CHARS),
        "path": line(stage.path, FIELD_CHARS),
        "total": total if total is not None and total > 0 else None,
        "unit": line(stage.unit or "", FIELD_CHARS),
        "message": line(stage.message or "", FIELD_CHARS),
    }


def _counted(known: Values) -> str:
    done, total, unit = known["n"], known.get("total"), str(known.get("unit", ""))
    if total is None:
        return f"{done} {_units(unit, done) or 'done'}"
    return f"{done} of {total} {_units(unit, total)}".rstrip()


def _units(unit: str, count: str | Number) -> str:
    """The unit for a count; only what looks like an English word gets a plural."""
    if count == 1 or not _REGULAR_NOUN.fullmatch(unit):
        return unit
    if unit.endswith(("x", "z", "ch", "sh")):
        return unit + "es"
    if unit.endswith("y") and unit[-2] not in "aeiou":
        return unit[:-1] + "ies"
    return unit + "s"


def _count(value: Number | None) -> Number | None:
    if value is None or not abs(value) < COUNT_MAX:
        return None
    rounded = round(value, 1)
    return int(rounded) if rounded == int(rounded) else rounded


def _seconds(value: Number | None) -> Number | None:
    return value if value is not None and 0 < value < COUNT_MAX else None


def _percent(progress: float) -> int:
    """In whole ones, 100 only at the end."""
    return round(progress * 1_000_000) // 10_000


def _duration(seconds: float | None) -> str:
    # Loaded in the first silence: a job that is never silent pays nothing for it.
    with loading():
        from headway.progress.remaining.duration_text import format_duration

    return "" if seconds is None else format_duration(seconds)
