"""An assert of the package narrows a type and does nothing else: with ``python -O`` it is not there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import hanmadi

PACKAGE = Path(hanmadi.__file__).parent


def is_plain(test: ast.expr) -> bool:
    """``x is not None``, ``isinstance(x, T)``, of names and attributes alone."""
    if isinstance(test, ast.BoolOp):
        return all(map(is_plain, test.values))
    if isinstance(test, ast.Call):
        return isinstance(test.func, ast.Name) and test.func.id == "isinstance" and not calls(test.args)
    return isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Is | ast.IsNot) and not calls([test])


def calls(nodes: list[ast.expr]) -> bool:
    return any(isinstance(part, ast.Call | ast.NamedExpr | ast.Await) for node in nodes for part in ast.walk(node))


def asserts(path: Path) -> Iterator[ast.Assert]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.Assert))


@pytest.mark.parametrize(
    ("code", "plain"),
    [("a.b is not None", True), ("isinstance(x, A | B)", True), ("len(bank.spectra)", False), ("f() is None", False),
     ("(x := 1) is not None", False), ("isinstance(pop(), A)", False)],
)  # fmt: skip
def test_what_is_plain(code: str, plain: bool) -> None:
    assert is_plain(ast.parse(code, mode="eval").body) is plain


def test_no_assert_does_anything() -> None:
    files = sorted(PACKAGE.rglob("*.py"))
    found = [f"{path.name}:{node.lineno}" for path in files for node in asserts(path) if not is_plain(node.test)]
    assert len(files) > 100
    assert found == []
