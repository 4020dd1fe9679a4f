"""Every single check of the SDK's reading side, and the module without it.

A mutant is the syntax tree of a module with one check deleted; nothing depends on line numbers or
on how the text is laid out. Kinds:

- `found`: `sheet.found(check, code)` → `sheet.passed(check)`: a numbered check that never finds it
- `guard`: `if <test>: raise …` (or `return None`, `return False`, `return "code"`, or a `found`)
  → the test is never true; with a `found` in the `else`: always true
- `raise`: any other `raise` → nothing; in an `except`: the foreign error goes on
- `part`: one operand of such a test, of an accepting `return`, or of a condition that is given a
  name → left out
- `choice`: one side of `a if test else b` in a found or returned code → always taken
"""

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_TEXT = 70
Edit = Callable[[ast.AST], ast.AST | None]


@dataclass(frozen=True)
class Mutant:
    """One check deleted.

    Attributes:
        name: `<module>:<function>#<kind> <text>`, the same as long as the check is spelled so.
        module: dotted name of the module.
        kind: see above.
        check: the numbered check, for `found`.
        lines: lines of the check in this very text, best first; for choosing vectors only.
        tree: the module without the check.
    """

    name: str
    module: str
    kind: str
    check: str | None
    lines: tuple[int, ...]
    tree: ast.Module


@dataclass(frozen=True)
class _Site:
    kind: str
    node: ast.AST
    edit: Edit
    text: str
    lines: tuple[int, ...]
    check: str | None = None


def mutants(module: str, source: str) -> Iterator[Mutant]:
    """All mutants of a module, in the order of its text."""
    tree = ast.parse(source)
    seen: dict[str, int] = {}
    for qualname, function in _functions(tree, ()):
        for site in _sites(function):
            text = " ".join(site.text.split())[:_TEXT]
            name = f"{module}:{qualname}#{site.kind} {text}"
            seen[name] = seen.get(name, 0) + 1
            if seen[name] > 1:
                name = f"{name} ({seen[name]})"
            yield Mutant(
                name,
                module,
                site.kind,
                site.check,
                site.lines,
                _without(tree, site.node, site.edit),
            )


def module_name(path: Path, root: Path) -> str:
    """Dotted name of a file under the folder that holds the package."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _functions(node: ast.AST, path: tuple[str, ...]) -> Iterator[tuple[str, ast.FunctionDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            yield ".".join((*path, child.name)), child
            yield from _functions(child, (*path, child.name))
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, (*path, child.name))
        elif not isinstance(child, ast.expr):
            yield from _functions(child, path)


def _own(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Nodes of a function without those of functions inside it, in the order of the text."""
    pending: list[ast.AST] = list(reversed(function.body))
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            pending.extend(reversed(list(ast.iter_child_nodes(node))))


def _sites(function: ast.FunctionDef) -> Iterator[_Site]:
    guarded: set[int] = set()
    caught = {
        id(raised)
        for node in _own(function)
        if isinstance(node, ast.ExceptHandler)
        for raised in ast.walk(node)
        if isinstance(raised, ast.Raise)
    }
    for node in _own(function):
        if isinstance(node, ast.If):
            yield from _guard(node, guarded)
        elif isinstance(node, ast.Raise) and id(node) not in guarded and node.exc is not None:
            new: ast.stmt = ast.Raise() if id(node) in caught else ast.Pass()
            yield _Site("raise", node, _always(new), ast.unparse(node), (node.lineno,))
        elif isinstance(node, ast.Expr) and (check := _check_of(node)) is not None:
            yield from _found(node, check)
        elif isinstance(node, ast.Return) and node.value is not None:
            yield from _parts(node.value, accepts=True, best=(node.lineno,))
            yield from _choices(node.value)
        elif isinstance(node, ast.Assign) and not isinstance(node.value, ast.Constant):
            yield from _condition(node)


def _guard(node: ast.If, guarded: set[int]) -> Iterator[_Site]:
    inside, otherwise = _refuses(node.body), _refuses(node.orelse)
    if inside == otherwise:
        return
    refusal = node.body if inside else node.orelse
    guarded.update(id(one) for one in refusal if isinstance(one, ast.Raise))
    best = tuple(one.lineno for one in refusal)
    never = ast.Constant(not inside)
    text = ast.unparse(node.test)
    yield _Site("guard", node.test, _always(never), text, best)
    yield from _parts(node.test, accepts=not inside, best=(*best, node.lineno))


def _refuses(body: list[ast.stmt]) -> bool:
    """Whether statements say no: raise, found, or a return of nothing, False or a code."""
    return any(
        isinstance(one, ast.Raise)
        or _check_of(one) is not None
        or (isinstance(one, ast.Return) and _says_no(one.value))
        for one in body
    )


def _says_no(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and value.value is not True)


def _check_of(node: ast.AST) -> str | None:
    """Name of the numbered check in `….found(name, code)`."""
    call = node.value if isinstance(node, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return None
    if call.func.attr != "found" or not isinstance(call.args[0], ast.Constant):
        return None
    return str(call.args[0].value)


def _found(node: ast.Expr, check: str) -> Iterator[_Site]:
    def passed(copied: ast.AST) -> ast.AST:
        assert isinstance(copied, ast.Expr)
        assert isinstance(copied.value, ast.Call)
        assert isinstance(copied.value.func, ast.Attribute)
        copied.value.func.attr = "passed"
        del copied.value.args[1:]
        return copied

    yield _Site("found", node, passed, ast.unparse(node), (node.lineno,), check)
    assert isinstance(node.value, ast.Call)
    yield from _choices(node.value.args[1])


def _choices(value: ast.expr) -> Iterator[_Site]:
    if isinstance(value, ast.IfExp):
        for taken in (True, False):
            text = f"{ast.unparse(value)} is {taken}"
            new = ast.Constant(taken)
            yield _Site("choice", value.test, _always(new), text, (value.lineno,))


def _condition(node: ast.Assign) -> Iterator[_Site]:
    """Operands of a condition that is given a name; which way it serves is not known here."""
    if isinstance(node.value, ast.BoolOp):
        yield from _left_out(node.value, (node.lineno,))
    for inner in ast.walk(node.value):
        if isinstance(inner, ast.Compare) and len(inner.ops) > 1:
            yield from _halves(inner, (node.lineno,))


def _parts(test: ast.expr, *, accepts: bool, best: tuple[int, ...]) -> Iterator[_Site]:
    """Operands whose absence makes a test refuse less."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        yield from _parts(test.operand, accepts=not accepts, best=best)
    elif isinstance(test, ast.BoolOp):
        if isinstance(test.op, ast.And) is accepts:
            yield from _left_out(test, best)
        for value in test.values:
            yield from _parts(value, accepts=accepts, best=best)
    elif isinstance(test, ast.Compare) and len(test.ops) > 1 and accepts:
        yield from _halves(test, best)


def _left_out(node: ast.BoolOp, best: tuple[int, ...]) -> Iterator[_Site]:
    for place, value in enumerate(node.values):

        def without(copied: ast.AST, place: int = place) -> ast.AST:
            assert isinstance(copied, ast.BoolOp)
            del copied.values[place]
            return copied.values[0] if len(copied.values) == 1 else copied

        # Where the operand binds a name, the name must stay bound.
        binds = any(isinstance(inner, ast.NamedExpr) for inner in ast.walk(value))
        edit = _neutral(isinstance(node.op, ast.And)) if binds else without
        target = value if binds else node
        yield _Site("part", target, edit, ast.unparse(value), (*best, value.lineno))


def _neutral(conjunction: bool) -> Edit:
    def edit(copied: ast.AST) -> ast.AST:
        assert isinstance(copied, ast.expr)
        kept = ast.Tuple(elts=[copied], ctx=ast.Load())
        return kept if conjunction else ast.UnaryOp(op=ast.Not(), operand=kept)

    return edit


def _halves(node: ast.Compare, best: tuple[int, ...]) -> Iterator[_Site]:
    operands = [node.left, *node.comparators]
    for place in range(len(node.ops)):

        def without(copied: ast.AST, place: int = place) -> ast.AST:
            assert isinstance(copied, ast.Compare)
            terms = [copied.left, *copied.comparators]
            pairs = [
                ast.Compare(left=terms[at], ops=[copied.ops[at]], comparators=[terms[at + 1]])
                for at in range(len(copied.ops))
                if at != place
            ]
            return pairs[0] if len(pairs) == 1 else ast.BoolOp(op=ast.And(), values=list(pairs))

        left, right = operands[place], operands[place + 1]
        lone = ast.Compare(left=left, ops=[node.ops[place]], comparators=[right])
        yield _Site("part", node, without, ast.unparse(lone), (*best, node.lineno))


def _always(new: ast.AST) -> Edit:
    return lambda _: copy.deepcopy(new)


def _without(tree: ast.Module, node: ast.AST, edit: Edit) -> ast.Module:
    """A copy of the tree with one node edited."""
    memo: dict[int, ast.AST] = {}
    copied = copy.deepcopy(tree, memo)
    target = memo[id(node)]
    new = edit(target)

    class Replace(ast.NodeTransformer):
        def visit(self, visited: ast.AST) -> ast.AST | None:
            return new if visited is target else super().visit(visited)

    made = Replace().visit(copied) if new is not target else copied
    return ast.fix_missing_locations(made)
