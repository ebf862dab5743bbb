"""Runs the cases that are data."""

from __future__ import annotations

import secrets

import httpx
import msgspec

from headway.protocol import limits
from headway.protocol.events import Json
from headway.testing.conformance.case import Case, Step, fault, filled

AT = "2026-11-20T19:41:03.120Z"


class Broken(AssertionError):
    """The server does not keep a rule; the message says how."""


def fresh_run() -> str:
    """An id that no run has."""
    return f"conformance-{secrets.token_hex(8)}"


def _variables() -> dict[str, Json]:
    deep: Json = 1
    for _ in range(limits.JSON_DEPTH + 1):
        deep = [deep]
    many: list[Json] = [{"at": AT, "type": "note", "data": {"text": "x"}} for _ in range(limits.BATCH_EVENTS + 1)]
    return {
        "run": fresh_run(),
        "reporter": f"reporter-{secrets.token_hex(8)}",
        "16KiB": "x" * limits.THUMBNAIL_BYTES,
        "64KiB": "x" * limits.EVENT_BYTES,
        "1001 events": many,
        "1001 stages": [{"path": f"stage {number}"} for number in range(limits.STAGES_PER_RUN + 1)],
        "33 levels": deep,
    }


async def run_case(http: httpx.AsyncClient, case: Case) -> None:
    """Do all steps of a case. Raises Broken."""
    variables = _variables()
    for number, step in enumerate(case.steps, 1):
        try:
            await _do(http, step, variables)
        except Broken as broken:
            raise Broken(f"step {number} ({step.do}): {broken}") from None


async def _do(http: httpx.AsyncClient, step: Step, variables: dict[str, Json]) -> None:
    method, _, path = str(filled(step.do, variables)).partition(" ")
    headers = {name: str(filled(value, variables)) for name, value in step.headers.items()}
    content = None if step.body is None else step.body.encode()
    if step.json is not msgspec.UNSET:
        content = msgspec.json.encode(filled(step.json, variables))
        headers.setdefault("Content-Type", "application/json")
    answer = await http.request(method, path.removeprefix("/"), content=content, headers=headers)
    if answer.status_code != step.status:
        raise Broken(f"the status is {answer.status_code}, not {step.status}: {answer.text[:200]}")
    _check_headers(step, answer)
    if step.text is not None and answer.text != step.text:
        raise Broken(f"the text is {answer.text[:200]!r}, not {step.text!r}")
    if step.answer is not msgspec.UNSET:
        wrong = fault(filled(step.answer, variables), _json(answer))
        if wrong:
            raise Broken(wrong)
    _keep(step, answer, variables)


def _check_headers(step: Step, answer: httpx.Response) -> None:
    for name, value in step.headers_answer.items():
        if not answer.headers.get(name, "").startswith(value):
            raise Broken(f"the header {name} is {answer.headers.get(name)!r}, not {value!r}")


def _json(answer: httpx.Response) -> Json:
    try:
        decoded: Json = msgspec.json.decode(answer.content)
    except msgspec.DecodeError:
        raise Broken(f"the answer is not JSON: {answer.text[:200]!r}") from None
    return decoded


def _keep(step: Step, answer: httpx.Response, variables: dict[str, Json]) -> None:
    for name, header in step.keep_headers.items():
        if header not in answer.headers:
            raise Broken(f"there is no header {header}")
        variables[name] = answer.headers[header]
    for name, path in step.keep.items():
        found = _json(answer)
        for part in path.split("."):
            if not isinstance(found, dict) or part not in found:
                raise Broken(f"the answer has no {path!r}")
            found = found[part]
        variables[name] = found
