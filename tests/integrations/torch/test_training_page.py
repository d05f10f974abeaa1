"""The page on training is true from top to bottom, where PyTorch is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: make test-torch")

from pages import Runner
from shell import Machine

PAGE = Path(__file__).parents[3] / "docs" / "training.md"


def test_the_page_on_training_is_true(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "first", {})
    Runner(PAGE, lambda _: machine, features=frozenset({"embedded", "torch"}), replace={}).run()
