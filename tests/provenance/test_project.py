"""What a source file belongs to: an installed distribution, a project, or neither."""

from __future__ import annotations

import json
import os
import sysconfig
from pathlib import Path

import pytest

from provenance.programs import git, repository, write
from radops.provenance.project import (
    Project,
    dotted,
    installed_root,
    is_own_code,
    project_of,
    projects_around,
    real_path,
    root_of,
    scope_file,
    source_file,
)


@pytest.fixture(autouse=True)
def forget():
    """Files are looked at once in a process; each test has its own."""
    for cached in (installed_root, project_of, root_of):
        cached.cache_clear()


def test_the_nearest_declared_name_counts(tmp_path) -> None:
    write(
        tmp_path,
        {
            "pyproject.toml": '[project]\nname = "outer"\n',
            "inner/pyproject.toml": '[tool.poetry]\nname = "inner"\n',
            "inner/deep/none/pyproject.toml": "[tool.ruff]\nline-length = 1\n",
            "inner/broken/pyproject.toml": "[project",
        },
    )
    inner = Project(str(tmp_path / "inner"), "inner")
    for folder in ("inner", "inner/deep/none", "inner/broken"):
        assert project_of(str(tmp_path / folder)) == inner
    assert project_of(str(tmp_path / "other")) == Project(str(tmp_path), "outer")
    assert [one.name for one in projects_around(str(tmp_path / "inner"))] == ["inner", "outer"]
    assert root_of(str(tmp_path / "inner/deep")) == inner.root


def test_a_repository_is_named_by_its_remote_and_ends_the_search(tmp_path) -> None:
    write(tmp_path, {"pyproject.toml": '[project]\nname = "around"\n'})
    named = repository(write(tmp_path / "a", {"x.py": ""}), remote="git@host:team/demo.git")
    bare = repository(write(tmp_path / "b", {"sub/x.py": ""}), remote=None)
    assert project_of(str(named)) == Project(str(named), "demo")
    assert project_of(str(bare / "sub")) is None
    assert root_of(str(bare / "sub")) == str(bare)
    two = repository(write(tmp_path / "c", {"x.py": ""}), remote="git@host:team/demo.git")
    git(two, "remote", "add", "fork", "https://host/me/fork")
    assert {one.name for one in projects_around(str(two))} == {"demo", "fork"}


def test_outside_of_all(tmp_path) -> None:
    assert project_of(str(tmp_path)) is None
    assert root_of(str(tmp_path)) == str(tmp_path)


def test_installed_is_what_an_installer_put_there(tmp_path, monkeypatch) -> None:
    site = tmp_path / "lib" / "site-packages" / "pkg"
    assert installed_root(str(site)) == str(site.parent)
    assert not is_own_code(str(site / "mod.py"))
    files = {"thing-1.0.dist-info/METADATA": "", "thing.py": ""}
    target = write(tmp_path / "target", files)
    monkeypatch.syspath_prepend(target)
    assert installed_root(str(target)) == str(target)
    data = write(tmp_path / "data", files)  # not on the import path
    assert installed_root(str(data)) is None
    assert installed_root(os.path.dirname(json.__file__)) is not None
    assert Path(sysconfig.get_paths()["stdlib"]) in Path(json.__file__).parents


def test_own_code_is_source_that_is_not_installed(tmp_path) -> None:
    assert is_own_code(str(tmp_path / "a.py"))
    assert not is_own_code(str(tmp_path / "a.so"))
    assert not is_own_code(str(Path(source_file(project_of.__wrapped__))))  # radops itself


def test_links_are_followed_unless_they_make_it_installed(tmp_path) -> None:
    write(tmp_path, {"real/mod.py": ""})
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert real_path(str(tmp_path / "link/mod.py")) == str(tmp_path / "real/mod.py")
    site = tmp_path / "site-packages"
    site.mkdir()
    (site / "mod.py").symlink_to(tmp_path / "real/mod.py")
    assert real_path(str(site / "mod.py")) == str(site / "mod.py")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("pkg/mod.py", "pkg.mod"),
        ("pkg/__init__.py", "pkg"),
        ("__init__.py", "__init__"),
        ("gro\u0308ße.py", "gr\u00f6ße"),
    ],
)
def test_dotted(path: str, expected: str) -> None:
    assert dotted(path) == expected


def test_the_file_of_a_module(tmp_path) -> None:
    assert scope_file({"__name__": "m", "__file__": "/x/m.pyc"}) == "/x/m.py"
    assert scope_file({"__name__": "m", "__file__": "<frozen>"}) is None
    assert scope_file({"__name__": "m"}) is None
    assert source_file(test_dotted) == __file__
    scope = {"__name__": "__main__", "__file__": "x.py"}
    exec(compile("def f(): pass", "<stdin>", "exec"), scope)
    assert source_file(scope["f"]) is None
