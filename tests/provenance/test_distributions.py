"""Which installed distributions were imported, and which one a file belongs to."""

from __future__ import annotations

import importlib.metadata
import json
import sys

import pytest

from provenance.programs import answer, write
from radops.provenance.capture import capture_code, package_version
from radops.provenance.distributions import Installed


def test_only_what_was_imported(tmp_path):
    program = """
        import json, sys
        from radops.provenance.distributions import Installed
        installed = Installed()
        before = installed.imported()
        import yaml
        print(json.dumps([before, installed.imported()]))
    """
    before, after = answer("-c", "\n".join(line[8:] for line in program.splitlines()), cwd=tmp_path)
    assert set(after) - set(before) == {"pyyaml"}
    assert after["pyyaml"] == importlib.metadata.version("pyyaml")
    assert not {"numpy", "mkdocs", "setuptools"} & set(after)


def site_packages(tmp_path, monkeypatch, files):
    site = write(tmp_path / "site-packages", files)
    monkeypatch.syspath_prepend(site)
    return site


def test_parts_of_a_namespace(tmp_path, monkeypatch):
    """Of `google.*` those that were imported."""
    files = {}
    for part in ("one", "two"):
        info = f"space_{part}-1.{part}.dist-info"
        files[f"radops_space/{part}/__init__.py"] = ""
        files[f"{info}/METADATA"] = ""
        files[f"{info}/RECORD"] = f'radops_space/{part}/__init__.py,,\n"{info}/METADATA",,\n'
    site_packages(tmp_path, monkeypatch, files)
    importlib.import_module("radops_space.one")
    try:
        found = Installed().imported()
        assert found["space-one"] == "1.one"
        assert "space-two" not in found
    finally:
        for name in ("radops_space.one", "radops_space"):
            del sys.modules[name]


def test_distributions_agree_with_the_standard_library():
    found = Installed().imported()
    owners = importlib.metadata.packages_distributions()
    tops = {name.partition(".")[0] for name in list(sys.modules)} - {"_distutils_hack"}
    expected = {owners[top][0] for top in tops if len(owners.get(top, ())) == 1}
    normal = {name.lower().replace("_", "-").replace(".", "-") for name in expected}
    assert normal <= set(found)
    assert set(found) <= normal | {"radops"}
    for name, version in found.items():
        assert importlib.metadata.version(name) == version


def test_version_of_the_package_that_holds_a_function(tmp_path, monkeypatch):
    assert package_version(capture_code) == importlib.metadata.version("radops")  # in place
    assert package_version(pytest.importorskip) == importlib.metadata.version("pytest")
    assert package_version(json.dumps) is None
    assert package_version(site_packages) == importlib.metadata.version("radops")
    write(tmp_path, {"checkout/src/flat.py": "def process(): pass"})
    url = json.dumps({"dir_info": {"editable": True}, "url": f"file://{tmp_path}/checkout"})
    info = "some_thing-2.5+local.dist-info"
    site_packages(tmp_path, monkeypatch, {f"{info}/METADATA": "", f"{info}/direct_url.json": url})
    installed = Installed()
    assert installed.version_of(str(tmp_path / "checkout" / "src" / "flat.py")) == "2.5+local"
    assert installed.version_of(str(tmp_path / "other.py")) is None


def test_in_place_by_setuptools(tmp_path, monkeypatch):
    info = "src/some_thing.egg-info"
    write(tmp_path, {f"{info}/PKG-INFO": "Name: some-thing\nVersion: 3.1\n\nVersion: 4"})
    write(tmp_path, {"src/flat.py": ""})
    monkeypatch.syspath_prepend(tmp_path / "src")
    assert Installed().version_of(str(tmp_path / "src" / "flat.py")) == "3.1"
