"""Which names a piece of source takes from outside, by Python's rules of scope."""

from __future__ import annotations

import ast
import textwrap

import pytest

from radops.provenance.references import Import, References, captured, imported, references


def refer(text: str) -> References:
    (node,) = ast.parse(textwrap.dedent(text)).body
    return references(node)


def names(text: str) -> set[str]:
    return {".".join(path) for path in refer(text).names}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f(a, *b, c=d, **e): return a, b, c, e", {"d"}),
        ("def f(): return helpers.clean.fast(x.y)", {"helpers.clean.fast", "x.y"}),
        ("def f():\n x = 1\n return x + y", {"y"}),
        ("def f():\n global x\n x = 1\n return x", {"x"}),
        ("def f():\n x = 1\n def g(): return x, y\n return g", {"y"}),
        ("def f():\n x = 1\n def g():\n  nonlocal x\n  x = 2\n return g", set()),
        ("def f(): return [x for x in xs if x > low]", {"xs", "low"}),
        ("def f(): return {k: v for k, v in items}", {"items"}),
        ("def f():\n with open(p) as s: pass\n for i in r: s, i", {"open", "p", "r"}),
        ("def f():\n try: pass\n except E as e: raise e", {"E"}),
        ("def f():\n if (n := size()): return n", {"size"}),
        (
            "def f():\n match m:\n  case {'a': a, **rest}: return a, rest\n  case K(): pass",
            {"m", "K"},
        ),
        ("def f(x: T) -> R:\n y: U = 1\n del x", {"T", "R", "U"}),
        ("class C(Base):\n a = b\n def m(self): return a, self.x", {"Base", "b", "a"}),
        ("class C:\n a = 1\n b = a\n", set()),
        ("@wrap(option)\ndef f(): pass", {"wrap", "option"}),
        ("f = lambda x, y=z: x + y + w", {"z", "w"}),
        ("async def f():\n async for i in source(): yield i", {"source"}),
        ("def f(): return f(1)", {"f"}),
        ("x = f'{a} {b!r:>{width}}'", {"a", "b", "width"}),
    ],
)
def test_names(text: str, expected: set[str]) -> None:
    assert names(text) >= expected
    bound = {"x", "i", "s", "e", "n", "rest", "k", "v", "self", "g", "c"} - expected
    if not text.startswith(("x =", "f =", "class", "def f(): return helpers")):
        assert not names(text) & bound


def test_imports_within_a_function() -> None:
    found = refer(
        """
        def f():
            import os.path
            import numpy as np
            from . import near
            from ..pkg.mod import thing as other
            from far import *
            return os.path.join, np.sum, near.x, other, unbound
        """
    )
    assert found.imports >= {
        (Import(0, "os", None), ("path", "join")),
        (Import(0, "numpy", None), ("sum",)),
        (Import(1, "", "near"), ("x",)),
        (Import(2, "pkg.mod", "thing"), ()),
    }
    assert {path[0] for path in found.names} == {"unbound"}


def test_what_anything_can_be_reached_by() -> None:
    assert refer("def f(): return eval('x')").dynamic == {"eval"}
    assert refer("def f(): return globals()['x']").dynamic == {"globals"}
    assert refer("def f(eval): return eval('x')").dynamic == set()
    assert refer("def f(n): return getattr(helpers, n)").computed == {("helpers",)}
    assert refer("def f(): return getattr(helpers, 'clean')").computed == set()
    assert ("helpers", "clean") in refer("def f(): return getattr(helpers, 'clean')").names


def test_omitted_parts_do_not_count() -> None:
    (node,) = ast.parse("@wrap\ndef f(): return x").body
    assert isinstance(node, ast.FunctionDef)
    assert references(node, node.decorator_list).names == {("x",)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import a.b.c", [("a", Import(0, "a", None))]),
        ("import a.b as c", [("c", Import(0, "a.b", None))]),
        ("from a import b, c as d", [("b", Import(0, "a", "b")), ("d", Import(0, "a", "c"))]),
        ("from .. import b", [("b", Import(2, "", "b"))]),
        ("from a import *", []),
    ],
)
def test_what_an_import_binds(text: str, expected: list[tuple[str, Import]]) -> None:
    (node,) = ast.parse(text).body
    assert isinstance(node, ast.Import | ast.ImportFrom)
    assert imported(node) == expected


def test_what_handlers_and_patterns_bind() -> None:
    text = """
    try: pass
    except E as error: pass
    except F: pass
    match m:
        case [first, *more]: pass
        case {'k': 1, **rest}: pass
        case _: pass
    """
    nodes = ast.walk(ast.parse(textwrap.dedent(text)))
    assert {name for node in nodes for name in captured(node)} == {"error", "first", "more", "rest"}


def test_ten_thousand_levels_are_no_recursion() -> None:
    node: ast.AST = ast.Name("deep", ast.Load())
    for _ in range(10_000):
        node = ast.UnaryOp(ast.Not(), node)
    assert references(ast.Expr(node)).names == {("deep",)}
