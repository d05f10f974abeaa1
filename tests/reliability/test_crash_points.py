"""The process ends before each of its steps in turn: nothing is lost, wrong or half visible.

A step is one change of a name in a file system: a file or folder made, linked, renamed or
removed, in the home and in the remote. Every step of every scenario is a crash point.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from faults import Crash
from reliability import figures
from reliability.disk import Disk
from reliability.scenarios import SCENARIOS
from reliability.worlds import Scenario, World, copied

if TYPE_CHECKING:
    from pathlib import Path

CASES = [
    pytest.param(scenario, far, id=f"{scenario.name}-{'far' if far else 'alone'}")
    for scenario in SCENARIOS
    for far in (False, True)
    if scenario.far in (None, far)
]


def prepared(tmp_path: Path, scenario: Scenario, far: bool) -> Path:
    """Make the world as it is before the action."""
    world = World(tmp_path / "world", far)
    world.make()
    if far:
        (world.root / "far").mkdir()
    # Not one of the steps that count, nor is anything to be waited for.
    with Disk(world.root).watching(), world.closing():
        scenario.before(world)
    template = tmp_path / "template"
    world.root.rename(template)
    return template


def crash_at(scenario: Scenario, template: Path, root: Path, step: int) -> bool:
    """End the action before that step, and look at what is left; True if it was over before."""
    with copied(template, root) as world:
        with Disk(world.root).watching(stop_at=step), contextlib.suppress(Crash), world.closing():
            scenario.action(world)
            return True
        with Disk(world.root).watching():
            try:
                scenario.check_between(world)
                scenario.again(world)
                scenario.check_after(world)
            except BaseException as error:
                error.add_note(f"{scenario.name}, crashed before step {step}")
                raise
    return False


# What a process leaves to a finalizer is refused too once it is "killed".
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("scenario", "far"), CASES)
def test_every_step(quick_path: Path, scenario: Scenario, far: bool) -> None:
    template = prepared(quick_path, scenario, far)
    step = 0
    while not crash_at(scenario, template, quick_path / "world", step):
        step += 1
    figures.report(f"crash points, {scenario.name}", points=step)
    assert step > 5
