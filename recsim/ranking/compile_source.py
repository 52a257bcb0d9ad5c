"""The source of a policy and of all that it reaches, as text that computes in float32 and never calls libm.

What `recsim.ranking.compile` and `recsim.ranking.compile_rerank` write into a generated module goes through here.
"""

from __future__ import annotations

import ast
import inspect
import math
import re
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import numpy as np

from recsim.errors import InputError, unknown
from recsim.ranking.policy import syntax_of

MATHS = {
    "exp": "exp32({})",
    "log": "log32({})",
    "log10": "(log32({}) * F(0.4342944819032518))",
    "sqrt": "F(math.sqrt({}))",
}


def single(value: Any) -> str:
    """A number as float32 in the text of a generated module."""
    return f"F({re.sub('inf|nan', lambda found: 'np.' + found[0], repr(float(value)))})"


def _whole(node: ast.expr) -> int | None:
    """The whole number that a power is written as, such as 2, -2 or 2.0; None if it is anything else."""
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return None
    return int(value) if isinstance(value, int | float) and float(value).is_integer() else None


class Single(ast.NodeTransformer):
    """Rewrite a policy's syntax so that it computes in float32 and never calls libm."""

    def __init__(self, where: str) -> None:
        self.where = where

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """A number, as float32."""
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            return node
        return ast.parse(single(node.value), mode="eval").body

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """A power: whole ones by multiplication, others as ``power32``."""
        if isinstance(node.op, ast.Pow):
            base, whole = ast.unparse(self.visit(node.left)), _whole(node.right)
            if whole is None:
                text = f"power32({base}, {ast.unparse(self.visit(node.right))})"
            else:
                text = f"({base}) ** {whole}" if whole >= 0 else f"F(1.0) / ({base}) ** {-whole}"
            return ast.parse(text, mode="eval").body
        return self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        """``x **= y``, as ``x = x ** y``."""
        if not isinstance(node.op, ast.Pow):
            return self.generic_visit(node)
        name, power = ast.unparse(node.target), ast.unparse(node.value)
        return self.visit(ast.parse(f"{name} = {name} ** ({power})").body[0])

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """A function of ``math`` or ``np``, as the one of the kernels; others stay."""
        target = node.func
        if isinstance(target, ast.Name) and target.id == "range":
            return node
        if (
            isinstance(target, ast.Attribute)
            and isinstance(target.value, ast.Name)
            and target.value.id in ("math", "np")
        ):
            if target.attr not in MATHS:
                raise unknown("mathematical function", target.attr, MATHS, self.where)
            if len(node.args) != 1 or node.keywords:
                text = f"{target.value.id}.{target.attr} takes one number here; got {ast.unparse(node)!r}"
                raise InputError(f"{text}; a logarithm to base b is math.log(x) / math.log(b)", self.where)
            inner = ast.unparse(self.visit(node.args[0]))
            return ast.parse(MATHS[target.attr].format(inner), mode="eval").body
        return self.generic_visit(node)


def kernel_text(module: ModuleType, names: tuple[str, ...]) -> str:
    """Constants and named helper functions of a kernel file, with plain decorators."""
    tree = ast.parse(inspect.getsource(module))
    parts = []
    for node in tree.body:
        if isinstance(node, ast.Assign):
            parts.append(ast.unparse(node))
        elif isinstance(node, ast.FunctionDef) and node.name in names:
            flags = "INLINE" if "INLINE" in ast.unparse(node.decorator_list[0]) else "HELPER"
            node.decorator_list = [ast.parse(f"njit(**{flags})", mode="eval").body]
            parts.append(ast.unparse(node))
    return "\n".join(parts)


def user_text(function: Callable, name: str, done: dict[str, str], within: tuple[Callable, ...] = ()) -> None:
    """Add the function (as ``name``) and everything it reaches to ``done``, in the order of need.

    Args:
        within: the functions that led to this one.
    """
    function = getattr(function, "py_func", function)
    if function in within:
        raise InputError(f"function {function.__name__} calls itself; only loops can be compiled")
    node = syntax_of(function)
    local = {a.arg for a in node.args.args} | {
        n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    body = ast.FunctionDef(**{**{k: getattr(node, k) for k in node._fields}, "name": name})
    builtins = {"abs", "min", "max", "float", "bool", "range"}
    for used in sorted({n.id for n in ast.walk(node) if isinstance(n, ast.Name)} - local - builtins - {"math", "np"}):
        if used not in function.__globals__:
            raise InputError(f"policy function {function.__name__} uses {used!r}, which is not defined in its file")
        value = function.__globals__[used]
        if value is np.float32 and used == "F":
            continue
        value = getattr(value, "py_func", value)
        own_name = str(getattr(value, "__name__", ""))
        if inspect.isfunction(value):
            own: dict[str, str] = {}
            user_text(value, used, own, (*within, function))
        elif isinstance(value, int | float | np.floating):
            own = {used: f"{used} = {single(value)}"}
        elif value is not None and getattr(math, own_name, None) is value:
            raise InputError(f"policy function {function.__name__} uses {used!r} by itself; write math.{own_name}")
        elif not isinstance(value, type):
            raise InputError(
                f"policy function {function.__name__} uses {used!r}; only numbers and functions can be compiled"
            )
        else:
            continue
        for key, text in own.items():
            if done.setdefault(key, text) != text:
                raise InputError(
                    f"policy function {function.__name__} reaches two different things called {key!r}; rename one"
                )
    done[name] = "@njit(**INLINE)\n" + ast.unparse(ast.fix_missing_locations(Single(function.__name__).visit(body)))


def check_taken(text: str, functions: Mapping[str, str]) -> None:
    """Refuse a constant or helper that bears a name of the generated module's own: one would silently be the other.

    Raises:
        InputError: the first such name.
    """
    bound: list[str] = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            bound.append(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound += [alias.asname or alias.name for alias in node.names]
        else:
            bound += [one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)]
    for name in functions:
        if bound.count(name) > 1:
            raise InputError(f"got the name {name!r}, which the generated module needs for itself; rename it")
