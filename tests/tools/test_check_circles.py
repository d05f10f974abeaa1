"""The check for modules that import each other in a circle."""

from __future__ import annotations

from pathlib import Path

import pytest

import check_circles


@pytest.fixture
def sources(tmp_path: Path):
    def write(**texts: str) -> Path:
        for name, text in texts.items():
            path = tmp_path.joinpath(*name.split("__")).with_suffix(".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            (path.parent / "__init__.py").touch()
        return tmp_path

    return write


def test_imports_that_only_go_down_are_no_circle(sources) -> None:
    top = sources(app__a="import app.b, os", app__b="from app import c", app__c="import sys")
    assert check_circles.circles(top) == []
    assert check_circles.main([str(top)]) == 0


@pytest.mark.parametrize(
    "text",
    [
        "import app.a",
        "from app import a",
        "from app.a import name",
        "from . import a",
        "from .a import name",
        "from ..app.a import name",
        "def f():\n    from app.a import name",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from app.a import name",
    ],
)
def test_every_way_to_import_counts(sources, text: str) -> None:
    top = sources(app__a="import app.b", app__b=text)
    assert check_circles.circles(top) == [["app.a", "app.b"]]


def test_all_circles_are_listed_each_once(sources, capsys) -> None:
    top = sources(
        app__a="import app.b",
        app__b="import app.a, app.c",
        app__c="import app.d",
        app__d="import app.b",
        app__deep__x="from app.deep import y",
        app__deep__y="from app.deep import x",
        app__user="import app.a, app.deep.x",
    )
    assert check_circles.circles(top) == [
        ["app.a", "app.b"],
        ["app.deep.x", "app.deep.y"],
        ["app.b", "app.c", "app.d"],
    ]
    assert check_circles.main([str(top)]) == 1
    assert "circle: app.a\n     -> app.b\n     -> app.a\n" in capsys.readouterr().out


def test_a_package_can_import_its_modules(sources) -> None:
    top = sources(app__a="x = 1", app__b="from app.a import x")
    (top / "app" / "__init__.py").write_text("from app.a import x\nfrom app.b import x as y\n")
    assert check_circles.circles(top) == []
    (top / "app" / "a.py").write_text("from app import y")
    assert check_circles.circles(top) == [["app", "app.a"], ["app", "app.b", "app.a"]]
