"""Single faults in Amaranth sources: where one can be put, and what the source is with it.

A fault is a change of one expression or statement that is elaborated to hardware. It is made in the
text, at the place that the syntax tree gives, so that everything around it stays as it is.
"""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["OPERATORS", "Mutant", "chosen_order", "mutants_of"]

#: Kinds of faults.
OPERATORS = {
    "tie": "a comparison that decides the other way between equals",
    "comparator": "a comparison that is inverted",
    "shift": "a shift in the other direction",
    "tap": "a shift by one bit more",
    "index": "the neighbouring bit or element",
    "width": "a signal that is one bit, or one value, too small",
    "reset": "another value after reset",
    "arithmetic": "a sum in place of a difference, or the other way",
    "off_by_one": "a count or bound that is wrong by one",
    "dropped_write": "an assignment that is missing",
    "mux": "a multiplexer whose branches are swapped",
    "condition": "a branch that is taken when it should not be, and the other way",
    "enable": "a term of a conjunction that is missing",
    "logic": "and in place of or, or the other way; or in place of exclusive or",
    "inversion": "an inverter that is missing",
    "reduction": "all bits in place of any",
    "transition": "a change of state that is missing",
}

_TIES = {ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">"}
_INVERSE = {
    ast.Lt: ">=",
    ast.LtE: ">",
    ast.Gt: "<=",
    ast.GtE: "<",
    ast.Eq: "!=",
    ast.NotEq: "==",
}
_BINARY = {
    ast.LShift: ("shift", ">>"),
    ast.RShift: ("shift", "<<"),
    ast.Add: ("arithmetic", "-"),
    ast.Sub: ("arithmetic", "+"),
    ast.BitAnd: ("logic", "|"),
    ast.BitOr: ("logic", "&"),
    ast.BitXor: ("logic", "|"),
}
_SYMBOL = re.compile(r"<<|>>|<=|>=|==|!=|[<>+\-&|^]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A source with one fault.

    Attributes
    ----------
    file : str
        Name of the file.
    scope : str
        Class and function that the fault is in.
    line : int
        First line of what is changed.
    operator : str
        Kind of the fault (:data:`OPERATORS`).
    before, after : str
        The lines that are changed, each stripped.
    source : str
        The whole source, with the fault.
    """

    file: str
    scope: str
    line: int
    operator: str
    before: str
    after: str
    source: str


Edit = tuple[str, int, int, str]


class _Finder:
    """Finds all edits of one source: operator, start, end, and the text in place of it."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._lines = source.splitlines()
        # What a comb statement always drives has no value after reset.
        self._registers = set(_registers(ast.parse(source)))

    def _at(self, line: int, column: int) -> int:
        # Columns of the tree count bytes.
        before = self._lines[line - 1].encode()[:column].decode()
        return self._starts[line - 1] + len(before)

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        if node.end_lineno is None or node.end_col_offset is None:
            raise ValueError("Nodes must have been parsed from a text")
        return (
            self._at(node.lineno, node.col_offset),
            self._at(node.end_lineno, node.end_col_offset),
        )

    def _text(self, node: ast.expr) -> str:
        start, end = self._span(node)
        return self._source[start:end]

    def _whole(self, operator: str, node: ast.expr | ast.stmt, text: str) -> Edit:
        return (operator, *self._span(node), text)

    def _symbol(self, operator: str, left: ast.expr, right: ast.expr, text: str) -> Edit:
        start, end = self._span(left)[1], self._span(right)[0]
        found = _SYMBOL.search(self._source, start, end)
        if found is None:
            raise ValueError(f"An operator must be in {self._source[start:end]!r}")
        return (operator, *found.span(), text)

    def edits(self, node: ast.AST, *, gateware: bool) -> Iterator[Edit]:
        """Yield the edits of a node itself; outside gateware, those of reset values only."""
        match node:
            case ast.keyword(arg="init", value=value) if not isinstance(value, ast.Name):
                yield self._whole("reset", value, f"({self._text(value)}) ^ 1")
            case _ if not gateware:
                return
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                if type(op) in _TIES:
                    yield self._symbol("tie", left, right, _TIES[type(op)])
                if type(op) in _INVERSE:
                    yield self._symbol("comparator", left, right, _INVERSE[type(op)])
                yield from self._constant("off_by_one", right)
            case ast.BinOp():
                yield from self._binary(node)
            case ast.UnaryOp(op=ast.Invert(), operand=operand):
                yield self._whole("inversion", node, f"({self._text(operand)})")
            case ast.Subscript(slice=at):
                yield from self._constant("index", at)
            case ast.Call():
                yield from self._call(node)
            case ast.AugAssign(target=target, value=value) if _is_domain(target):
                if isinstance(value, ast.List):
                    for element in value.elts:
                        yield self._whole("dropped_write", element, "*[]")
                else:
                    yield self._whole("dropped_write", value, "[]")
            case ast.Assign(
                targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id="Signal")) as call
            ) if name in self._registers and all(word.arg != "init" for word in call.keywords):
                inside = [self._text(part) for part in call.args]
                inside += [f"{word.arg}={self._text(word.value)}" for word in call.keywords]
                yield self._whole("reset", call, f"Signal({', '.join([*inside, 'init=1'])})")
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="m"), attr="next")]):
                yield self._whole("transition", node, "pass")

    def _constant(self, operator: str, node: ast.expr) -> Iterator[Edit]:
        match node:
            case ast.Constant(value=bool() | str()):
                return
            case ast.Constant(value=int(value)):
                down = operator == "index" and value > 0
                yield self._whole(operator, node, str(value - 1 if down else value + 1))
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(value))):
                yield self._whole(operator, node, str(-value - 1))

    def _binary(self, node: ast.BinOp) -> Iterator[Edit]:
        left, right = self._text(node.left), self._text(node.right)
        if type(node.op) in _BINARY:
            operator, text = _BINARY[type(node.op)]
            yield self._symbol(operator, node.left, node.right, text)
        if isinstance(node.op, ast.LShift | ast.RShift):
            yield self._whole("tap", node.right, _one_more(right, node.right))
        if isinstance(node.op, ast.BitAnd):
            yield self._whole("enable", node, f"({left})")
            yield self._whole("enable", node, f"({right})")
        if isinstance(node.op, ast.Add | ast.Sub) and right == "1":
            yield self._whole("off_by_one", node, f"({left})")

    def _call(self, node: ast.Call) -> Iterator[Edit]:
        match node:
            case ast.Call(func=ast.Name(id="Mux"), args=[choice, first, second]):
                parts = (self._text(part) for part in (choice, second, first))
                yield self._whole("mux", node, f"Mux({', '.join(parts)})")
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="m"), attr="If" | "Elif"), args=[condition]
            ) if not _is_inverted(condition):
                yield self._whole("condition", condition, f"({self._text(condition)}) == 0")
            case ast.Call(func=ast.Attribute(value=value, attr="any"), args=[]):
                yield self._whole("reduction", node, f"{self._text(value)}.all()")
            case ast.Call(func=ast.Name(id="Signal"), args=[shape, *_]):
                yield from self._narrower(shape)
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="Signal"), attr="like"), args=[like]
            ):
                yield self._whole("width", node, f"Signal(len({self._text(like)}) - 1)")

    def _narrower(self, shape: ast.expr) -> Iterator[Edit]:
        text = self._text(shape)
        match shape:
            case ast.Call(func=ast.Name(id="range"), args=[last]):
                yield self._whole("width", shape, f"range(({self._text(last)}) // 2)")
            case _:
                yield self._whole("width", shape, f"len(Signal({text})) - 1")


def _is_domain(target: ast.expr) -> bool:
    """Whether a target is ``m.d.something``."""
    match target:
        case ast.Attribute(value=ast.Attribute(value=ast.Name(id="m"), attr="d")):
            return True
    return False


def _is_inverted(node: ast.expr) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert)


def _registers(tree: ast.AST) -> Iterator[str]:
    """Yield the names that are driven in the domain ``sync``."""
    for node in ast.walk(tree):
        match node:
            case ast.AugAssign(target=ast.Attribute(attr="sync") as target, value=value):
                for part in ast.walk(value) if _is_domain(target) else ():
                    match part:
                        case ast.Attribute(value=ast.Name(id=name), attr="eq"):
                            yield name


def _one_more(text: str, node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return str(node.value + 1)
    return f"({text} + 1)"


def _is_gateware(function: ast.FunctionDef) -> bool:
    return any(isinstance(node, ast.Name) and node.id == "m" for node in ast.walk(function))


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the children of a node, but not what is built for one platform: simulation only."""
    match node:
        case ast.If(
            test=ast.Call(func=ast.Name(id="isinstance"), args=[ast.Name(id="platform"), _])
        ):
            yield from node.orelse
        case _:
            yield from ast.iter_child_nodes(node)


def _nodes(
    node: ast.AST, scope: tuple[str, ...] = (), gateware: bool = False
) -> Iterator[tuple[ast.AST, str, bool]]:
    """Yield all nodes but annotations: each with its scope, and whether it becomes hardware."""
    for child in _children(node):
        if isinstance(child, ast.arguments):
            continue
        if isinstance(child, ast.FunctionDef):
            inner = gateware or _is_gateware(child)
            for part in child.body:
                yield part, ".".join((*scope, child.name)), inner
                yield from _nodes(part, (*scope, child.name), inner)
        elif isinstance(child, ast.ClassDef):
            yield from _nodes(child, (*scope, child.name), gateware)
        elif not isinstance(node, ast.AnnAssign) or child is node.value:
            yield child, ".".join(scope), gateware
            yield from _nodes(child, scope, gateware)


def mutants_of(file: str, source: str) -> list[Mutant]:
    r"""Return all mutants of a source, in the order of their places.

    Parameters
    ----------
    file : str
        Name of the file.
    source : str
        Its text.

    Examples
    --------
    >>> unit = "def elaborate(self):\n    m = Module()\n    m.d.sync += a.eq(b < 4)\n"
    >>> for mutant in mutants_of("unit.py", unit):
    ...     print(mutant.operator, mutant.after)
    dropped_write m.d.sync += []
    tie m.d.sync += a.eq(b <= 4)
    comparator m.d.sync += a.eq(b >= 4)
    off_by_one m.d.sync += a.eq(b < 5)
    """
    finder = _Finder(source)
    found = []
    for node, scope, gateware in _nodes(ast.parse(source)):
        for operator, start, end, text in finder.edits(node, gateware=gateware):
            mutated = source[:start] + text + source[end:]
            first = source.rfind("\n", 0, start) + 1
            last = source.find("\n", end)
            last = len(source) if last < 0 else last
            found.append(
                Mutant(
                    file=file,
                    scope=scope,
                    line=source.count("\n", 0, start) + 1,
                    operator=operator,
                    before=_stripped(source[first:last]),
                    after=_stripped(mutated[first : last + len(text) - (end - start)]),
                    source=mutated,
                )
            )
    return sorted(found, key=lambda mutant: mutant.line)


def _stripped(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines())


def chosen_order(mutants: list[Mutant], *, seed: int) -> list[Mutant]:
    """Return mutants in the order in which they are taken: by chance, one of each operator in turn.

    Equal for equal mutants and seeds.

    Parameters
    ----------
    mutants : list of Mutant
        Mutants of one file.
    seed : int
        Seed.
    """
    rng = random.Random(f"{seed}:{mutants[0].file if mutants else ''}")
    groups: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        groups.setdefault(mutant.operator, []).append(mutant)
    turns = list(groups.values())
    rng.shuffle(turns)
    for group in turns:
        rng.shuffle(group)
    order = []
    for turn in range(max(map(len, turns), default=0)):
        order += [group[turn] for group in turns if turn < len(group)]
    return order
