"""The re-rank stage of a policy's generated module: its re-rankers' text, and the kernel that calls them in order.

Same guarantee as for the score: whatever the re-rankers reach (helpers, constants, the shared parts in
`recsim.kernels.rerank`) is written into the module, so an edit anywhere is a new module. A policy without re-rankers
gets no text, hence the module it had before there was such a stage.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import re
import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np

from recsim.errors import InputError
from recsim.kernels import mathf, rerank, shown, slate
from recsim.ranking.compile_source import Single, kernel_text, single
from recsim.ranking.policy import Policy, syntax_of
from recsim.ranking.reranker import Reranker
from recsim.ranking.slate_vocabulary import SLATE, slate_names
from recsim.ranking.vocabulary import CONSTANTS, FEATURES

BUILTINS = {"abs", "bool", "float", "int", "len", "max", "min", "range"}
OWN_MATHS = ("exp32", "log32", "sigmoid32")
PARTS = ("list_codes", "drop_twins", "take_best", "sort_down", "follow_order", "write_back")


class _Slate(Single):
    """Rewrite a re-ranker's syntax: numbers with a point are float32, whole numbers stay counts and places."""

    def __init__(self, where: str, names: dict[str, str]) -> None:
        super().__init__(where)
        self.names = names

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return super().visit_Constant(node) if isinstance(node.value, float) else node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self.names.get(node.id, node.id)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id in ("float", "range"):
            node.args = [self.visit(argument) for argument in node.args]
            if node.func.id == "float":
                node.func.id = "F"
            return node
        return super().visit_Call(node)


class _Texts:
    """Functions and constants in the order of need, each under a name of its own.

    Two files may use one name for different things, so a name is written once per file it comes from.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.known: dict[object, str] = {}

    def add(self, function: Callable, name: str) -> None:
        """Add a function and everything it reaches."""
        node = syntax_of(function)
        local = {a.arg for a in node.args.args} | {
            n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        scope = function.__globals__
        names = {}
        for used in sorted({n.id for n in ast.walk(node) if isinstance(n, ast.Name)} - local - BUILTINS):
            if used in ("math", "np"):
                continue
            if used not in scope:
                raise InputError(f"function {function.__name__} uses {used!r}, which is not defined in its file")
            names[used] = self._name_of(getattr(scope[used], "py_func", scope[used]), used, function)
        written = ast.FunctionDef(**{**{k: getattr(node, k) for k in node._fields}, "name": name})
        written = _Slate(function.__name__, names).visit(written)
        self.texts.append("@njit(**HELPER)\n" + ast.unparse(ast.fix_missing_locations(written)))

    def _name_of(self, value: object, used: str, function: Callable) -> str:
        if used in OWN_MATHS and value is getattr(mathf, used).py_func:
            return used
        if inspect.isfunction(value):
            if value not in self.known:
                self.known[value] = ""
                name = f"h{len(self.known)}_{value.__name__}"
                self.add(value, name)
                self.known[value] = name
            if not self.known[value]:
                raise InputError(f"function {value.__name__} calls itself; only loops can be compiled")
            return self.known[value]
        if isinstance(value, int | float | np.floating | np.integer):
            key = (id(function.__globals__), used)
            if key not in self.known:
                self.known[key] = f"c{len(self.known)}_{used}"
                whole = isinstance(value, int | np.integer)
                self.texts.append(
                    f"{self.known[key]} = {int(value)!r}" if whole else f"{self.known[key]} = {single(value)}"
                )
            return self.known[key]
        raise InputError(f"function {function.__name__} uses {used!r}; only numbers and functions can be compiled")


def rerank_rows(policy: Policy) -> tuple[str, ...]:
    """Item-level rows that the re-rankers read."""
    names = [name for one in policy.rerank for name in one.names if name not in SLATE]
    return tuple(dict.fromkeys(row for name in names for row in FEATURES[name].rows))


def rerank_text(policy: Policy, rows: tuple[str, ...]) -> str:
    """Text to add to the generated module; empty without re-rankers.

    Args:
        policy: the policy.
        rows: item-level rows of the module, in order.
    """
    if not policy.rerank:
        return ""
    known = slate_names()
    texts = _Texts()
    classes, calls = [], []
    for number, one in enumerate(policy.rerank):
        texts.add(one.function, f"rerank_{number}")
        fields = "\n".join(f"    {name}: object" for name in one.names)
        classes.append(f"class Slate{number}(NamedTuple):\n{fields}{_table_mark(one)}\n")
        calls.append(_call(number, one, rows))
    used = dict.fromkeys(name for one in policy.rerank for name in one.names)
    buffers = [known[name].buffer for name in used if known[name].buffer]
    shared = "\n\n".join(
        re.sub(r"\bLOWEST\b", "NO_CODE", kernel_text(module, names))
        for module, names in (
            (slate, ("has_seen", "sortable")),
            (shown, ("next_page", "memory_row")),
            (rerank, PARTS),
        )
    )
    names = tuple(policy.parameters) or ("unused",)
    given = ", ".join(f"params[{k}]" for k in range(len(names)))
    features = [FEATURES[name].expression for name in used if name not in SLATE]
    settled = [f"{name} = constants[{k}]" for k, name in enumerate(CONSTANTS) if any(name in e for e in features)]
    before = textwrap.indent("\n".join([*settled, *buffers]), " " * 4)
    return f'''

{shared}


{(chr(10) * 2).join(classes)}

{(chr(10) * 2).join(texts.texts)}


@njit(**KERNEL)
def rerank_block(first, last, visits, pools, observed, cells, items, eligible, item_rows, window_start, constants,
                 params, facts, scores):
    """Re-rank the best entries of visits first..last-1: {", ".join(one.name for one in policy.rerank)}.

    visits, pools: see `recsim.kernels.slate`; observed, cells, items: groups of `recsim.state`; eligible (W,) bool;
    item_rows (F, W); facts: `recsim.ranking.slate_vocabulary.RerankFacts`; scores (B, P+M) float32, row
    visit - first, read and written.
    """
    width = scores.shape[1]
    groups = (width + GROUP - 1) // GROUP
    most = min(np.int64(facts.top), np.int64(width))
    code = np.empty(groups * GROUP, np.int64)
    group_best = np.empty(groups, np.int64)
    column = np.empty(most, np.int64)
    item = np.empty(most, np.int64)
    old_column = np.empty(most, np.int64)
    old_item = np.empty(most, np.int64)
    score = np.empty(most, np.float32)
    places = np.empty(most, np.float32)
    p = Parameters({given}{"," if len(names) == 1 else ""})
{before}
    for visit in range(first, last):
        row = scores[visit - first]
        who = visits.person[visit]
        stratum = visits.stratum[visit]
        listed = pools.item[stratum]
        inbox = observed.inbox[who, :width - listed.shape[0]]
        mine = memory_row(observed, who)
        list_codes(row, mine, listed, inbox, observed.seen, eligible, window_start, code)
        drop_twins(row, listed, np.int64(pools.size[stratum]), inbox, code)
        m = take_best(row, listed, inbox, code, group_best, most, column, item, score)
        if m == 0:
            continue
        low = score[m - 1]
{"".join(calls)}        write_back(m, low, row, column)
'''


def _call(number: int, one: Reranker, rows: tuple[str, ...]) -> str:
    """Gather what a re-ranker names, call it, put the entries in order."""
    known = slate_names()
    place = {row: f"item_rows[{k}, i - window_start]" for k, row in enumerate(rows)}
    values, lines = [], [f"# {one.name}"]
    for name in one.names:
        lines.append(known[name].fill.format(**place) if name not in SLATE else known[name].fill)
        values.append(known[name].value.format(number=number) if name == "table" else known[name].value)
    ordered = "order" in one.names
    if ordered:
        lines.append("for k in range(m):\n    places[k] = score[k]")
    lines.append(f"rerank_{number}(Slate{number}({', '.join(values)},), p)")
    lines.append(
        "m = follow_order(m, b_order, places, row, column, item, score, old_column, old_item)"
        if ordered
        else "m = sort_down(m, row, column, item, score)"
    )
    body = "if m > 0:\n" + textwrap.indent("\n".join(line for line in lines if line), " " * 4)
    return textwrap.indent(body, " " * 8) + "\n"


def _table_mark(one: Reranker) -> str:
    """The file of a table's function belongs to what decides results; so its hash stands in the module."""
    if one.table is None:
        return ""
    digest = hashlib.sha256(Path(inspect.getsourcefile(one.table) or "").read_bytes()).hexdigest()
    return f"\n    # s.table: {one.table.__name__}, file {digest}"
