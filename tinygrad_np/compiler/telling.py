"""Rewriting of a file's syntax tree, so that its functions tell hooks what they read and write."""

from __future__ import annotations

import ast
from contextvars import ContextVar
from typing import Any

# Who is told, in this thread or task: the `Reads` of a recording.
reading: ContextVar[Any] = ContextVar("reading", default=None)


HOOKS = "the hooks of a recording"  # a constant in whose place the hooks are put
_FRAME = {"super", "locals", "globals", "vars", "dir"}  # ask for their caller's
_OPERATORS = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "truediv", ast.Mod: "mod",
    ast.FloorDiv: "floordiv", ast.Pow: "pow", ast.MatMult: "matmul", ast.LShift: "lshift",
    ast.RShift: "rshift", ast.BitOr: "or_", ast.BitXor: "xor", ast.BitAnd: "and_",
    ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne",
    ast.USub: "neg", ast.UAdd: "pos", ast.Invert: "invert",
}  # fmt: skip

_TOLD = {  # parts of nodes, and the hooks that are told of them
    ast.If: ("test", "truth"),
    ast.While: ("test", "truth"),
    ast.IfExp: ("test", "truth"),
    ast.Assert: ("test", "truth"),
    ast.AugAssign: ("value", "everything"),
    ast.FormattedValue: ("value", "everything"),
    ast.Match: ("subject", "everything"),
    ast.YieldFrom: ("value", "items"),
}


def telling_tree(text: str) -> Any:
    """Return the tree of a file in which `a.b` is `hooks.attribute(a, "b")`, and so on.

    Raises:
        SyntaxError: the text is no Python.
    """
    return ast.fix_missing_locations(_Telling().visit(ast.parse(text)))


class _Telling(ast.NodeTransformer):
    """Rewriting of a tree, so that it tells the hooks what it reads and writes."""

    def __init__(self) -> None:
        self._classes: list[str] = []

    def _hook(self, name: str, node: Any, *operands: Any) -> Any:
        """Make the call of a hook, in the place of a node."""
        hook = ast.Attribute(ast.Constant(HOOKS), name, ast.Load())
        arguments: list[Any] = []
        for operand in operands:
            is_node = isinstance(operand, ast.AST)
            arguments.append(operand if is_node else ast.Constant(operand))
        return ast.copy_location(ast.Call(hook, arguments, []), node)

    def _told(self, name: str, node: Any) -> Any:
        """Make the call of a hook that is given a value, and returns it."""
        if isinstance(node, ast.Constant):
            return node
        return self._hook(name, node, node)

    def _all_told(self, name: str, nodes: list[Any]) -> list[Any]:
        return [self._told(name, node) for node in nodes]

    def _statement(self, name: str, node: Any, *operands: Any) -> ast.stmt:
        call = self._hook(name, node, *operands)
        return ast.copy_location(ast.Expr(call), node)

    def generic_visit(self, node: Any) -> Any:
        """Rewrite the parts of a node."""
        super().generic_visit(node)
        part, hook = _TOLD.get(type(node), ("", ""))
        if part:
            value = getattr(node, part)
            setattr(node, part, self._told(hook, value))
        return node

    # --- functions and classes ------------------------------------------------------------------

    def visit_FunctionDef(self, node: Any) -> Any:
        node.returns, returns = None, node.returns
        self.generic_visit(node)
        node.returns = returns
        first = node.body[0]
        enter = self._statement("enter", first)
        documented = ast.get_docstring(node, clean=False) is not None
        node.body.insert(int(documented), enter)
        return node

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Lambda(self, node: Any) -> Any:
        self.generic_visit(node)
        enter = self._hook("enter", node.body)
        node.body = self._hook("after", node.body, enter, node.body)
        return node

    def visit_arg(self, node: Any) -> Any:
        return node  # annotations stay as they are

    def visit_ClassDef(self, node: Any) -> Any:
        self._classes.append(node.name.lstrip("_"))
        self.generic_visit(node)
        self._classes.pop()
        return node

    # --- attributes and items -------------------------------------------------------------------

    def visit_Attribute(self, node: Any) -> Any:
        self.generic_visit(node)
        name = node.attr
        private = name.startswith("__") and not name.endswith("__")
        if private and self._classes:
            name = f"_{self._classes[-1]}{name}"
        if isinstance(node.ctx, ast.Load):
            return self._hook("attribute", node, node.value, name)
        node.value = self._hook("owner", node.value, node.value, name)
        return node

    def visit_Subscript(self, node: Any) -> Any:
        self.generic_visit(node)
        index = self._index(node.slice)
        if isinstance(node.ctx, ast.Load):
            return self._hook("item", node, node.value, index)
        node.value = self._told("written", node.value)
        node.slice = self._told("index", index)
        return node

    def _index(self, index: Any) -> Any:
        if isinstance(index, ast.Slice):
            return self._hook("slice", index, index.lower, index.upper, index.step)
        if isinstance(index, ast.Tuple):
            index.elts = [self._index(part) for part in index.elts]
        return index

    def visit_AugAssign(self, node: Any) -> Any:
        self.generic_visit(node)
        if not isinstance(node.target, ast.Name):
            return node
        name = ast.Name(node.target.id, ast.Load())
        ast.copy_location(name, node.target)
        return [self._statement("written", node, name), node]

    # --- calls and operators --------------------------------------------------------------------

    def visit_Call(self, node: Any) -> Any:
        self.generic_visit(node)
        for keyword in node.keywords:
            if keyword.arg is None:
                keyword.value = self._told("items", keyword.value)
        name = getattr(node.func, "id", "")
        of_an_object = node.args and name in ("vars", "dir")
        if name in ("eval", "exec"):
            node.func = self._told("unseen", node.func)
        elif name not in _FRAME or of_an_object:
            node.func = self._told("function", node.func)
        return node

    def visit_BinOp(self, node: Any) -> Any:
        self.generic_visit(node)
        name, operands = _OPERATORS[type(node.op)], (node.left, node.right)
        if all(isinstance(operand, ast.Constant) for operand in operands):
            return node
        return self._hook("operate", node, name, *operands)

    def visit_UnaryOp(self, node: Any) -> Any:
        self.generic_visit(node)
        if isinstance(node.op, ast.Not):
            node.operand = self._told("truth", node.operand)
            return node
        if isinstance(node.operand, ast.Constant):
            return node
        name = _OPERATORS[type(node.op)]
        return self._hook("operate", node, name, node.operand)

    def visit_Compare(self, node: Any) -> Any:
        self.generic_visit(node)
        operands = [node.left, *node.comparators]
        kinds: set[Any] = {type(operator) for operator in node.ops}
        if len(operands) == 2 and kinds <= _OPERATORS.keys():
            name = _OPERATORS[kinds.pop()]
            return self._hook("operate", node, name, *operands)
        if len(operands) == 2 and kinds <= {ast.In, ast.NotIn}:
            return self._membership(node, operands)
        if not kinds <= {ast.Is, ast.IsNot}:
            node.left, *node.comparators = self._all_told("everything", operands)
        return node

    def _membership(self, node: Any, operands: list[Any]) -> Any:
        member = self._hook("member", node, *operands)
        if isinstance(node.ops[0], ast.In):
            return member
        return ast.copy_location(ast.UnaryOp(ast.Not(), member), node)

    def visit_BoolOp(self, node: Any) -> Any:
        self.generic_visit(node)
        node.values = self._all_told("truth", node.values)
        return node

    # --- items, one after the other -------------------------------------------------------------

    def visit_For(self, node: Any) -> Any:
        self.generic_visit(node)
        hook = "everything" if _unpacks(node.target) else "items"
        node.iter = self._told(hook, node.iter)
        return node

    def visit_comprehension(self, node: Any) -> Any:
        self.visit_For(node)
        node.ifs = self._all_told("truth", node.ifs)
        return node

    def visit_Assign(self, node: Any) -> Any:
        self.generic_visit(node)
        if any(map(_unpacks, node.targets)):
            node.value = self._told("everything", node.value)
        return node

    def visit_AnnAssign(self, node: Any) -> Any:
        node.target = self.visit(node.target)
        node.value = node.value and self.visit(node.value)
        return node

    def visit_Starred(self, node: Any) -> Any:
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load):
            node.value = self._told("items", node.value)
        return node

    def visit_Dict(self, node: Any) -> Any:
        self.generic_visit(node)
        for k, key in enumerate(node.keys):
            if key is None:
                node.values[k] = self._told("items", node.values[k])
        return node

    def visit_match_case(self, node: Any) -> Any:
        pattern, node.pattern = node.pattern, ast.MatchAs()  # holds names, no expressions
        self.generic_visit(node)
        node.pattern = pattern
        return node

    # --- imports --------------------------------------------------------------------------------

    def visit_Import(self, node: Any) -> Any:
        statements: list[ast.stmt] = [node]
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            load = ast.copy_location(ast.Name(name, ast.Load()), node)
            statements.append(self._statement("module", node, load))
        return statements

    def visit_ImportFrom(self, node: Any) -> Any:
        statements: list[ast.stmt] = [node]
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            if module != "__future__":
                statements.append(self._statement("imported", node, module, alias.name))
        return statements


def _unpacks(target: Any) -> bool:
    """Say whether what is assigned to a target is taken apart."""
    return isinstance(target, (ast.Tuple, ast.List))
