"""Modules that the program has imported."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest

from radops.loaded import loaded


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module whose import waits until it may go on."""
    (tmp_path / "slow_to_import.py").write_text(
        "import threading\ngo_on = threading.Event()\ngo_on.wait(60)\nvalue = 1\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield "slow_to_import"
    sys.modules.pop("slow_to_import", None)


def test_what_was_not_imported_is_not_imported(slow: str) -> None:
    assert loaded(slow) is None
    assert slow not in sys.modules


def test_an_import_of_another_thread_is_waited_for(slow: str) -> None:
    thread = threading.Thread(target=__import__, args=[slow])
    thread.start()
    while not hasattr(sys.modules.get(slow), "go_on"):
        time.sleep(0.001)
    module = sys.modules[slow]
    assert not hasattr(module, "value")
    threading.Timer(0.2, module.go_on.set).start()
    assert loaded(slow).value == 1
    thread.join()


def test_a_module_that_is_blocked_is_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "blocked", None)
    assert loaded("blocked") is None
