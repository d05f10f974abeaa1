"""Creators of modules that were edited and loaded again."""

from __future__ import annotations

import importlib
import logging
import os
import time
from pathlib import Path

import pytest

from radops.data_lake import File
from radops.provenance.identity import is_replaced

TEXT = """
from radops.data_lake import File, file_creator

@file_creator
def process(f: File) -> File:
    out = File(suffix=".txt")
    out.write_text("one")
    return out

class Model:
    @file_creator
    def fit(f: File) -> File:
        out = File(suffix=".txt")
        out.write_text("one")
        return out

def make():
    def inner(): return 1
    return inner
inner = make()
"""


def edit(module, text):
    path = Path(module.__file__)
    path.write_text(text)
    later = time.time() + 2
    os.utime(path, (later, later))
    importlib.reload(module)


@pytest.mark.parametrize("name", ["process", "Model.fit"])
def test_old_object_of_a_reloaded_module_says_so_once(load, lake, name, caplog):
    module = load(pipeline=TEXT)

    def get():
        found = module
        for part in name.split("."):
            found = getattr(found, part)
        return found

    old = get()
    File("in.txt").write_text("x")
    edit(module, "# a line more\n" + TEXT)
    with caplog.at_level(logging.WARNING, "radops"):
        old(File("in.txt"))
    # The same code, further down.
    assert not [message for message in caplog.messages if "loaded again" in message]
    edit(module, TEXT.replace('"one"', '"two"'))
    for _ in range(2):
        old(File("in.txt"))
    said = [message for message in caplog.messages if "loaded again" in message]
    expected = f"pipeline.{name} was edited and loaded again, but this object still runs the code"
    assert said == [f"{expected} from before: import it again"]
    caplog.clear()
    get()(File("in.txt"))
    assert not [message for message in caplog.messages if "loaded again" in message]


def test_what_is_not_replaced(load, monkeypatch):
    module = load(pipeline=TEXT)
    assert not is_replaced(module.process)
    assert not is_replaced(module.inner)
    old = module.process
    for stand_in in (None, 5, lambda f: f, len, File):
        monkeypatch.setattr(module, "process", stand_in)
        assert not is_replaced(old)
    monkeypatch.delattr(module, "process")
    assert not is_replaced(old)
