"""Random programs of jobs: trees of steps, to be performed by a real run and, apart from it, by a model of one."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec
from hypothesis import strategies as st

OfStage = Literal["advance", "count", "share", "say", "complete", "fail", "skip", "stop", "degrade"]
OfAnybody = Literal["finding", "again", "log", "note", "highlight", "warn", "artifact", "emit", "check", "ask", "throw"]
OfMain = Literal["cancel", "interrupt", "exit", "error", "result", "rename", "end_well", "end_badly", "end_early"]
Verb = Literal[OfStage, OfAnybody, OfMain]

Plan = dict[str, "int | Plan"]

PLANS: tuple[Plan, ...] = (
    {},
    {"a": 1, "b": 3},
    {"a": {"b": 2, "c": {"a": 1, "b": 1}}, "c": 5},
    {"b": {"a": 0, "b": 0}, "z": {"y": {"x": 1}}},
)
NAMES = ("a", "b", "c", "b/a")
DEEPEST = 5
"""Slashes in a path: below this a stage inside is the stage itself, since a run would choose another path for it."""


class Do(msgspec.Struct, frozen=True):
    """One call; ``n`` says with what."""

    verb: Verb
    n: int


class InStage(msgspec.Struct, frozen=True):
    """A stage's block; without ``closes`` it is only started, and stays as its body leaves it."""

    name: str
    optional: bool
    closes: bool
    body: tuple[Step, ...]


class Loop(msgspec.Struct, frozen=True):
    """A tracked loop of the stage that is here; of one named ``loop`` in the run itself."""

    count: int
    body: tuple[Step, ...]


class Try(msgspec.Struct, frozen=True):
    """What is raised in it is caught: the job's own errors only, or everything that a broad ``except`` catches."""

    broad: bool
    body: tuple[Step, ...]


class Shield(msgspec.Struct, frozen=True):
    """A shielded block."""

    body: tuple[Step, ...]


class Threads(msgspec.Struct, frozen=True):
    """Threads side by side, each in a stage of its own, joined at the end."""

    bodies: tuple[tuple[Step, ...], ...]


Step = Do | InStage | Loop | Try | Shield | Threads


class Program(msgspec.Struct, frozen=True):
    """A whole job."""

    plan: int
    steps: tuple[Step, ...]


def _do(*verbs: Verb) -> st.SearchStrategy[Step]:
    return st.builds(Do, verb=st.sampled_from(verbs), n=st.integers(0, 9))


def _blocks(inner: st.SearchStrategy[Step], threads: st.SearchStrategy[Step]) -> st.SearchStrategy[Step]:
    body = st.lists(inner, max_size=4).map(tuple)
    staged = st.builds(
        InStage,
        name=st.sampled_from(NAMES),
        optional=st.booleans(),
        closes=st.sampled_from((True, True, False)),
        body=body,
    )
    return st.one_of(
        staged,
        staged,
        st.builds(Loop, count=st.integers(0, 3), body=body),
        st.builds(Try, broad=st.booleans(), body=body),
        st.builds(Shield, body=body),
        threads,
    )


_of_stage, _anybodys = _do(*get_args(OfStage)), _do(*get_args(OfAnybody))
_anywhere = st.one_of(_of_stage, _of_stage, _anybodys)
# What a thread does may not depend on when another one does it: a cancel, and the end of the run, are the main one's.
_in_thread = st.recursive(_anywhere, lambda inner: _blocks(inner, st.nothing()), max_leaves=6)
_threads = st.builds(
    Threads, bodies=st.lists(st.lists(_in_thread, max_size=4).map(tuple), min_size=1, max_size=3).map(tuple)
)
_in_main = st.recursive(
    st.one_of(_anywhere, _anywhere, _anywhere, _do(*get_args(OfMain)), _do("cancel", "check")),
    lambda inner: _blocks(inner, _threads),
    max_leaves=20,
)
programs = st.builds(
    Program, plan=st.integers(0, len(PLANS) - 1), steps=st.lists(_in_main, min_size=1, max_size=8).map(tuple)
)
