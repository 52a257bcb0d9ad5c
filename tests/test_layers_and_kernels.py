"""Rules about the source: kernels use the shared flags, nothing draws outside rng, no libm on the simulation path."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / "recsim"
KERNELS = sorted((ROOT / "kernels").glob("*.py"))
PATH = [p for d in ("kernels", "agents", "opinion", "world") for p in sorted((ROOT / d).rglob("*.py"))]


EXTENSION = ("typeof_impl.register(Entry)", "unbox(EntryType)", "intrinsic")
"""What makes a kernel an argument of another one; nothing there is compiled by itself."""


@pytest.mark.parametrize("path", KERNELS, ids=lambda p: p.name)
def test_every_kernel_uses_the_shared_flags(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                text = ast.unparse(decorator)
                if path.name == "chain.py" and text in EXTENSION:
                    continue
                assert text in ("njit(**KERNEL)", "njit(**HELPER)", "njit(**INLINE)"), (
                    f"{path.name}:{node.lineno} {text}"
                )
            assert ast.get_docstring(node) or node.name.startswith("_"), f"{path.name}:{node.lineno} has no docstring"


@pytest.mark.parametrize("path", PATH, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_nothing_draws_outside_rng_and_no_libm(path):
    text = path.read_text()
    assert "np.random" not in text and "import random" not in text
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("math", "np"):
            allowed = {"sqrt", "ceil", "inf", "floor"}
            forbidden = {"exp", "log", "log1p", "log2", "log10", "power", "pow", "sin", "cos", "tanh", "dot", "matmul"}
            assert node.attr not in forbidden - allowed, f"{path.name}:{node.lineno} {node.value.id}.{node.attr}"
