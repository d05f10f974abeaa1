"""The source file that an import refers to, found without importing anything."""

from __future__ import annotations

import sys

import pytest

from provenance.programs import write
from radops.provenance.modules import External, Module, find, find_from, submodule, territory_of
from radops.provenance.references import Import


@pytest.fixture
def root(tmp_path, monkeypatch):
    files = {
        "radops_top.py": "raise RuntimeError('imported')",
        "radops_pkg/__init__.py": "raise RuntimeError('imported')",
        "radops_pkg/near.py": "",
        "radops_pkg/sub/__init__.py": "",
        "radops_pkg/sub/deep.py": "",
        "radops_space/part.py": "",
    }
    monkeypatch.syspath_prepend(write(tmp_path, files))
    return tmp_path


def test_own_modules_are_found_and_not_imported(root) -> None:
    found = find("radops_top")
    assert found == Module("radops_top", str(root / "radops_top.py"))
    package = find("radops_pkg")
    assert isinstance(package, Module)
    assert package.folders == (str(root / "radops_pkg"),)
    deep = find("radops_pkg.sub.deep")
    assert deep == Module("radops_pkg.sub.deep", str(root / "radops_pkg/sub/deep.py"))
    assert not [name for name in sys.modules if name.startswith("radops_pkg")]


def test_a_folder_without_init_is_a_package_too(root) -> None:
    space = find("radops_space")
    assert space == Module("radops_space", None, (str(root / "radops_space"),))
    assert submodule(space, "part") == Module(
        "radops_space.part", str(root / "radops_space/part.py")
    )
    assert submodule(space, "none") is None


@pytest.mark.parametrize("name", ["json", "json.decoder", "pytest", "sys", "radops.errors"])
def test_what_is_installed_or_built_in_is_external(name: str) -> None:
    assert isinstance(find(name), External)


@pytest.mark.parametrize("name", ["radops_nowhere", "radops_pkg.none", "radops_top.x", "json.none"])
def test_what_is_not_there_is_external(root, name: str) -> None:
    assert find(name) == External(name)


def test_relative_imports(root) -> None:
    here = str(root / "radops_pkg/sub/deep.py")
    near = find_from(here, Import(2, "near", None))
    assert isinstance(near, Module)
    assert near.file == str(root / "radops_pkg/near.py")
    package = find_from(here, Import(1, "", "deep"))
    assert isinstance(package, Module)
    assert package.file == str(root / "radops_pkg/sub/__init__.py")
    assert find_from(here, Import(2, "none", "x")) == External("..none")
    assert find_from(here, Import(0, "radops_top", None)) == find("radops_top")


def test_folders_given_come_first(root, tmp_path) -> None:
    other = write(tmp_path / "other", {"radops_top.py": ""})
    found = find("radops_top", folders=(str(other),))
    assert found == Module("radops_top", str(other / "radops_top.py"))


def test_an_installed_package_may_count_as_own(tmp_path, monkeypatch) -> None:
    site = write(tmp_path / "site-packages", {"radops_lib/__init__.py": "", "radops_two.py": ""})
    monkeypatch.syspath_prepend(site)
    assert find("radops_lib") == External("radops_lib")
    own = find("radops_lib", territory=str(site / "radops_lib"))
    assert isinstance(own, Module)
    assert find("radops_two", territory=str(site / "radops_lib")) == External("radops_two")
    assert territory_of(test_relative_imports) is None
    assert territory_of(pytest.importorskip).endswith("_pytest")
