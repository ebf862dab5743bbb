"""Break the fold in every small way, and see that the conformance cases notice.

Each mutant is one of the fold's modules with one thing changed: a comparison, an operator, a constant, a condition,
a statement or a table's entry left out. It is run, in this process, on ``conformance/cases`` alone: folded whole,
and restored from its own state at cuts on the way. A mutant that passes them all has survived; each survivor
must be listed below with the reason why it makes no difference, and nothing else may be listed.

``python scripts/mutate_fold.py`` prints what survived and exits with 1 if that is not as listed.
"""

from __future__ import annotations

import ast
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any, NamedTuple

import msgspec

from headway.errors import InvalidInput
from headway.progress.state import State
from headway.protocol.events import Event

ROOT = Path(__file__).parents[1]
PACKAGE = "headway.progress"
MODULES = ("transitions", "plan", "lists", "stage", "stages", "run", "fold")
"""In the order in which they import each other."""

CPU_LIMIT_S = 2.0
"""A mutant that loops is stopped after this; all cases together take a twentieth of it."""

CUTS = 12
"""Cases with up to so many events are cut after every one, longer ones in the middle."""

IN_VAIN = "then what is below a stage is looked through though all of it has begun, which only takes longer"

EQUIVALENT = {
    "lists.LogCount.add: 'replace' → 'replace?'": "no JSON in UTF-8 holds half a surrogate pair",
    "lists.LogCount.add: line.encode without errors": "no JSON in UTF-8 holds half a surrogate pair",
    "plan.Node.computed: 0 → 1": "equal weights of any size give the plain mean, which they get without one too",
    "plan.Node.raise_to: value > node.value → value >= node.value": "what is above has been settled: raising it by "
    "nothing changes nothing",
    "plan.rounded: scaled > 0 → scaled >= 0": "0 and a half is rounded down to 0",
    "plan.rounded: scaled >= limit → scaled > limit": "the limit and a half is rounded down to the limit",
    "plan.value_of_part: 0 → 1 (3)": "only for integers that no double can hold, which JSON between languages cannot "
    "say either",
    "plan.value_of_part: scaled > 0 → scaled >= 0": "0 is rounded down to 0",
    "plan.value_of_part: scaled >= FULL → scaled > FULL": "the full value is rounded down to itself",
    "stage.Stage.__init__: 0 → 1 (4)": IN_VAIN,
    "stage.Stage._turn: 'pending' → 'pending?'": IN_VAIN,
    "stage.Stage._turn: 1 → 0": IN_VAIN,
    "stage.Stage._turn: without if self.status == 'pending':": IN_VAIN,
    "stage.Stage._turn: without self._count_pending(-1)": IN_VAIN,
    "stage.Stage.adopt: 1 → 2 (2)": IN_VAIN,
    "stage.Stage.snapshot: 0 → 1": "the snapshot is made anew each time, with the same content",
    "stages.Stages.__init__: '' → '?'": "nobody sees the path of the run's own node",
    "stages._not_begun: stage.pending_below > 0 → stage.pending_below >= 0": IN_VAIN,
    "stages._seconds: started is None or ended is None → started is None and ended is None": "what has begun has a "
    "time, and all times can be read",
    "transitions['run.started']: without 'running': 'running'": "a status without a cell stays, and the event's other "
    "members are taken in any status of a run that has not ended",
    "transitions['run.started']['running']: 'running' → 'running?'": "as the one before, when the key is meant",
}
"""The mutants that no case can tell from the fold, and why."""


class Case(NamedTuple):
    """A conformance case, decoded."""

    name: str
    events: tuple[Event, ...]
    state: State


class Mutation(NamedTuple):
    """One change: what is told of it, and how to make and undo it."""

    name: str
    make: Callable[[], None]
    undo: Callable[[], None]


def main() -> int:
    """Run every mutant; 0 if just the listed ones survived."""
    began = time.monotonic()
    cases = read_cases()
    signal.signal(signal.SIGVTALRM, _stop)
    fold = Package()
    failing = fold.first_failing(cases)
    if failing is not None:
        print(f"the fold itself fails case {failing!r}")
        return 1
    survivors: list[str] = []
    count = 0
    for module in MODULES:
        survivors += fold.survivors(module, cases)
        count += fold.count
    seconds = time.monotonic() - began
    print(f"{count} mutants, {len(survivors)} survived, {len(EQUIVALENT)} of them expected, {seconds:.1f} s")
    return report(set(survivors))


def report(survivors: set[str]) -> int:
    """Print what is not as listed; 1 if there is such a thing."""
    for name in sorted(survivors - EQUIVALENT.keys()):
        print(f"survived: {name}")
    for name in sorted(EQUIVALENT.keys() - survivors):
        print(f"listed, but did not survive: {name}")
    return int(survivors != EQUIVALENT.keys())


def read_cases() -> list[Case]:
    """All cases, the smallest first."""

    class Text(msgspec.Struct):
        name: str
        events: tuple[Event, ...]
        state: State

    paths = sorted((ROOT / "conformance" / "cases").glob("*.json"), key=lambda path: path.stat().st_size)
    texts = [msgspec.json.decode(path.read_bytes(), type=Text) for path in paths]
    return [Case(text.name, text.events, text.state) for text in texts]


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise TimeoutError("the mutant loops")


class Package:
    """The fold's modules, from which a package with one of them changed can be made.

    Attributes:
        count: How many mutants the last ``survivors`` made.
    """

    def __init__(self) -> None:
        self._trees = {name: ast.parse(self._path(name).read_text(encoding="utf-8")) for name in MODULES}
        self._codes = {name: self._compiled(name) for name in MODULES}
        self.count = 0

    @staticmethod
    def _path(name: str) -> Path:
        return ROOT / "src" / "headway" / "progress" / f"{name}.py"

    def _compiled(self, name: str) -> CodeType:
        return compile(self._trees[name], str(self._path(name)), "exec", dont_inherit=True)

    def survivors(self, module: str, cases: list[Case]) -> Iterator[str]:
        """The names of the module's mutants that pass all cases."""
        self.count = 0
        for mutation in mutations(module, self._trees[module]):
            self.count += 1
            mutation.make()
            ast.fix_missing_locations(self._trees[module])
            try:
                self._codes[module] = self._compiled(module)
            finally:
                mutation.undo()
            if self.first_failing(cases) is None:
                yield mutation.name
        self._codes[module] = self._compiled(module)

    def first_failing(self, cases: list[Case]) -> str | None:
        """The first case that this package does not pass, or None."""
        signal.setitimer(signal.ITIMER_VIRTUAL, CPU_LIMIT_S)
        name = "(import)"
        try:
            fold = self._imported()
            for case in cases:
                name = case.name
                if not passes(fold, case):
                    return name
        except Exception:  # whatever a mutant raises, it was noticed
            return name
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        return None

    def _imported(self) -> ModuleType:
        """The package made anew from its code, in place of the one that was imported before."""
        for name in MODULES:
            module = ModuleType(f"{PACKAGE}.{name}")
            sys.modules[module.__name__] = module
            exec(self._codes[name], module.__dict__)  # noqa: S102 (our own code, changed in one place)
        return sys.modules[f"{PACKAGE}.fold"]


def passes(fold: ModuleType, case: Case) -> bool:
    """Whether the case holds: folded event by event, and restored on the way."""
    machine = fold.Fold("run-1")
    states = [machine.state()]
    for event in case.events:
        machine.apply(event)
        states.append(machine.state() if len(case.events) <= CUTS else case.state)
    if machine.state() != case.state or not is_guarded(fold, machine, case.state):
        return False
    if len(case.events) > CUTS:
        return goes_on(fold, case, _folded(fold, case.events[: len(case.events) // 2]), len(case.events) // 2)
    return all(goes_on(fold, case, state, cut) for cut, state in enumerate(states))


def goes_on(fold: ModuleType, case: Case, state: State, cut: int) -> bool:
    """Whether a state on the way is enough to fold on from."""
    machine = fold.Fold.restore(state)
    for event in case.events[cut:]:
        machine.apply(event)
    return bool(machine.state() == case.state)


def _folded(fold: ModuleType, events: tuple[Event, ...]) -> State:
    machine = fold.Fold("run-1")
    for event in events:
        machine.apply(event)
    state: State = machine.state()
    return state


def is_guarded(fold: ModuleType, machine: Any, state: State) -> bool:
    """Whether the short forms say what the state says, and what must not be folded is refused."""
    shown = msgspec.structs.asdict(state)
    shorts = [msgspec.structs.asdict(short) for short in (machine.short(), machine.short_state())]
    if any(shown.get(name) != value for short in shorts for name, value in short.items()):
        return False
    again = Event(seq=state.seq, at="", type="x.again")
    other = msgspec.structs.replace(state, fold=state.fold + 1)
    return is_refused(machine.apply, again) and is_refused(fold.Fold.restore, other)


def is_refused(call: Callable[[Any], object], argument: object) -> bool:
    """Whether the call raises one of our own errors."""
    try:
        call(argument)
    except InvalidInput:
        return True
    return False


SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
"""Each operator and the one that takes its place."""

REMOVABLE = (ast.Assign, ast.AugAssign, ast.Expr, ast.If, ast.For, ast.While, ast.Continue, ast.Return, ast.Raise)
"""Statements that can be left out; a function's value is not one, it is changed inside."""

NOT_BEHAVIOUR = ("annotation", "returns", "type_comment", "decorator_list", "bases", "exc")
"""Parts of the code that no state depends on."""


def mutations(module: str, tree: ast.Module) -> Iterator[Mutation]:
    """All mutations of a module, each made and undone in place before the next is asked for."""
    seen: dict[str, int] = {}
    for where, node in behaviour(tree, ""):
        for change in changes(node):
            name = f"{module}{where}: {change.name}"
            seen[name] = seen.get(name, 0) + 1
            yield change._replace(name=name if seen[name] == 1 else f"{name} ({seen[name]})")


def behaviour(node: ast.AST, where: str) -> Iterator[tuple[str, ast.AST]]:
    """The nodes that say what the code does, each with the name of the function that it is in."""
    if is_passive(node):
        return
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        where = f"{where}.{node.name}"
    yield where, node
    for inner, child in parts(node, where):
        yield from behaviour(child, inner)


def parts(node: ast.AST, where: str) -> Iterator[tuple[str, ast.AST]]:
    """A node's children; those of a dictionary are named by their key."""
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            entry = f"{where}[{'**' if key is None else ast.unparse(key)}]"
            yield from ((entry, child) for child in (key, value) if child is not None)
        return
    for field, inside in ast.iter_fields(node):
        if field not in NOT_BEHAVIOUR:
            children = inside if isinstance(inside, list) else [inside]
            yield from ((where, child) for child in children if isinstance(child, ast.AST))


def is_passive(node: ast.AST) -> bool:
    """Documentation, types, imports, messages and invariants."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return "__slots__" in ast.unparse(node).partition("=")[0]
    return isinstance(node, ast.Import | ast.ImportFrom | ast.JoinedStr | ast.Assert)


def changes(node: ast.AST) -> Iterator[Mutation]:
    """What can be changed in this node, its children apart."""
    for kind, change in CHANGES:
        if isinstance(node, kind):
            yield from change(node)


def of_operators(node: Any) -> Iterator[Mutation]:
    """Another operator."""
    if isinstance(node, ast.Compare):
        yield replace(node, "ops", [SWAPS[type(node.ops[0])]()])
    elif type(node.op) in SWAPS:
        yield replace(node, "op", SWAPS[type(node.op)]())


def of_constants(node: ast.Constant) -> Iterator[Mutation]:
    """Another value."""
    for value in other_values(node.value):
        yield replace(node, "value", value)


def of_entries(node: ast.Dict) -> Iterator[Mutation]:
    """A dictionary without one of its entries."""
    for index in range(len(node.keys)):
        yield without_entry(node, index)


def of_arguments(node: ast.Call) -> Iterator[Mutation]:
    """A call without one of its named arguments."""
    for left_out in node.keywords:
        rest = [keyword for keyword in node.keywords if keyword is not left_out]
        mutation = replace(node, "keywords", rest)
        yield mutation._replace(name=f"{ast.unparse(node.func)} without {left_out.arg}")


def of_names(node: ast.Name) -> Iterator[Mutation]:
    """The smaller one instead of the larger."""
    if node.id == "max":
        yield replace(node, "id", "min")


def of_conditions(node: Any) -> Iterator[Mutation]:
    """The opposite of a condition."""
    yield replace(node, "test", ast.UnaryOp(ast.Not(), node.test))


def of_blocks(node: Any) -> Iterator[Mutation]:
    """A block of statements without one of them."""
    yield from removals(node.body)
    yield from removals(getattr(node, "orelse", []))


CHANGES: tuple[tuple[Any, Callable[[Any], Iterator[Mutation]]], ...] = (
    (ast.Compare | ast.BoolOp | ast.BinOp | ast.AugAssign, of_operators),
    (ast.Constant, of_constants),
    (ast.Dict, of_entries),
    (ast.Call, of_arguments),
    (ast.Name, of_names),
    (ast.If | ast.IfExp | ast.While, of_conditions),
    (ast.If | ast.While | ast.For | ast.FunctionDef, of_blocks),
)
"""What to do with which nodes."""


def other_values(value: object) -> Iterator[object]:
    """Values that differ as little as they can."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield value + 1
        if value:
            yield value - 1
    elif isinstance(value, str):
        yield f"{value}?"


def removals(body: list[ast.stmt]) -> Iterator[Mutation]:
    """Each statement of a block left out."""
    for index, statement in enumerate(body):
        if not isinstance(statement, REMOVABLE) or is_passive(statement):
            continue
        if isinstance(statement, ast.Return) and statement.value is not None:
            continue
        yield Mutation(
            f"without {first_line(statement)}",
            partial(body.__setitem__, index, ast.Pass()),
            partial(body.__setitem__, index, statement),
        )


def replace(node: ast.AST, field: str, new: object) -> Mutation:
    """Another value in a node's field."""
    old = getattr(node, field)
    make, undo = partial(setattr, node, field, new), partial(setattr, node, field, old)
    before = first_line(node)
    make()
    after = first_line(node)
    undo()
    return Mutation(f"{before} → {after}", make, undo)


def without_entry(node: ast.Dict, index: int) -> Mutation:
    """A dictionary without one of its entries."""
    key, value = node.keys[index], node.values[index]

    def make() -> None:
        del node.keys[index], node.values[index]

    def undo() -> None:
        node.keys.insert(index, key)
        node.values.insert(index, value)

    entry = "**" if key is None else ast.unparse(key)
    return Mutation(f"without {entry}: {ast.unparse(value)[:60]}", make, undo)


def first_line(node: ast.AST) -> str:
    """The beginning of the node's source, as long as one line."""
    return ast.unparse(ast.fix_missing_locations(node)).splitlines()[0][:100]


if __name__ == "__main__":
    sys.exit(main())
