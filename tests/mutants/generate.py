"""Makes the mutants of a module: mutmut's operators, and two more, one change each, inside functions only."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import ndiff
from importlib import import_module
from types import CodeType, FunctionType

import libcst as cst
from libcst import matchers as m
from mutmut.mutation.file_mutation import create_mutations

from tests.mutants.rules import ROOT


@dataclass(frozen=True)
class Mutant:
    """One change to one function, named by what it changes: line numbers and other functions do not matter."""

    module: str
    function: str
    change: str
    source: str

    @property
    def name(self) -> str:
        """The mutant in one line."""
        return f"{self.module}: {self.function}: {self.change}"

    def plant(self) -> None:
        """Make the function do what the mutant says, wherever it is held already. For a process of its own."""
        function = function_of(self.module, self.function)
        mutated = _compiled(self)
        function.__code__ = mutated.__code__
        function.__defaults__ = mutated.__defaults__
        function.__kwdefaults__ = mutated.__kwdefaults__


def function_of(module: str, name: str) -> FunctionType:
    """Return the function itself of a function or method of a module of ``device``."""
    found: object = import_module(f"device.{module}")
    for part in name.split("."):
        found = vars(found)[part]
    return _function(found)


def mutants_of(module: str) -> list[Mutant]:
    """Return every mutant of a module that is a program, in the order of its source."""
    path = ROOT / "device" / f"{module}.py"
    tree, mutations, _, _ = create_mutations(str(path), path.read_text(encoding="utf-8"))
    changes: dict[cst.FunctionDef, list[tuple[cst.CSTNode, cst.CSTNode]]] = {}
    for each in mutations:
        if each.contained_by_top_level_function is not None:
            changes.setdefault(each.contained_by_top_level_function, []).append((each.original_node, each.mutated_node))
    mutants: list[Mutant] = []
    for name, function in _functions(tree):
        seen: Counter[str] = Counter()
        for before, after in changes.get(function, []) + list(_further(function)):
            change, source = _changed(name, function, before, after)
            if _is_program(source) and not _is_idle(before, after):
                seen[change] += 1
                again = f" (no. {seen[change]})" if seen[change] > 1 else ""
                mutants.append(Mutant(module, name, change + again, source))
    return mutants


def _functions(tree: cst.Module) -> Iterator[tuple[str, cst.FunctionDef]]:
    for node in tree.body:
        if isinstance(node, cst.FunctionDef):
            yield node.name.value, node
        elif isinstance(node, cst.ClassDef):
            for member in node.body.body:
                if isinstance(member, cst.FunctionDef):
                    yield f"{node.name.value}.{member.name.value}", member


def _further(function: cst.FunctionDef) -> Iterator[tuple[cst.CSTNode, cst.CSTNode]]:
    """Take each call away that stands for itself, and turn each condition round. mutmut does neither."""
    if function.decorators:
        return
    for call in m.findall(function, m.Expr(m.Call())):
        yield call, cst.Pass()
    for branch in m.findall(function, m.If() | m.While()):
        assert isinstance(branch, (cst.If, cst.While))
        test = branch.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        yield branch, branch.with_changes(test=cst.UnaryOperation(cst.Not(), test))


def _is_idle(before: cst.CSTNode, after: cst.CSTNode) -> bool:
    """Whether a flag is cleared with another nothing: no rule asks which of the two it is."""
    return m.matches(before, m.Assign(value=m.Name("False"))) and m.matches(after, m.Assign(value=m.Name("None")))


def _changed(name: str, function: cst.FunctionDef, before: cst.CSTNode, after: cst.CSTNode) -> tuple[str, str]:
    """Return the lines changed, as ``before -> after``, and the source of the mutated function in its class."""
    mutated = cst.ensure_type(function.deep_replace(before, after), cst.FunctionDef)
    original_code, mutated_code = (cst.Module([each]).code for each in (function, mutated))
    lines = list(ndiff(original_code.splitlines(), mutated_code.splitlines()))
    sides = [" ".join(line[2:].strip() for line in lines if line.startswith(sign)) for sign in ("- ", "+ ")]
    node: cst.FunctionDef | cst.ClassDef = mutated
    if "." in name:
        node = cst.ClassDef(cst.Name(name.partition(".")[0]), cst.IndentedBlock([mutated]))
    return " -> ".join(sides), cst.Module([node]).code


def _is_program(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _compiled(mutant: Mutant) -> FunctionType:
    code: CodeType = compile(mutant.source, f"device/{mutant.module}.py", "exec")
    space = dict(vars(import_module(f"device.{mutant.module}")))
    exec(code, space)
    owner, _, name = mutant.function.rpartition(".")
    return _function(vars(space[owner])[name] if owner else space[name])


def _function(found: object) -> FunctionType:
    if isinstance(found, (staticmethod, classmethod)):
        found = found.__func__
    assert isinstance(found, FunctionType), found
    return found
