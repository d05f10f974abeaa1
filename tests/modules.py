"""Modules that a test writes, imports and forgets."""

from __future__ import annotations

import importlib
import sys

import pytest

from provenance.programs import write as write_files
from radops.provenance.git import remote_url, remote_urls, repository_at, repository_of
from radops.provenance.identity import _modules
from radops.provenance.project import project_of, root_of


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Import modules from files and forget them again; each call has a folder of its own."""
    folders = []

    def load(name="pipeline", /, _folder=None, **files):
        folder = _folder or tmp_path / f"version{len(folders)}"
        folders.append(folder)
        texts = {f"{key.replace('__in__', '/')}.py": text for key, text in files.items()}
        write_files(folder, texts)
        forget()
        monkeypatch.syspath_prepend(folder)
        sys.dont_write_bytecode = True
        importlib.invalidate_caches()
        return importlib.import_module(name)

    def forget():
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", "") or "").startswith(str(tmp_path)):
                del sys.modules[name]

    before = sys.dont_write_bytecode
    yield load
    forget()
    sys.dont_write_bytecode = before


def forget():
    """As a new process would: names of modules and projects are read once."""
    _modules.clear()
    cached = (remote_url, remote_urls, repository_at, repository_of, project_of, root_of)
    for function in cached:
        getattr(function, "cache_clear", bool)()
