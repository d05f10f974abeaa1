"""The documentation's walkthrough with a remote from the start, as its page tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pages import Runner
from shell import Machine
from walkthrough.places import PAGE

if TYPE_CHECKING:
    from pathlib import Path

    from walkthrough.places import Place


def test_the_page_is_true_with_a_remote_from_the_start(remote_place: Place, tmp_path: Path) -> None:
    def machine(name: str) -> Machine:
        machine = Machine(tmp_path / name, {"SHARED": str(tmp_path)})
        remote_place.configure(machine)
        return machine

    # Without the feature `embedded`, the page does not configure a remote by itself.
    results = Runner(PAGE, machine).run()
    assert len(results) > 10
