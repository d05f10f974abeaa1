"""The power goes at any step: what was said to be done is there, and nothing else is believed.

What was not flushed by a barrier may be gone, there, or torn, every name and file by itself:
more than real file systems do, and all that POSIX allows them. Also the catalogue is gone.
"""

from __future__ import annotations

import contextlib
import os
import random
from typing import TYPE_CHECKING

import pytest

from directories.lakes import content, fill, many
from faults import Crash
from radops.lake.directory.checkout_marker import MARKER, UNFINISHED, read_marker
from reliability import figures
from reliability.disk import Chance, Disk, Fate, Forgotten, Recorder, State, Torn
from reliability.test_crash_points import CASES, prepared
from reliability.worlds import Scenario, World, copied

if TYPE_CHECKING:
    from pathlib import Path

FILES = {**many(12), "a": b"A", "empty": b""}
SEED = int(os.environ.get("RADOPS_SOAK_SEED") or random.randrange(1 << 30))
FATES = int(os.environ.get("RADOPS_SOAK_FATES") or 1)
"""Random outcomes of each loss of power, beside the three that are always tried in turn."""


def outcomes(number: int) -> list[Fate]:
    """Return what becomes of the disk at one step."""
    fixed = [Fate(), Torn(), Forgotten()]
    chances: list[Fate] = [Chance(random.Random(f"{SEED}-{number}-{i}")) for i in range(FATES)]
    return [*(fixed if FATES > 1 else fixed[number % 3 : number % 3 + 1]), *chances]


def look(scenario: Scenario, world: World, state: State, fate: Fate, *, done: bool) -> None:
    """Restore the disk, start the machine again, and look."""
    state.restore(fate)
    with Disk(world.root).watching():
        if done:
            scenario.check_after(world)
            return
        scenario.check_between(world)
        scenario.again(world)
        scenario.check_after(world)


@pytest.mark.parametrize(("scenario", "far"), CASES)
def test_at_every_step(quick_path: Path, scenario: Scenario, far: bool) -> None:
    template = prepared(quick_path, scenario, far)
    with copied(template, quick_path / "world") as world:
        disk = Disk(world.root)
        recorder = Recorder(disk)
        with disk.watching(recorder=recorder), world.closing():
            scenario.action(world)
        recorder.observe()
        losses = 0
        # Every third state is enough for a quick look: the last one is always among them.
        every = recorder.states if FATES > 1 else recorder.states[::-3][::-1]
        for number, state in enumerate(every):
            done = state is recorder.states[-1]
            for fate in outcomes(number):
                losses += 1
                try:
                    look(scenario, world, state, fate, done=done)
                except BaseException as error:
                    error.add_note(f"{scenario.name}, step {number}, {fate}, seed {SEED}")
                    raise
        figures.report(f"power loss, {scenario.name}", losses_of_power=losses)


# What a process leaves to a finalizer is refused too once it is "killed".
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("scenario", "far"), CASES)
def test_after_a_kill_that_others_made_good(
    quick_path: Path, scenario: Scenario, far: bool
) -> None:
    """A process is killed, another does the same and says that it is done; then the power goes.

    The second builds on what the first left, which was not flushed.
    """
    template = prepared(quick_path, scenario, far)
    step, over = 0, False
    while not over:
        with copied(template, quick_path / "world") as world:
            disk = Disk(world.root)
            recorder = Recorder(disk)
            over = True
            with disk.watching(stop_at=step, recorder=recorder), contextlib.suppress(Crash):
                over = False
                with world.closing():
                    scenario.action(world)
                    over = True
            with disk.watching(recorder=recorder):
                scenario.again(world)
            recorder.observe()
            try:
                # A call that finds its result in place promises no more than the call that made it.
                done = scenario.name != "create"
                look(scenario, world, recorder.states[-1], Forgotten(), done=done)
            except BaseException as error:
                error.add_note(f"{scenario.name}, killed before step {step}")
                raise
        step += 1 if FATES > 1 else 5


def test_a_folder_to_read_is_whole(quick_path: Path) -> None:
    """It is read without a look at its bytes, so it must not get its name before them."""
    world = World(quick_path / "world", far=False)
    world.make()
    disk = Disk(world.root)
    recorder = Recorder(disk)
    with disk.watching(), world.closing():
        fill(world.root / "outside", FILES)
        world.lake().add(world.root / "outside", "set/v1")
    recorder.observe(everything=True)
    with disk.watching(recorder=recorder), world.closing():
        world.lake().directory("set/v1").path()
    recorder.observe()
    for fate in (Fate(), Torn(), Forgotten()):
        recorder.states[-1].restore(fate)
        with disk.watching(), world.closing():
            assert content(world.lake().directory("set/v1").path()) == FILES, fate


@pytest.mark.parametrize("count", [2, 12])
def test_a_checkout_that_says_that_it_is_whole_is_whole(quick_path: Path, count: int) -> None:
    """It is outside of the lake, and an add of it stores what is there as if people had made it."""
    files = many(count)
    versions = {
        "v1": {**files, "old": b"1", "changed": b"of v1"},
        "v2": {**files, "new/deep": b"2", "changed": b"of v2, and longer"},
    }
    world = World(quick_path / "world", far=False)
    world.make()
    (world.root / "away").mkdir()
    work = world.root / "away/new/work"
    disk = Disk(world.root)
    with disk.watching(), world.closing():
        for uid, contents in versions.items():
            fill(world.root / "outside" / uid, contents)
            world.lake().add(world.root / "outside" / uid, uid)
    recorder = Recorder(disk)

    def whole_where_it_says_so(state: State, fate: Fate) -> str | None:
        state.restore(fate)
        marker = read_marker(work)
        if marker is None or marker.unfinished:
            return None
        found = {name: data for name, data in content(work).items() if UNFINISHED not in name}
        del found[MARKER]
        assert found == versions[marker.uid], (marker, fate)
        return marker.uid

    done: list[tuple[str, State]] = []
    for uid, options in (
        ("v1", {}),
        ("v2", {"force": True, "delete": True}),
        ("v1", {"force": True, "delete": True}),
    ):
        with disk.watching(recorder=recorder), world.closing():
            world.lake().directory(uid).download(to=work, **options)
        recorder.observe()
        done.append((uid, recorder.states[-1]))
    for uid, state in done:
        for fate in (Fate(), Torn(), Forgotten()):
            assert whole_where_it_says_so(state, fate) == uid, fate
    for number, state in enumerate(recorder.states):
        for fate in (Fate(), Torn(), Forgotten(), Chance(random.Random(f"{SEED}-{number}"))):
            whole_where_it_says_so(state, fate)
