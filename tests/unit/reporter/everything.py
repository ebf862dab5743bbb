"""Every call that reports something."""

from __future__ import annotations

from typing import Any

from headway.reporter.run import Run


def report_everything(run: Run, odd: Any) -> None:
    """Give a value to every call, in every place."""
    run.update(title=odd, variant=odd, size=odd, meta=odd)
    with run.stage("a", title=odd, weight=odd, role=odd, expect=odd, total=odd, unit=odd, message=odd, data=odd) as a:
        a.advance(odd)
        a.update(progress=odd, current=odd, total=odd, unit=odd, message=odd, data=odd)
        a.degrade(odd, fallback=odd)
        a.complete(odd, data=odd)
    run.stage("b").fail(odd, code=odd, recoverable=odd)
    run.stage("c").skip(odd)
    run.stage("d").cancel(odd)
    run.finding(odd, severity=odd, id=odd, detail=odd, confidence=odd, evidence=odd).update(evidence=odd, title=odd)
    run.highlight(odd)
    run.note(odd)
    run.error(odd, code=odd, recoverable=odd)
    run.log(odd, stream=odd, level=odd)
    run.emit("x.own", odd, priority=odd)
    run.emit(odd, {"a": 1})
    run.artifact(odd, odd)
    run.artifact("name", odd, media_type=odd)
    run.result(odd)
